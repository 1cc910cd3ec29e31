"""Blocking calls and plain iterators, for programs without an event loop.

Everything here delegates to the asynchronous client, which runs in the event loop of a separate thread.
"""

from rxpump.blocking.client import BlockingClient
from rxpump.blocking.iterating import BlockingIterator
from rxpump.blocking.opening import open
from rxpump.blocking.running import run
from rxpump.blocking.transaction import BlockingTransaction

__all__ = ["BlockingClient", "BlockingIterator", "BlockingTransaction", "open", "run"]
