"""What is done to records between receiver and exporter: tables, join, aggregation."""
