"""A server in plain Python, as docs/protocol/tcp.md, section 4, describes it, one topic a file.

It is made from that document, not from the server it is compared with. It keeps no index and no cache, and
looks everything up in lists. Its places in the log are its own: see places.py.
"""
