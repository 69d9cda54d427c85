"""The processes: one supervisor that owns the sockets, one worker for each slot."""
