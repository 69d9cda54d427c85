"""Flow records as nfacctd makes them: primitives out of fields, summed, written in its shapes."""
