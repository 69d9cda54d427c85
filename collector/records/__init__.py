"""What a record is: canonical columns, batches of flows, and their encoded forms."""
