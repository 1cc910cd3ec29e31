"""Compare each field of the replies of a server and of a model to the same random requests."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from rxpump import Credentials
from rxpump.server import Strictness
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from tests.raw_client import ADMIN
from tests.server.model.commands import (
    CLIENTS,
    COUNTS,
    DELETABLE,
    EVENT,
    EVENTS,
    FILTER,
    LINKS,
    META,
    METADATA,
    NO_TRANSACTIONS,
    NUMBERS,
    PLAIN,
    READABLE,
    SETTINGS,
    USERS,
    VERSION,
    VERSION_AT_COMMIT,
    WRITABLE,
    event,
)
from tests.server.model.log import MAX64
from tests.server.model.metadata import is_metastream, is_soft_deleted
from tests.server.model.pair import Pair
from tests.server.model.walks import walk_all, walk_stream


class Machine(RuleBasedStateMachine):
    """Rules that send requests with random values or with values from the state of the model."""

    runner: asyncio.Runner
    strictness: Strictness

    def __init__(self) -> None:
        super().__init__()
        self.pair = self.runner.run(Pair(self.strictness).__aenter__())
        self.log = self.pair.log
        self.transactions: list[int] = []
        self.page_size = 1
        self.written: list[schema.WriteEvents] = []
        self.known = [(0, 0), (-1, -1), (-1, 0), (-5, -5)]

    def teardown(self) -> None:
        try:
            self.runner.run(walk_all(self.pair, self.page_size))
            for followed in reversed(self.pair.followed):
                self.runner.run(self.pair.unsubscribe(followed))
        finally:
            self.runner.run(self.pair.__aexit__())

    def ask(self, client: int, command: Command, request: Any, user: Credentials | None) -> Any:
        answer = self.runner.run(self.pair.ask(client, command, request, user))
        self.known += [record.position for record in self.log.news]
        return answer

    def change(self, client: int, command: Command, request: Any, user: Credentials | None, *streams: str) -> Any:
        """Send a request that changes these streams, and compare the streams."""
        answer = self.ask(client, command, request, user)
        self.walk(*streams)
        return answer

    def walk(self, *streams: str) -> None:
        for stream in streams:
            self.page_size = self.page_size % 4 + 1
            self.runner.run(walk_stream(self.pair, stream, self.page_size))

    def version(self, stream: str, expected: str | int) -> int:
        last = self.log.last(stream)
        names = {"any": -2, "none": -1, "exists": -4, "last": last, "before": max(-1, last - 1)}
        return expected if isinstance(expected, int) else names.get(expected, min(last + 1, MAX64))

    @initialize(events=st.lists(EVENT, min_size=2, max_size=4), links=LINKS)
    def begin(self, events: list[Any], links: list[Any]) -> None:
        self.write(0, ADMIN, "a", "any", events)
        self.write(0, ADMIN, "$sys", "any", [event(None)])
        self.write(0, None, "x@y", "none", [event(None)])
        self.write_links(0, None, links)

    @rule(client=CLIENTS, user=USERS, stream=WRITABLE, expected=VERSION, events=EVENTS)
    def write(
        self, client: int, user: Credentials | None, stream: str, expected: int | str, events: list[Any]
    ) -> None:
        if is_metastream(stream) and is_soft_deleted(self.log, stream.removeprefix("$$")):
            return  # docs/protocol/tcp.md does not describe events in metadata streams that are no metadata
        request = schema.WriteEvents(
            event_stream_id=stream, expected_version=self.version(stream, expected), events=events
        )
        self.written.append(request)
        self.change(client, Command.WRITE_EVENTS, request, user, *affected(request.event_stream_id))

    @precondition(lambda self: self.written)
    @rule(client=CLIENTS, user=USERS, which=st.integers(0, 5), first=st.integers(0, 2), length=st.integers(1, 4),
          expected=st.none() | st.integers(-1, 3) | VERSION, and_new=st.booleans())  # fmt: skip
    def write_again(
        self,
        client: int,
        user: Credentials | None,
        which: int,
        first: int,
        length: int,
        expected: int | str | None,
        and_new: bool,
    ) -> None:
        """Write recent events again: the same ids, to the same stream."""
        before = self.written[-1 - which % len(self.written)]
        stream = before.event_stream_id
        request = schema.WriteEvents(
            event_stream_id=stream,
            expected_version=before.expected_version if expected is None else self.version(stream, expected),
            events=before.events[first : first + length] + [event(None)] * and_new,
        )
        self.change(client, Command.WRITE_EVENTS, request, user, *affected(stream))

    @precondition(lambda self: self.written)
    @rule(client=CLIENTS, which=st.integers(0, 5), stream=st.sampled_from(["a", "b"]))
    def write_elsewhere(self, client: int, which: int, stream: str) -> None:
        """Write ids that another stream can have, like a program that copies events with their ids."""
        request = write_of(stream, self.written[-1 - which % len(self.written)].events)
        self.written.append(request)
        self.change(client, Command.WRITE_EVENTS, request, ADMIN, stream)

    @rule(events=st.lists(EVENT, min_size=2, max_size=4), stream=st.sampled_from(["a", "b"]))
    def write_over_time(self, events: list[Any], stream: str) -> None:
        for each in events:
            self.log.now += 700_000_000
            self.ask(0, Command.WRITE_EVENTS, write_of(stream, [each]), ADMIN)
        self.walk(stream)

    @rule(client=CLIENTS, user=USERS, links=LINKS)
    def write_links(self, client: int, user: Credentials | None, links: list[Any]) -> None:
        request = write_of("links", links)
        self.change(client, Command.WRITE_EVENTS, request, user, *affected(request.event_stream_id))

    @rule(client=CLIENTS, user=USERS, stream=st.sampled_from(META), data=METADATA)
    def set_metadata(self, client: int, user: Credentials | None, stream: str, data: str) -> None:
        metadata = event(None, event_type="$metadata", data_content_type=1, data=data.encode())
        request = write_of(stream, [metadata])
        self.change(client, Command.WRITE_EVENTS, request, user, *affected(request.event_stream_id))

    @rule(seconds=st.sampled_from([0.301, 1.307, 2.713]))
    def wait(self, seconds: float) -> None:
        self.log.now += int(seconds * 1_000_000_000)
        self.walk("a", "b", "links")

    @rule(client=CLIENTS, user=USERS, data=SETTINGS)
    def change_settings(self, client: int, user: Credentials | None, data: str) -> None:
        new = event(None, event_type="any type", data_content_type=1, data=data.encode())
        request = write_of("$settings", [new])
        self.change(client, Command.WRITE_EVENTS, request, user, *affected(request.event_stream_id))

    @rule(client=CLIENTS, user=USERS, stream=DELETABLE, expected=VERSION, hard=st.sampled_from([False] * 5 + [True]))
    def delete(self, client: int, user: Credentials | None, stream: str, expected: int | str, hard: bool) -> None:
        request = schema.DeleteStream(
            event_stream_id=stream, expected_version=self.version(stream, expected), hard_delete=hard
        )
        self.change(client, Command.DELETE_STREAM, request, user, *affected(stream), *metastream(stream))

    @rule(
        client=CLIENTS,
        user=USERS,
        stream=st.sampled_from([*PLAIN, "links", "$all"]),
        expected=VERSION | VERSION_AT_COMMIT,
        events=EVENTS,
        and_commit=st.booleans(),
    )
    def start_transaction(
        self,
        client: int,
        user: Credentials | None,
        stream: str,
        expected: int | str,
        events: list[Any],
        and_commit: bool,
    ) -> None:
        request = schema.TransactionStart(event_stream_id=stream, expected_version=self.version(stream, expected))
        started = self.ask(client, Command.TRANSACTION_START, request, user)
        if started is not None and started.result == 0:
            self.transactions.append(started.transaction_id)
            self.write_in_transaction(client, user, 0, events)
            if and_commit:
                self.commit(client, user, 0)

    def transaction(self, which: int) -> int:
        """Return the id of a recent transaction, or an unknown id for a number below 0."""
        return self.transactions[-1 - which % len(self.transactions)] if which >= 0 else NO_TRANSACTIONS[which]

    @precondition(lambda self: self.transactions)
    @rule(client=CLIENTS, user=USERS, which=st.integers(-2, 4), events=EVENTS)
    def write_in_transaction(self, client: int, user: Credentials | None, which: int, events: list[Any]) -> None:
        transaction_id = self.transaction(which)
        request = schema.TransactionWrite(transaction_id=transaction_id, events=events)
        self.ask(client, Command.TRANSACTION_WRITE, request, user)

    @precondition(lambda self: self.transactions)
    @rule(client=CLIENTS, user=USERS, which=st.integers(-2, 4))
    def commit(self, client: int, user: Credentials | None, which: int) -> None:
        transaction_id = self.transaction(which)
        self.ask(client, Command.TRANSACTION_COMMIT, schema.TransactionCommit(transaction_id=transaction_id), user)

    @rule(client=CLIENTS, user=USERS, stream=READABLE, number=NUMBERS, resolve=st.booleans())
    def read_event(self, client: int, user: Credentials | None, stream: str, number: int, resolve: bool) -> None:
        request = schema.ReadEvent(event_stream_id=stream, event_number=number, resolve_link_tos=resolve)
        self.ask(client, Command.READ_EVENT, request, user)

    @rule(
        client=CLIENTS, user=USERS, stream=READABLE, start=NUMBERS, count=COUNTS, resolve=st.booleans(),
        way=st.sampled_from([Command.READ_STREAM_EVENTS_FORWARD, Command.READ_STREAM_EVENTS_BACKWARD]),
    )  # fmt: skip
    def read_stream(
        self, client: int, user: Credentials | None, stream: str, start: int, count: int, resolve: bool, way: Command
    ) -> None:
        request = schema.ReadStreamEvents(
            event_stream_id=stream, from_event_number=start, max_count=count, resolve_link_tos=resolve
        )
        self.ask(client, way, request, user)

    @rule(
        client=CLIENTS, user=USERS, which=st.integers(0, 200), count=COUNTS, resolve=st.booleans(),
        way=st.sampled_from([Command.READ_ALL_EVENTS_FORWARD, Command.READ_ALL_EVENTS_BACKWARD]),
    )  # fmt: skip
    def read_all(
        self, client: int, user: Credentials | None, which: int, count: int, resolve: bool, way: Command
    ) -> None:
        commit, prepare = self.known_position(which)
        request = schema.ReadAllEvents(
            commit_position=commit, prepare_position=prepare, max_count=count, resolve_link_tos=resolve
        )
        self.note_next_position(self.ask(client, way, request, user))

    @rule(
        client=CLIENTS, user=USERS, which=st.integers(0, 200), count=COUNTS, resolve=st.booleans(), wanted=FILTER,
        window=st.sampled_from([0, -1, 1, 2, 5, 50]),
        way=st.sampled_from([Command.FILTERED_READ_ALL_EVENTS_FORWARD, Command.FILTERED_READ_ALL_EVENTS_BACKWARD]),
    )  # fmt: skip
    def read_filtered(
        self,
        client: int,
        user: Credentials | None,
        which: int,
        count: int,
        resolve: bool,
        wanted: Any,
        window: int,
        way: Command,
    ) -> None:
        commit, prepare = self.known_position(which)
        request = schema.FilteredReadAllEvents(
            commit_position=commit, prepare_position=prepare, max_count=count, resolve_link_tos=resolve,
            max_search_window=window, filter=wanted,
        )  # fmt: skip
        self.note_next_position(self.ask(client, way, request, user))

    def known_position(self, which: int) -> tuple[int, int]:
        known = [position for position in self.known if self.pair.places.has_position(position)]
        return known[which % len(known)]

    def note_next_position(self, answer: Any) -> None:
        if answer is not None and answer.next_commit_position >= 0:
            self.known.append((answer.next_commit_position, answer.next_prepare_position))

    @rule(client=CLIENTS, user=USERS, stream=READABLE | st.just(""), resolve=st.booleans())
    def subscribe(self, client: int, user: Credentials | None, stream: str, resolve: bool) -> None:
        request = schema.SubscribeToStream(event_stream_id=stream, resolve_link_tos=resolve)
        self.runner.run(self.pair.subscribe(client, Command.SUBSCRIBE_TO_STREAM, request, user))

    @rule(client=CLIENTS, user=USERS, stream=st.sampled_from(["", "", "a", "links"]), resolve=st.booleans(),
          wanted=FILTER, interval=st.sampled_from([-1, 1, 2, 5]))  # fmt: skip
    def subscribe_filtered(
        self, client: int, user: Credentials | None, stream: str, resolve: bool, wanted: Any, interval: int
    ) -> None:
        request = schema.FilteredSubscribeToStream(
            event_stream_id=stream, resolve_link_tos=resolve, filter=wanted, checkpoint_interval=interval
        )
        self.runner.run(self.pair.subscribe(client, Command.FILTERED_SUBSCRIBE_TO_STREAM, request, user))

    @precondition(lambda self: self.pair.followed)
    @rule(which=st.integers(0, 20))
    def unsubscribe(self, which: int) -> None:
        self.runner.run(self.pair.unsubscribe(self.pair.followed[which % len(self.pair.followed)]))


def write_of(stream: str, events: list[schema.NewEvent]) -> schema.WriteEvents:
    return schema.WriteEvents(event_stream_id=stream, expected_version=-2, events=events)


def affected(stream: str) -> tuple[str, ...]:
    """Return the streams that a write changes: metadata also change the stream that they describe."""
    original = stream.removeprefix("$$")
    return (stream, original) if is_metastream(stream) and original else (stream,)


def metastream(stream: str) -> tuple[str, ...]:
    return () if is_metastream(stream) else (f"$${stream}",)


def run(examples: int, steps: int, strictness: Strictness) -> None:
    with asyncio.Runner() as runner:
        machine = type("Machine", (Machine,), {"runner": runner, "strictness": strictness})
        checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=checks
            ),
        )


@pytest.mark.timeout(600)  # Shrinking is slow, and only shortens a failing example.
@pytest.mark.parametrize(("strictness", "examples"), [(Strictness.LENIENT, 20), (Strictness.REAL, 10)])
def test_the_server_answers_like_the_model(strictness: Strictness, examples: int) -> None:
    run(examples=examples, steps=50, strictness=strictness)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("strictness", Strictness)
def test_the_server_answers_like_the_model_in_long_runs(strictness: Any) -> None:
    run(examples=int(os.environ.get("ROUNDS", "2000")) // 2, steps=100, strictness=strictness)
