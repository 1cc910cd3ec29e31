"""Transactions that were started and not committed.

They are kept in memory, so a server that restarts has only transactions that were committed. A real server keeps
them in its log. The memory of all transactions together is bounded: the one that was not used for the longest time is
dropped first.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from rxpump.server.store.write_transaction import Prepared

_MOST_BYTES: Final = 64 * 1024 * 1024
_BYTES: Final = 512
"""Bytes of memory that a transaction takes without its events, and that an event takes without its data."""


class Transaction:
    """One transaction.

    Attributes:
        stream: Name of the stream.
        expected_version: Expected version of the stream at the commit.
        prepared: Events that were written so far.
        last_write: Future of the latest write, or None.
        is_ended: Whether a commit was requested. Later writes are not part of the transaction.
        size: Bytes of memory that the transaction takes.
    """

    def __init__(self, stream: str, expected_version: int) -> None:
        self.stream = stream
        self.expected_version = expected_version
        self.prepared: list[Prepared] = []
        self.last_write: asyncio.Future[Any] | None = None
        self.is_ended: bool = False
        self.size: int = _BYTES + len(stream)

    def __repr__(self) -> str:
        return f"<Transaction on {self.stream!r}, {len(self.prepared)} events{', ended' if self.is_ended else ''}>"


class Transactions:
    """The transactions of one server.

    Args:
        most_bytes: Largest total bytes of memory of all transactions.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._by_id: OrderedDict[int, Transaction] = OrderedDict()
        self._most_bytes = most_bytes
        self._bytes = 0

    def start(self, id: int, stream: str, expected_version: int) -> None:
        """Add a transaction."""
        transaction = self._by_id[id] = Transaction(stream, expected_version)
        self._bytes += transaction.size
        self._make_room()

    def find(self, id: int) -> Transaction | None:
        """Return a transaction, or None if it never existed or was dropped."""
        if id in self._by_id:
            self._by_id.move_to_end(id)
        return self._by_id.get(id)

    def prepare(self, id: int, events: Sequence[Any], places: Sequence[int]) -> None:
        """Add events (NewEvent messages) to a transaction. If the transaction is not known, they are dropped."""
        transaction = self.find(id)
        if transaction is not None:
            transaction.prepared += map(Prepared, events, places)
            size = sum(_BYTES + event.ByteSize() for event in events)
            transaction.size += size
            self._bytes += size
            self._make_room()

    def _make_room(self) -> None:
        while self._bytes > self._most_bytes:
            _, oldest = self._by_id.popitem(last=False)
            self._bytes -= oldest.size

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        return f"<{len(self)} transactions, {self._bytes} bytes>"
