"""Where octets come in: UDP and TCP sockets, capture files."""
