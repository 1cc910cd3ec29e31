"""Consumer groups (persistent subscriptions): the server keeps the progress of a group of consumers.

See docs/protocol/tcp.md, section 4.18.
"""
