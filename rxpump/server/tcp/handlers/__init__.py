"""What the server does for each command: one kind of request a file."""
