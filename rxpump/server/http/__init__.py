"""The HTTP side of a node, as far as clients need it to find the node and people to see how it is.

See docs/protocol/tcp.md, section 5.
"""
