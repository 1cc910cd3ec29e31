"""Persistent subscriptions: the server keeps the place of a group of consumers.

See docs/protocol/tcp.md, section 4.18.
"""
