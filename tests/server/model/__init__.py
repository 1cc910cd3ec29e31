"""A model of a server in plain Python, after docs/protocol/tcp.md, section 4, with one topic in each file.

The model follows that document and not the server it is compared with. It has no index and no cache, and searches
lists. Its positions differ from a server's (see `places.py`).
"""
