"""State machines of the protocol. Callers pass received bytes and the time; they get bytes, results and deadlines."""
