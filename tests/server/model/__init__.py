"""A server in plain Python, as the protocol page describes it (section 4), one topic a file.

It is made from that page, not from the server it is compared with. It keeps no index and no cache, and
looks everything up in lists. Its places in the log are its own: see places.py.
"""
