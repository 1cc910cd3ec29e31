"""Appends, deletes and transactions, and each error with which they can be refused."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from rxpump.errors import (
    AppendTooLarge,
    ConnectionClosed,
    InvalidArgument,
    StreamDeleted,
    StreamNotFound,
    WrongExpectedVersion,
)
from rxpump.model.new_events import NewEvent
from rxpump.transport import Capability
from tests.contract.stores import ANY, NO_STREAM, STREAM_EXISTS, Store, values


async def test_an_append_returns_numbers_and_a_position(store: Store) -> None:
    first = await store.transport.append("s", [NewEvent("A"), NewEvent("B")], NO_STREAM)
    second = await store.transport.append("s", [NewEvent("C")], 1)
    assert (first.stream, first.first_event_number, first.last_event_number) == ("s", 0, 1)
    assert (second.first_event_number, second.last_event_number) == (2, 2)
    assert first.position is not None
    assert second.position is not None
    assert first.position < second.position


@pytest.mark.parametrize("expected", [ANY, NO_STREAM])
async def test_an_append_without_events_has_a_result(store: Store, expected: int) -> None:
    result = await store.transport.append("s", [], expected)
    assert (result.first_event_number, result.last_event_number) == (0, -1)
    await store.write("s", 0)
    result = await store.transport.append("s", [], ANY)
    assert (result.first_event_number, result.last_event_number) == (1, 0)


@pytest.mark.parametrize("earlier", [0, 2])
@pytest.mark.parametrize(
    ("order", "numbers"),
    [("AA", (0, 0)), ("AAA", (0, 0)), ("ABA", (0, 0)), ("BAA", (0, 1)), ("AAB", (0, 2)), ("AB", (0, 1))],
)
@pytest.mark.parametrize("way", ["append", "appender"])
async def test_an_id_can_occur_twice_in_an_append(
    store: Store, order: str, numbers: tuple[int, int], earlier: int, way: str
) -> None:
    """A repeated append has the numbers of the first events with the ids of its first and its last event."""
    await store.write("s", *range(earlier))
    made = {name: NewEvent(name) for name in order}
    events = [made[name] for name in order]
    append = store.transport.appender("s").append if way == "appender" else None
    for expected in ((earlier, earlier + len(order) - 1), (earlier + numbers[0], earlier + numbers[1])):
        result = await (append(events, ANY) if append else store.transport.append("s", events, ANY))
        assert (result.first_event_number, result.last_event_number) == expected
    assert len(await store.read("s")) == earlier + len(order)


@pytest.mark.parametrize("expected", [ANY, STREAM_EXISTS, 1])
async def test_an_append_at_the_expected_version_succeeds(store: Store, expected: int) -> None:
    await store.write("s", 0, 1)
    await store.write("s", 2, expected_version=expected)
    assert values(await store.read("s")) == [0, 1, 2]


@pytest.mark.parametrize("expected", [NO_STREAM, 0, 1, 3, 99])
async def test_an_append_to_another_version_is_refused(store: Store, expected: int) -> None:
    await store.write("s", 0, 1, 2)
    with pytest.raises(WrongExpectedVersion) as refused:
        await store.write("s", "refused", expected_version=expected)
    assert (refused.value.stream, refused.value.expected, refused.value.current) == ("s", expected, 2)
    assert values(await store.read("s")) == [0, 1, 2]


@pytest.mark.parametrize("expected", [STREAM_EXISTS, 0, 5])
async def test_an_append_that_expects_a_missing_stream_is_refused(store: Store, expected: int) -> None:
    with pytest.raises(WrongExpectedVersion) as refused:
        await store.write("s", "refused", expected_version=expected)
    assert (refused.value.expected, refused.value.current) == (expected, -1)
    with pytest.raises(StreamNotFound):
        await store.read("s")


@pytest.mark.parametrize("expected", [ANY, STREAM_EXISTS, 0])
async def test_a_repeated_append_is_recognized(store: Store, expected: int) -> None:
    await store.write("s", 0)
    events = [NewEvent("A", 1), NewEvent("B", 2)]
    first = await store.transport.append("s", events, expected)
    again = await store.transport.append("s", events, expected)
    assert (again.first_event_number, again.last_event_number) == (first.first_event_number, first.last_event_number)
    assert values(await store.read("s")) == [0, 1, 2]


async def test_an_append_that_repeats_only_some_events_is_refused(store: Store) -> None:
    known = NewEvent("A", 0)
    await store.transport.append("s", [known], ANY)
    with pytest.raises(WrongExpectedVersion):
        await store.transport.append("s", [known, NewEvent("B", 1)], ANY)
    assert values(await store.read("s")) == [0]


async def test_an_append_of_no_events_writes_nothing(store: Store) -> None:
    await store.write("s", 0)
    result = await store.transport.append("s", [], 0)
    assert (result.first_event_number, result.last_event_number) == (1, 0)
    assert values(await store.read("s")) == [0]


async def test_an_append_that_is_too_large_for_one_write_is_refused(store: Store) -> None:
    events = [NewEvent("Large", bytes(16_000_000)) for _ in range(5)]
    with pytest.raises((InvalidArgument, AppendTooLarge)):  # The transport or the server refuses it.
        await store.transport.append("s", events, ANY)
    with pytest.raises(StreamNotFound):
        await store.read("s")


async def test_the_fields_of_an_event_are_kept(store: Store) -> None:
    event = NewEvent("Placed", {"price": 5}, metadata={"by": "me"})
    binary = NewEvent("Packed", b"\x00\xff")
    await store.transport.append("s", [event, binary], ANY)
    placed, packed = await store.read("s")
    assert (placed.type, placed.json(), placed.json_metadata()) == ("Placed", {"price": 5}, {"by": "me"})
    assert (placed.stream, placed.number, placed.id, placed.is_json) == ("s", 0, event.id, True)
    assert (packed.data, packed.metadata, packed.is_json, packed.number) == (b"\x00\xff", b"", False, 1)
    assert placed.created <= packed.created


async def test_an_appender_keeps_the_order_of_its_calls(store: Store) -> None:
    appender = store.transport.appender("s")
    await asyncio.gather(*(appender.append([NewEvent("A", n)], n - 1) for n in range(50)))
    appender.close()
    assert values(await store.read("s")) == list(range(50))


@pytest.mark.parametrize("expected", [ANY, NO_STREAM, STREAM_EXISTS, 0, 7])
async def test_a_stream_deleted_for_good_refuses_every_write(store: Store, expected: int) -> None:
    await store.write("s", 0)
    assert (await store.transport.delete_stream("s", ANY, hard=True)).stream == "s"
    with pytest.raises(StreamDeleted):
        await store.write("s", 1, expected_version=expected)
    for hard in (True, False):
        with pytest.raises(StreamDeleted):
            await store.transport.delete_stream("s", expected, hard=hard)


@pytest.mark.parametrize("expected", [ANY, NO_STREAM, 1])
async def test_a_soft_deleted_stream_goes_on_with_the_next_number(store: Store, expected: int) -> None:
    await store.write("s", 0, 1)
    await store.transport.delete_stream("s", 1, hard=False)
    with pytest.raises(StreamNotFound):
        await store.read("s")
    result = await store.transport.append("s", [NewEvent("A", 2)], expected)
    assert result.first_event_number == 2
    assert values(await store.read("s")) == [2]


async def test_a_soft_deleted_stream_does_not_exist_for_an_append(store: Store) -> None:
    await store.write("s", 0)
    await store.transport.delete_stream("s", ANY, hard=False)
    with pytest.raises(StreamDeleted):
        await store.write("s", 1, expected_version=STREAM_EXISTS)


@pytest.mark.parametrize("hard", [True, False])
@pytest.mark.parametrize("expected", [NO_STREAM, 0, 2])
async def test_a_delete_at_another_version_is_refused(store: Store, expected: int, hard: bool) -> None:
    await store.write("s", 0, 1)
    with pytest.raises(WrongExpectedVersion) as refused:
        await store.transport.delete_stream("s", expected, hard=hard)
    assert refused.value.expected == expected
    assert values(await store.read("s")) == [0, 1]


async def test_a_transaction_is_written_at_its_commit(store: Store) -> None:
    if Capability.TRANSACTIONS not in store.transport.capabilities:
        pytest.skip(f"{store.transport.protocol} has no transactions")
    await store.write("s", 0)
    id = await store.transport.start_transaction("s", 0)
    await store.transport.write_transaction("s", id, [NewEvent("A", 1)])
    await store.transport.write_transaction("s", id, [NewEvent("A", 2)])
    assert values(await store.read("s")) == [0]
    result = await store.transport.commit_transaction("s", id, 0)
    assert (result.first_event_number, result.last_event_number) == (1, 2)
    assert values(await store.read("s")) == [0, 1, 2]


async def test_a_transaction_at_another_version_is_refused(store: Store) -> None:
    if Capability.TRANSACTIONS not in store.transport.capabilities:
        pytest.skip(f"{store.transport.protocol} has no transactions")
    await store.write("s", 0)
    with pytest.raises(WrongExpectedVersion):
        id = await store.transport.start_transaction("s", 7)
        await store.transport.write_transaction("s", id, [NewEvent("A", 1)])
        await store.transport.commit_transaction("s", id, 7)
    assert values(await store.read("s")) == [0]


@pytest.mark.parametrize("expected", [ANY, 0])
async def test_an_append_whose_reply_is_lost_is_written_once(store: Store, expected: int) -> None:
    await store.write("s", 0)
    store.lose_reply()
    result = await store.transport.append("s", [NewEvent("A", 1), NewEvent("A", 2)], expected)
    assert (result.first_event_number, result.last_event_number) == (1, 2)
    assert values(await store.read("s")) == [0, 1, 2]


async def test_an_appender_whose_reply_is_lost_keeps_the_order(store: Store) -> None:
    appender = store.transport.appender("s")
    store.lose_reply()
    await asyncio.gather(*(appender.append([NewEvent("A", n)], n - 1) for n in range(20)))
    appender.close()
    assert values(await store.read("s")) == list(range(20))


async def test_a_delete_whose_reply_is_lost_is_done(store: Store) -> None:
    await store.write("s", 0)
    store.lose_reply()
    with suppress(StreamDeleted):  # When the delete is repeated, the stream is already deleted.
        await store.transport.delete_stream("s", ANY, hard=True)
    with pytest.raises(StreamDeleted):
        await store.read("s")


async def test_the_outcome_of_a_transaction_write_can_be_unknown(store: Store) -> None:
    """A write to a transaction is not repeated, because the server does not compare the ids of its events."""
    if Capability.TRANSACTIONS not in store.transport.capabilities:
        pytest.skip(f"{store.transport.protocol} has no transactions")
    id = await store.transport.start_transaction("s", ANY)
    store.lose_reply()
    with pytest.raises(ConnectionClosed):
        await store.transport.write_transaction("s", id, [NewEvent("A", 1)])
    result = await store.transport.commit_transaction("s", id, ANY)
    assert result.last_event_number - result.first_event_number in (-1, 0)
