"""A model of a server in plain Python, after docs/protocol/tcp.md, section 4, with one topic in each file.

The model is written from that document, without regard to the code of the server. It has no index and no cache, and
searches lists. Its positions differ from those of a server (see `places.py`).
"""
