"""Transactions that were started and not committed."""

from __future__ import annotations

from typing import Any

from rxpump.server.transactions import Transactions
from tests.server.store.driving import new_event
from tests.server.talk import event_of


def event_message(number: int = 0, data: bytes | None = None) -> Any:
    return event_of(new_event(number, data=data))


def test_a_transaction_keeps_its_events() -> None:
    transactions = Transactions()
    transactions.start(64, "s", -2)
    events = [event_message(n) for n in range(3)]
    transactions.prepare(64, events[:2], [96, 128])
    transactions.prepare(64, events[2:], [160])
    transactions.prepare(65, events, [1, 2, 3])
    found = transactions.find(64)
    assert found is not None
    assert (found.stream, found.expected_version) == ("s", -2)
    assert found.prepared == list(zip(events, [96, 128, 160], strict=True))
    assert transactions.find(65) is None
    assert len(transactions) == 1


def test_the_least_recently_used_transaction_is_dropped() -> None:
    transactions = Transactions(most_bytes=4_000)
    for id in (1, 2, 3):
        transactions.start(id, "s", -2)
    assert transactions.find(1) is not None
    for number in range(5):
        transactions.prepare(3, [event_message(number)], [number])
    assert (transactions.find(2), transactions.find(1) is None, transactions.find(3) is None) == (None, False, False)
    transactions.prepare(3, [event_message(data=bytes(5_000))], [9])
    assert len(transactions) == 0
    assert repr(transactions) == "<0 transactions, 0 bytes>"
