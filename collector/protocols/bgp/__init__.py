"""BGP-4 messages as BMP carries them (RFC 4271 and its extensions)."""
