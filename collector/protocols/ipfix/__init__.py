"""IPFIX (RFC 7011) and what NetFlow v9 shares with it: templates, layouts, element types."""
