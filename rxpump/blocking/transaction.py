"""A transaction whose methods are blocking calls."""

from __future__ import annotations

from functools import partial
from types import TracebackType

from rxpump.blocking.delegation import Delegate, blocking
from rxpump.model.results import WriteResult
from rxpump.streams.transaction import Transaction, TransactionState


class BlockingTransaction(Delegate[Transaction]):
    """A transaction on one stream. `BlockingClient.transaction` makes one.

    `with` starts it. At the end of the block it is committed, or abandoned if an exception leaves the block.

    Example:
        with store.transaction("orders", expected_version=7) as transaction:
            transaction.write(first_events)
            transaction.write(more_events)
        print(transaction.result)
    """

    @property
    def id(self) -> int | None:
        """Id of the transaction on the server, with which it can be continued; None before the start."""
        return self._asynchronous.id

    @property
    def result(self) -> WriteResult | None:
        """Numbers and position of the written events; None before the commit."""
        return self._asynchronous.result

    @property
    def state(self) -> TransactionState:
        """State of the transaction."""
        return self._asynchronous.state

    @blocking(Transaction.start)
    def start(self) -> None:
        """Start the transaction on the server; see `Transaction.start`."""

    @blocking(Transaction.write)
    def write(self) -> None:
        """Add events to the transaction; see `Transaction.write`."""

    @blocking(Transaction.commit)
    def commit(self) -> None:
        """Write the events of the transaction as one atomic write; see `Transaction.commit`."""

    def abandon(self) -> None:
        """End the transaction without writing its events. A committed transaction stays as it is."""
        self._asynchronous.abandon()

    def __enter__(self) -> BlockingTransaction:
        self._thread.call(self._asynchronous.__aenter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.finish(partial(self._asynchronous.__aexit__, kind, error, trace))
