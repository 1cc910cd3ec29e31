"""What the connections of every protocol have in common: TLS, and the delays between attempts to connect."""
