"""nfacctd's BMP daemon: its routes, its event records and its table dumps (reference 3 and 4)."""
