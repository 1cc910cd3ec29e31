"""The parts of connections that all protocols share: the choice of a node, the rules of reconnecting, and TLS."""
