"""nfacctd's map files: rules that name, tag and rate flows, and tables that are looked up."""
