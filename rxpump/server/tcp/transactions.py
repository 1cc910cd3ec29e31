"""Transactions that were started, and not heard of for too long.

A real server keeps what it is told in its log, and abandons what is not committed. Here it is kept in
memory: a server that is started again knows those that were committed, and no others. The memory is
bounded, for all clients together; the transaction that was longest not heard of goes first.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from rxpump.server.store.write_transaction import Prepared

_MOST_BYTES: Final = 64 * 1024 * 1024
_BYTES: Final = 512  # that one takes besides its events, or an event besides its data, about


class Transaction:
    """One that was started: `prepared` is what it was told so far, `last_write` the latest of its writes.

    `is_ended` is true from its first commit on, whatever became of that: later writes are not part of it.
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
    """Those of one server, by id."""

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._by_id: OrderedDict[int, Transaction] = OrderedDict()
        self._most_bytes = most_bytes
        self._bytes = 0

    def start(self, id: int, stream: str, expected_version: int) -> None:
        """Begin to keep one."""
        transaction = self._by_id[id] = Transaction(stream, expected_version)
        self._bytes += transaction.size
        self._make_room()

    def find(self, id: int) -> Transaction | None:
        """Look for one; None if it never was, or had to make room."""
        if id in self._by_id:
            self._by_id.move_to_end(id)
        return self._by_id.get(id)

    def prepare(self, id: int, events: Sequence[Any], places: Sequence[int]) -> None:
        """Keep more events (NewEvent messages) of one; those of an unknown one are nobody's."""
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
