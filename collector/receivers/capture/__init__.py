"""Capture files read as if their packets had just arrived: files, link layers, IP, UDP, TCP."""
