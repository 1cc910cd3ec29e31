"""Users of the embedded server, their passwords and their permissions."""
