"""The methods of a blocking client, which return the results of the asynchronous ones."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable, Generator, Iterator

import pytest
import reactivex
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.blocking.thread_iterator import ThreadIterator
from rxpump.errors import (
    ClientClosed,
    ConnectionFailed,
    InvalidArgument,
    NotOwner,
    NotSupported,
    StreamNotFound,
    WrongEventLoop,
    WrongExpectedVersion,
)


@pytest.fixture
def store() -> Iterator[rxpump.BlockingClient]:
    with rxpump.open("memory://") as store:
        yield store


def jumps(count: int) -> list[rxpump.NewEvent]:
    return [rxpump.NewEvent("PonyJumped", {"height": height}) for height in range(count)]


def heights(events: Iterator[rxpump.Event]) -> list[int]:
    return [event.json()["height"] for event in events]


# Calls ------------------------------------------------------------------------------------------------


def test_a_call_returns_the_reply(store: rxpump.BlockingClient) -> None:
    assert store.publish_event("ponies", "PonyJumped", {"height": 7}).last_event_number == 0
    assert store.get_event("ponies").json() == {"height": 7}
    assert [event.number for event in store.get("ponies")] == [0]
    assert store.ping() > 0
    assert store.is_connected


def test_a_call_raises_the_error_of_the_server(store: rxpump.BlockingClient) -> None:
    with pytest.raises(WrongExpectedVersion) as raised:
        store.publish_event("ponies", "PonyJumped", expected_version=5)
    assert raised.value.current == -1
    with pytest.raises(InvalidArgument):
        store.iter("")


def test_metadata_are_set_and_streams_deleted(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", jumps(3))
    store.set_metadata("ponies", max_count=2)
    assert store.get_metadata("ponies").metadata.max_count == 2
    assert heights(store.iter("ponies")) == [1, 2]
    store.delete_stream("ponies")
    with pytest.raises(StreamNotFound):
        store.get("ponies")


def test_a_view_for_another_user_shares_the_connection(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", jumps(1))
    admin = store.as_user("admin", "changeit")
    assert "ponies" in {event.stream for event in admin.iter_all()}
    with pytest.raises(NotOwner):
        admin.close()
    assert store.is_connected


def test_a_transaction_commits_at_the_end_of_the_block(store: rxpump.BlockingClient) -> None:
    with store.transaction("ponies") as transaction:
        assert transaction.id is not None
        transaction.write(jumps(2))
    assert transaction.result is not None
    assert transaction.result.last_event_number == 1
    assert transaction.state.value == "committed"


def test_an_exception_abandons_a_transaction(store: rxpump.BlockingClient) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction("ponies") as transaction:
        transaction.write(jumps(2))
        raise ZeroDivisionError
    assert transaction.state.value == "abandoned"
    by_hand = store.transaction("ponies")
    by_hand.start()
    by_hand.abandon()
    with pytest.raises(InvalidArgument):
        by_hand.commit()


# Iterators --------------------------------------------------------------------------------------------


def test_a_read_is_a_plain_iterator(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", jumps(5))
    events = store.iter("ponies", from_event=2)
    assert next(events).number == 2
    assert heights(events) == [3, 4]
    assert list(events) == []


def test_an_error_is_raised_after_the_values_before_it(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", jumps(3))
    divided = store.pipeline("ponies", ops.json(), rx.map(lambda jump: 1 / (2 - jump["height"])))
    assert next(divided) == 0.5
    assert next(divided) == 1
    with pytest.raises(ZeroDivisionError):
        next(divided)


def test_a_subscription_delivers_new_events(store: rxpump.BlockingClient) -> None:
    events = store.stream("ponies")
    for number in range(3):
        store.publish_event("ponies", "PonyJumped")
        assert next(events).number == number


def test_a_deadline_passes_and_the_iterator_goes_on(store: rxpump.BlockingClient) -> None:
    events = store.pipeline("ponies", rx.map(lambda event: event.number), timeout=0.01)
    with pytest.raises(TimeoutError, match=r"there was no value within 0\.01 seconds"):
        next(events)
    patient = store.pipeline("ponies", rx.map(lambda event: event.number), timeout=120)
    store.publish("ponies", jumps(2))
    assert [next(patient), next(patient)] == [0, 1]


def test_a_closed_iterator_has_no_more_values(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", jumps(2000))
    with store.stream("ponies") as events:
        assert next(events).number == 0
        assert "open" in repr(events)
    assert list(events) == []
    assert "closed" in repr(events)


def test_the_buffer_of_a_slow_program_is_bounded(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", iter(jumps(5000)))
    delivered: list[int] = []
    numbers = store.iterate(
        store.client.iter("ponies").pipe(rx.map(lambda e: e.number), rx.do_action(delivered.append))
    )
    assert next(numbers) == 0
    store.ping()
    assert len(delivered) <= 1024 + 1
    assert sum(1 for _ in numbers) == 4999


def test_several_threads_share_an_iterator(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", jumps(1000))
    events = store.iter("ponies")
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.extend(heights(events))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == list(range(1000))


def test_closing_ends_the_wait_of_another_thread(store: rxpump.BlockingClient) -> None:
    events = store.stream("ponies")
    store.publish_event("ponies", "PonyJumped")
    next(events)
    waiting = threading.Thread(target=list, args=(events,))
    waiting.start()
    events.close()
    waiting.join(timeout=120)
    assert not waiting.is_alive()


def test_deliveries_can_be_acknowledged_in_any_thread(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", jumps(40))
    admin = store.as_user("admin", "changeit")
    admin.create_subscription("riders", "ponies", start_from=0)
    deliveries = admin.connect_subscription("riders", "ponies", buffer_size=3)
    for number, delivery in zip(range(20), deliveries, strict=False):
        assert delivery.number == number
        if number % 2:
            delivery.nack(rxpump.NackAction.SKIP)
        else:
            delivery.ack()
    deliveries.close()
    assert next(admin.connect_subscription("riders", "ponies")).number >= 20


@pytest.mark.parametrize("closes", [True, False])
def test_drain_does_not_wait_for_deliveries_that_were_dropped(store: rxpump.BlockingClient, closes: bool) -> None:
    store.publish("ponies", jumps(20))
    admin = store.as_user("admin", "changeit")
    admin.create_subscription("riders", "ponies", start_from=0)
    deliveries = admin.connect_subscription("riders", "ponies")
    next(deliveries).ack()
    store.ping()
    while not deliveries.buffered:
        next(deliveries).ack()
    draining = asyncio.run_coroutine_threadsafe(store.client.drain(timeout=120), store._thread.loop)
    store.ping()
    if closes:
        deliveries.close()
    del deliveries
    gc.collect()
    assert draining.result(timeout=240)


def test_an_iterator_ends_if_it_is_closed_when_values_have_arrived(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", jumps(3))
    events = store.stream("ponies")
    fill = events._fill

    async def fill_and_close() -> bool:
        is_filled = await fill()
        await asyncio.to_thread(events.close)
        return is_filled

    events._fill = fill_and_close  # type: ignore[method-assign]
    with pytest.raises(StopIteration):
        next(events)


def test_a_relay_is_an_iterator_of_its_writes(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", jumps(3))
    written = next(store.relay("ponies", lambda events: events, "copies"))
    copied = written.last_event_number + 1  # The first write can have fewer than all three events.
    assert heights(store.iter("copies"))[:copied] == [0, 1, 2][:copied]


@pytest.mark.parametrize("timeout", [0, -1, "1"])
def test_wrong_arguments_are_refused(store: rxpump.BlockingClient, timeout: object) -> None:
    with pytest.raises(InvalidArgument, match="timeout"):
        store.iterate(reactivex.empty(), timeout=timeout)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="source"):
        store.iterate([1, 2])  # type: ignore[arg-type]


# Writes -----------------------------------------------------------------------------------------------


def test_a_drain_ends_the_write_of_an_iterator_with_an_error(store: rxpump.BlockingClient) -> None:
    """The events that the iterator has returned before are written."""
    draining = []

    def events() -> Iterator[rxpump.NewEvent]:
        yield from jumps(3)
        next(store.stream("ponies"))
        draining.append(asyncio.run_coroutine_threadsafe(store.client.drain(timeout=120), store._thread.loop))
        store.ping()
        yield from jumps(2)

    with pytest.raises(ClientClosed, match="drained before the iterator was read to its end"):
        store.publish("ponies", events())
    assert draining[0].result(timeout=240)
    assert heights(store.iter("ponies")) == [0, 1, 2]


async def test_a_drain_does_not_end_an_iterator_that_was_read_to_its_end() -> None:
    values: ThreadIterator[int] = ThreadIterator(asyncio.get_running_loop())
    values.put_all(range(3))
    values.end_intake()
    assert [value async for value in values] == [0, 1, 2]


def test_an_iterator_is_written_in_batches(store: rxpump.BlockingClient) -> None:
    last = store.publish("ponies", iter(jumps(1234)), batch_size=100, expected_version=-1)
    assert last is not None
    assert last.last_event_number == 1233
    assert heights(store.iter("ponies")) == list(range(1234))
    assert store.publish("ponies", iter(())) is None


def test_an_iterator_is_read_in_the_calling_thread(store: rxpump.BlockingClient) -> None:
    threads: set[str] = set()

    def events() -> Iterator[rxpump.NewEvent]:
        for event in jumps(3):
            threads.add(threading.current_thread().name)
            yield event

    store.publish("ponies", events())
    assert threads == {threading.current_thread().name}


def test_the_error_of_an_iterator_is_raised_after_its_events(store: rxpump.BlockingClient) -> None:
    def events() -> Iterator[rxpump.NewEvent]:
        yield from jumps(3)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.publish("ponies", events())
    assert heights(store.iter("ponies")) == [0, 1, 2]


def test_a_failed_write_ends_the_iterator(store: rxpump.BlockingClient) -> None:
    taken: list[rxpump.NewEvent] = []

    def endless() -> Iterator[rxpump.NewEvent]:
        while True:
            taken.extend(jumps(1))
            yield taken[-1]

    with pytest.raises(WrongExpectedVersion):
        store.publish("ponies", endless(), expected_version=7)
    assert taken


def test_events_that_were_read_are_copied(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", jumps(600))
    store.publish("copies", store.iter("ponies"))
    store.publish("more", store.client.iter("copies"))
    assert heights(store.iter("more")) == list(range(600))


# Closing ---------------------------------------------------------------------------------------------------


def test_a_closed_client_refuses_calls() -> None:
    store = rxpump.open("memory://")
    events = store.stream("ponies")
    store.close()
    store.close()
    assert not store.is_connected
    for call in (
        store.ping,
        lambda: next(events),
        lambda: store.iter("ponies"),
        lambda: store.run(reactivex.empty()),
        lambda: store.publish("ponies", [rxpump.NewEvent("Jumped")]),
        lambda: store.publish("ponies", iter([rxpump.NewEvent("Jumped")])),
    ):
        with pytest.raises(ClientClosed):
            call()
    events.close()
    assert "stopped" in repr(store)


def test_closing_fails_a_call_in_progress() -> None:
    store = rxpump.open("memory://")
    is_waiting = threading.Event()
    raised: list[BaseException] = []

    def wait() -> None:
        try:
            store.run(reactivex.never().pipe(rx.start_with(1), rx.do_action(lambda _: is_waiting.set())))
        except ClientClosed as error:
            raised.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert is_waiting.wait(120)
    store.close()
    waiting.join(120)
    assert len(raised) == 1


def test_an_exception_leaves_the_block_at_once() -> None:
    with pytest.raises(ZeroDivisionError), rxpump.open("memory://") as store:
        raise ZeroDivisionError
    assert not store.is_connected


def test_a_client_without_references_is_closed() -> None:
    store = rxpump.open("memory://", name="forgotten")
    client = weakref.ref(store.client)
    thread = next(each for each in threading.enumerate() if each.name == "forgotten event loop")
    del store
    gc.collect()
    thread.join(120)
    assert not thread.is_alive()
    gc.collect()
    assert client() is None


def in_thread_of_loop(store: rxpump.BlockingClient, end: Callable[[], object]) -> None:
    """Call a function in the thread of the event loop, as the garbage collector can do."""

    async def call() -> None:
        end()

    asyncio.run_coroutine_threadsafe(call(), store._thread.loop).result(120)


def test_the_garbage_collector_may_end_iterators_in_any_thread(store: rxpump.BlockingClient) -> None:
    store.publish("ponies", jumps(3))
    subscription = store.stream("ponies")

    def numbers() -> Generator[int]:
        with subscription as events:
            for event in events:
                yield event.number

    abandoned = numbers()
    assert next(abandoned) == 0
    in_thread_of_loop(store, abandoned.close)
    assert list(subscription) == []


def test_the_garbage_collector_may_end_transactions_in_any_thread(store: rxpump.BlockingClient) -> None:
    def write() -> Generator[None]:
        with store.transaction("ponies") as transaction:
            transaction.write(jumps(1))
            yield

    abandoned = write()
    next(abandoned)
    in_thread_of_loop(store, abandoned.close)
    with pytest.raises(StreamNotFound):
        store.get_event("ponies")


def test_a_call_in_the_thread_of_the_loop_is_refused(store: rxpump.BlockingClient) -> None:
    with pytest.raises(WrongEventLoop, match="rxpump event loop"):
        store.run(reactivex.of(1).pipe(rx.map(lambda _: store.ping())))


def test_a_failed_connect_leaves_no_thread() -> None:
    with pytest.raises(ConnectionFailed):
        rxpump.open("tcp://127.0.0.1:1?connect_within=0.05", name="unreachable")
    assert [each.name for each in threading.enumerate() if "unreachable" in each.name] == []


# Completeness -----------------------------------------------------------------------------------------

ONLY_ASYNCHRONOUS = {
    "connect",  # `rxpump.open` connects
    "name",
    "publisher",  # `publish` of an iterator
    "status",  # an Observable of `store.client`
}


def test_every_method_of_the_client_is_there() -> None:
    names = {name for name in dir(rxpump.Client) if not name.startswith("_")}
    missing = names - set(dir(rxpump.BlockingClient)) - ONLY_ASYNCHRONOUS
    assert missing == set(), "delegate these in rxpump/blocking/client.py, or name them in ONLY_ASYNCHRONOUS"


@pytest.mark.parametrize("part", ["users", "projections", "indexes"])
def test_every_method_of_a_part_is_there(store: rxpump.BlockingClient, part: str) -> None:
    asynchronous, delegate = getattr(store.client, part), getattr(store, part)
    names = {name for name in dir(asynchronous) if not name.startswith("_")}
    assert names - set(dir(delegate)) == set(), "delegate these in rxpump/blocking/administration.py"
    with pytest.raises(NotSupported):
        delegate.delete("name")


def test_methods_that_tcp_lacks_are_refused(store: rxpump.BlockingClient) -> None:
    for call in (
        lambda: store.publish_many({"s": [rxpump.NewEvent("A")]}),
        lambda: store.truncate_parked("g", "s"),
        lambda: store.subscription_details("g", "s"),
        store.list_subscriptions,
        store.restart_subscriptions,
        lambda: store.stop_scavenge("id"),
        store.server_info,
        store.members,
        store.statistics,
        lambda: next(store.indexes.iter("$idx-all")),
    ):
        with pytest.raises(NotSupported):
            call()
