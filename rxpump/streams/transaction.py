"""A transaction: several writes to one stream that become visible together.

    NEW ──start──▶ OPEN ──commit──▶ COMMITTED
     │              ├──a write fails──▶ FAILED
     └──────────────┴──abandon──▶ ABANDONED ◀── FAILED

The protocol has no rollback. Events of a transaction that is not committed never become visible, and stay in the log
of the server until it is scavenged. So nothing is sent when a transaction is abandoned.

A lost connection does not end a transaction, but the outcome of a write that was in flight is unknown. The server
would add the events again if the write were repeated, so it is not repeated, and fails. A transaction with a failed
write may lack events or contain some twice, so it cannot be committed. If a block of `async with` catches such an
error and ends without abandoning the transaction, the commit at its end raises an error.

The start and the commit are repeated after a lost connection. A second start leaves an empty transaction behind, and
the server recognizes a repeated commit by the ids of its events (always with an exact expected version, as best
effort with ANY, as for any write).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from types import TracebackType

from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import InvalidArgument
from rxpump.model.events import Event
from rxpump.model.new_events import NewEvent, as_new_event
from rxpump.model.results import WriteResult
from rxpump.streams.observable import Observable
from rxpump.streams.single import Single
from rxpump.transport import Transport


class TransactionState(Enum):
    """State of a transaction."""

    NEW = "new"
    OPEN = "open"
    COMMITTED = "committed"
    FAILED = "with a write that failed"
    ABANDONED = "abandoned"


class Transaction:
    """A transaction on one stream. `Client.transaction` makes one.

    `async with` starts it. At the end of the block it is committed, or abandoned if an exception leaves the block. A
    method that the state does not allow raises InvalidArgument.

    Attributes:
        stream: Name of the stream.
        expected_version: Number of the last event that the stream must have at the commit, or a constant of
            ExpectedVersion. None if it was started elsewhere with an unknown version.
        id: Id of the transaction on the server, with which it can be continued; None before the start.
        result: Numbers and position of the written events; None before the commit.
        state: State of the transaction.
    """

    def __init__(
        self,
        runtime: BackgroundTasks,
        transport: Transport,
        stream: str,
        expected_version: int | None,
        id: int | None = None,
    ) -> None:
        self.stream = stream
        self.expected_version = expected_version
        self.id = id
        self.result: WriteResult | None = None
        self.state = TransactionState.NEW if id is None else TransactionState.OPEN
        self._runtime = runtime
        self._transport = transport

    def start(self) -> Single[Transaction]:
        """Start the transaction on the server. The result is the transaction itself.

        Raises:
            InvalidArgument: It was started before.
        """
        return Single(self._runtime, "transaction.start", self._start)

    def write(self, events: Iterable[NewEvent | Event]) -> Single[None]:
        """Add events to the transaction. If this fails, the transaction can only be abandoned.

        Args:
            events: NewEvents, or Events to copy (see `Client.publish`).

        Raises:
            InvalidArgument: An item is not an event, or the transaction is not open.
            ServerTimeout: The cluster did not store the events in time. Version 23.10 also raises this if it has no
                such transaction.
        """
        if isinstance(events, (NewEvent, Event, Observable)) or not isinstance(events, Iterable):
            raise InvalidArgument("events", events, "NewEvents (or Events to copy) in a list")
        new = [as_new_event(event, self.stream, self._transport.limits) for event in events]
        return Single(self._runtime, "transaction.write", lambda: self._write(new))

    def commit(self) -> Single[WriteResult]:
        """Write the events of the transaction as one atomic write.

        Raises:
            InvalidArgument: The transaction is not open.
            WrongExpectedVersion: The stream is at another version. Nothing was written.
            StreamDeleted: The stream was deleted permanently.
            AccessDenied: The user may not write to the stream, or the server has no such transaction.
            InvalidTransaction: The server refused the transaction.
        """
        return Single(self._runtime, "transaction.commit", self._commit)

    def abandon(self) -> None:
        """End the transaction without writing its events. A committed transaction stays as it is."""
        if self.state is not TransactionState.COMMITTED:
            self.state = TransactionState.ABANDONED

    async def _start(self) -> Transaction:
        if self.state is not TransactionState.NEW:
            raise InvalidArgument("transaction", self, "one that is new")
        assert self.expected_version is not None
        self.id = await self._transport.start_transaction(self.stream, self.expected_version)
        self.state = TransactionState.OPEN
        return self

    async def _write(self, events: list[NewEvent]) -> None:
        id = self._open_id()
        try:
            await self._transport.write_transaction(self.stream, id, events)
        except BaseException:  # The caller may also have been cancelled.
            self.state = TransactionState.FAILED
            raise

    async def _commit(self) -> WriteResult:
        id = self._open_id()
        self.result = await self._transport.commit_transaction(self.stream, id, self.expected_version)
        self.state = TransactionState.COMMITTED
        return self.result

    def _open_id(self) -> int:
        if self.id is None or self.state is not TransactionState.OPEN:
            raise InvalidArgument("transaction", self, "one that is open")
        return self.id

    async def __aenter__(self) -> Transaction:
        return self if self.state is TransactionState.OPEN else await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.abandon()
        elif self.state in (TransactionState.OPEN, TransactionState.FAILED):
            await self.commit()

    def __repr__(self) -> str:
        name = "" if self.id is None else f" {self.id}"
        return f"<Transaction{name} on {self.stream}, {self.state.value}>"
