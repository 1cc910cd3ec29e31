"""What the connections of every protocol have in common: the rules of reconnecting, finding the node, and TLS."""
