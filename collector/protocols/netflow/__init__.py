"""NetFlow version 5 and version 9 (RFC 3954) message formats."""
