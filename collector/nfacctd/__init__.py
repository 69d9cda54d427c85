"""The drop-in for nfacctd: its configuration in, its records out."""
