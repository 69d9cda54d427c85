"""BGP Monitoring Protocol version 3 (RFC 7854, 8671, 9069, 9736)."""
