"""Writing in pieces that are seen all at once or never."""

from __future__ import annotations

from rxpump.client.writes import WriteClient
from rxpump.model import checks
from rxpump.model.new_events import UNSET
from rxpump.model.positions import ExpectedVersion
from rxpump.streams.transaction import Transaction


class TransactionClient(WriteClient):
    """A client that also writes in transactions, which servers up to version 23.10 have over TCP."""

    def transaction(
        self, stream: str, expected_version: int = ExpectedVersion.ANY, *, timeout: float | None = UNSET
    ) -> Transaction:
        """Begin a transaction; use it with `async with`, which commits it at the end of the block, or abandons it.

            async with client.transaction("orders", expected_version=7) as transaction:
                await transaction.write(first_events)
                await transaction.write(more_events)
            transaction.result

        The version is looked at only by the commit. A list of events that fits in one frame is one atomic write
        with `publish`, which is cheaper. What becomes of it when the connection is lost: see
        `rxpump.streams.transaction`. `timeout` bounds each of its calls: the start, a write, the commit.
        """
        return Transaction(
            self._runtime, self._within(timeout), checks.written_stream(stream), _start_version(expected_version)
        )

    def continue_transaction(
        self,
        stream: str,
        transaction_id: int,
        expected_version: int | None = None,
        *,
        timeout: float | None = UNSET,
    ) -> Transaction:
        """Continue a transaction that was begun elsewhere, by its id.

        The server knows it by its id alone: `stream` and `expected_version` are for results and errors. Nothing is
        sent here, so an id that the server does not know is found out later. Version 4 accepts writes for any id, and
        raises AccessDenied at the commit. Version 23.10 answers a write with PrepareTimeout after 2 to 3 seconds; a
        commit is repeated then, and ends with OperationTimedOut. Both errors mention that the id may be unknown.
        """
        version = None if expected_version is None else _start_version(expected_version)
        id = checks.count("transaction_id", transaction_id, least=0)
        return Transaction(self._runtime, self._within(timeout), checks.written_stream(stream), version, id)


def _start_version(value: int) -> int:
    return checks.expected_version(value, may_be_stream_exists=False)
