"""Device to slot: one pure function, and the kernel programs that apply it."""
