"""Network telemetry collector: IPFIX, NetFlow and BMP in, records joined per device out."""
