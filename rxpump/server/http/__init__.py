"""The HTTP interface of a node: gossip, statistics and parked events (docs/protocol/tcp.md, section 5)."""
