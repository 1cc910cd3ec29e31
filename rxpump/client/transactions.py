"""Methods for transactions."""

from __future__ import annotations

from rxpump.client.writes import WriteClient
from rxpump.model import checks
from rxpump.model.new_events import UNSET
from rxpump.model.positions import ExpectedVersion
from rxpump.streams.transaction import Transaction
from rxpump.transport import Capability


class TransactionClient(WriteClient):
    """A client that also writes in transactions, which servers up to version 23.10 have over TCP."""

    def transaction(
        self, stream: str, expected_version: int = ExpectedVersion.ANY, *, timeout: float | None = UNSET
    ) -> Transaction:
        """Return a transaction: several writes to one stream that become visible together.

        `async with` starts it. At the end of the block it is committed, or abandoned if an exception leaves the
        block. A list that fits into one write is atomic with `publish` already, which needs one request.

        Args:
            stream: Name of the stream. It is created if it does not exist.
            expected_version: Number of the last event the stream must have at the commit, or a constant of
                ExpectedVersion.
            timeout: Seconds until each of its requests (start, write, commit) fails. None: no deadline. Default: that
                of the settings.

        Example:
            async with client.transaction("orders", expected_version=7) as transaction:
                await transaction.write(first_events)
                await transaction.write(more_events)
            print(transaction.result)
        """
        self._transport.require(Capability.TRANSACTIONS)
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
        """Return a transaction that another program, or an earlier run, has started.

        Nothing is sent, so an unknown id is reported later. Version 4 accepts writes for any id, and raises
        AccessDenied at the commit. Version 23.10 replies to a write with a ServerTimeout after 2 to 3 seconds; a
        commit is repeated then, and fails with OperationTimedOut. Both errors mention that the id may be unknown.

        Args:
            stream: Name of the stream, for results and errors.
            transaction_id: Id of the transaction.
            expected_version: Version that its start expected, for errors; None if unknown.
            timeout: Seconds until each of its requests fails. None: no deadline. Default: that of the settings.

        Example:
            `await client.continue_transaction("orders", transaction_id).commit()`
        """
        self._transport.require(Capability.TRANSACTIONS)
        version = None if expected_version is None else _start_version(expected_version)
        id = checks.count("transaction_id", transaction_id, least=0)
        return Transaction(self._runtime, self._within(timeout), checks.written_stream(stream), version, id)


def _start_version(value: int) -> int:
    return checks.expected_version(value, may_be_stream_exists=False)
