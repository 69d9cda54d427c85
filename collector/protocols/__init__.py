"""Wire formats: octets in, values out. Nothing here knows a socket, a clock or a file."""
