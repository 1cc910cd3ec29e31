"""A transaction: written piece by piece, seen all at once or never.

    NEW ──start──▶ OPEN ──commit──▶ COMMITTED
     │              ├──a failed write──▶ SPOILED
     └──────────────┴──abandon──▶ ABANDONED ◀── SPOILED

The protocol knows no rollback: what is not committed is never seen, and stays in the server's log until that is
scavenged. So to abandon is to say nothing more.

A lost connection does not end a transaction, but it may leave a write into it in doubt: the server takes such a write
unseen, each time it comes, so it is not sent again, and fails. A transaction that may lack events, or hold some
twice, must not be committed: any failed write spoils it. A block that keeps such an error to itself and ends well is
told so at its end, unless it abandons the transaction: nothing is left unwritten without a word.

The start and the commit are sent again, for they do no harm: a second start leaves the first behind, and a commit
that was done is recognised by the ids of its events (for ever under an exact expected version, as best effort under
ANY, as with any write).
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
    """How far a transaction has got."""

    NEW = "new"
    OPEN = "open"
    COMMITTED = "committed"
    SPOILED = "spoiled by a write that failed"
    ABANDONED = "abandoned"


class Transaction:
    """One transaction on `stream`; `async with` starts it, commits it when the block ends well, else abandons it.

    id:                what the server calls it, by which it can be continued; None before it is started.
    expected_version:  what the stream must be at when it is committed; None where that is not known here.
    result:            what was written, once it is committed.

    Raises InvalidArgument for what its state does not allow.
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
        """Have the server begin it; gives the transaction itself."""
        return Single(self._runtime, "transaction.start", self._start)

    def write(self, events: Iterable[NewEvent | Event]) -> Single[None]:
        """Put events into it, behind those that are there; once that has failed, it can only be abandoned."""
        if isinstance(events, (NewEvent, Event, Observable)) or not isinstance(events, Iterable):
            raise InvalidArgument("events", events, "NewEvents (or Events to copy) in a list")
        new = [as_new_event(event, self.stream) for event in events]
        return Single(self._runtime, "transaction.write", lambda: self._write(new))

    def commit(self) -> Single[WriteResult]:
        """Write everything that is in it, as one write.

        Errors: WrongExpectedVersion, StreamDeleted, AccessDenied (also where the server knows no such transaction),
        InvalidTransaction.
        """
        return Single(self._runtime, "transaction.commit", self._commit)

    def abandon(self) -> None:
        """Do nothing more with it: what was written into it is never seen."""
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
        except BaseException:  # also where nobody waits any longer to hear of it
            self.state = TransactionState.SPOILED
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
        elif self.state in (TransactionState.OPEN, TransactionState.SPOILED):
            await self.commit()

    def __repr__(self) -> str:
        name = "" if self.id is None else f" {self.id}"
        return f"<Transaction{name} on {self.stream}, {self.state.value}>"
