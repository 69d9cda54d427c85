"""BGP tables per device, and longest-prefix match over whole batches of addresses."""
