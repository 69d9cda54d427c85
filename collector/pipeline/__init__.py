"""What moves records through a worker, whichever receiver and exporter stand at its ends."""
