"""A server that sends invalid replies: each call ends soon, with a result or an RxPumpError, and logs no fault."""

from __future__ import annotations

import asyncio
import gc
import os
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex import operators as rx

import rxpump
from rxpump import operators as ops
from rxpump.errors import RxPumpError
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.decoding import decode_fields
from tests.fuzzing import ErrorLog
from tests.server.requests import answers_to
from tests.tcp.protocol.test_fuzz import replies
from tests.tcp.scripted_server import Peer, ScriptedServer

QUICK = rxpump.Backoff(min_delay=0.001, max_delay=0.004)
SETTINGS = rxpump.Settings(
    timeout=0.1, connect_timeout=0.1, connect_within=0.5, watchdog=0.05, reconnect=QUICK, retry=QUICK
)
QUIET = 0.02  # Seconds of silence after which the client is regarded as hanging.
PATIENCE = 10.0
WANTED = rxpump.EventFilter(stream_prefix="s")

METHODS: dict[str, tuple[list[Command], Callable[[rxpump.Client], Awaitable[Any]]]] = {
    "ping": ([Command.PING], lambda client: client.ping()),
    "get_event": ([Command.READ_EVENT], lambda client: client.get_event("s", 3)),
    "get": ([Command.READ_STREAM_EVENTS_FORWARD], lambda client: client.get("s")),
    "iter": (
        [Command.READ_STREAM_EVENTS_FORWARD],
        lambda client: client.iter("s", batch_size=3).pipe(rx.take(50), rx.to_list()),
    ),
    "iter backward": (
        [Command.READ_STREAM_EVENTS_BACKWARD],
        lambda client: client.iter("s", direction=rxpump.StreamDirection.BACKWARD).pipe(rx.take(50), rx.to_list()),
    ),
    "get_all": ([Command.READ_ALL_EVENTS_FORWARD], lambda client: client.get_all()),
    "iter_all": ([Command.READ_ALL_EVENTS_FORWARD], lambda client: client.iter_all().pipe(rx.take(50), rx.to_list())),
    "publish": ([Command.WRITE_EVENTS], lambda client: client.publish("s", [rxpump.NewEvent("T")] * 3)),
    "publish an iterator": (
        [Command.WRITE_EVENTS],
        lambda client: client.publish("s", iter([rxpump.NewEvent("T")] * 3), batch_size=1, expected_version=4),
    ),
    "stream": (
        [Command.READ_STREAM_EVENTS_FORWARD, Command.SUBSCRIBE_TO_STREAM],
        lambda client: client.stream("s").pipe(rx.take(20), rx.to_list()),
    ),
    "stream from the end": (
        [Command.SUBSCRIBE_TO_STREAM, Command.READ_STREAM_EVENTS_FORWARD],
        lambda client: client.stream("s", rxpump.END).pipe(rx.take(20), rx.to_list()),
    ),
    "stream_all": (
        [Command.READ_ALL_EVENTS_FORWARD, Command.SUBSCRIBE_TO_STREAM],
        lambda client: client.stream_all().pipe(rx.take(20), rx.to_list()),
    ),
}


async def commit(client: rxpump.Client) -> Any:
    async with client.transaction("s", 3) as transaction:
        await transaction.write([rxpump.NewEvent("T")])
    return transaction


METHODS |= {
    "live": ([Command.SUBSCRIBE_TO_STREAM], lambda client: client.live("s").pipe(rx.take(20), rx.to_list())),
    "iter_all filtered": (
        [Command.FILTERED_READ_ALL_EVENTS_FORWARD, Command.READ_ALL_EVENTS_FORWARD],
        lambda client: client.iter_all(where=WANTED).pipe(rx.take(50), rx.to_list()),
    ),
    "stream_all filtered": (
        [Command.FILTERED_READ_ALL_EVENTS_FORWARD, Command.SUBSCRIBE_TO_STREAM, Command.FILTERED_SUBSCRIBE_TO_STREAM],
        lambda client: client.stream_all(where=WANTED).pipe(rx.take(20), rx.to_list()),
    ),
    "delete_stream": ([Command.DELETE_STREAM], lambda client: client.delete_stream("s")),
    "get_metadata": ([Command.READ_EVENT], lambda client: client.get_metadata("s")),
    "set_metadata": ([Command.WRITE_EVENTS], lambda client: client.set_metadata("s", max_count=3)),
    "get_system_settings": ([Command.READ_EVENT], lambda client: client.get_system_settings()),
    "scavenge": ([Command.SCAVENGE_DATABASE], lambda client: client.scavenge()),
    "transaction": ([Command.TRANSACTION_START, Command.TRANSACTION_WRITE, Command.TRANSACTION_COMMIT], commit),
}

METHODS |= {
    "create_subscription": (
        [Command.CREATE_PERSISTENT_SUBSCRIPTION],
        lambda client: client.create_subscription("g", "s"),
    ),
    "update_subscription": (
        [Command.UPDATE_PERSISTENT_SUBSCRIPTION],
        lambda client: client.update_subscription("g", "s"),
    ),
    "delete_subscription": (
        [Command.DELETE_PERSISTENT_SUBSCRIPTION],
        lambda client: client.delete_subscription("g", "s"),
    ),
    "connect_subscription": (
        [Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION],
        lambda client: client.connect_subscription("g", "s").pipe(rx.take(20), ops.ack_each(), rx.to_list()),
    ),
}
PUSHED = {
    Command.SUBSCRIBE_TO_STREAM: {Command.STREAM_EVENT_APPEARED},
    Command.FILTERED_SUBSCRIBE_TO_STREAM: {Command.STREAM_EVENT_APPEARED, Command.CHECKPOINT_REACHED},
    Command.CONNECT_TO_PERSISTENT_SUBSCRIPTION: {Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED},
}


class InvalidReply(NamedTuple):
    """A replacement of a reply: packages with the id of the request, and then bytes."""

    packages: list[tuple[int, bytes]]
    then: bytes


def invalid_replies_to(commands: list[Command]) -> st.SearchStrategy[list[InvalidReply]]:
    """Return a Hypothesis strategy of invalid replies to these requests, with events for those that subscribe."""
    likely = sorted(answer for command in commands for answer in answers_to_any(command))
    packages = st.lists(st.sampled_from(likely).flatmap(replies), min_size=1, max_size=3)
    noise = st.just(b"") | st.just(b"") | st.just(b"") | st.binary(min_size=1, max_size=20)
    return st.lists(st.builds(InvalidReply, packages, noise) | st.just(InvalidReply([], b"")), max_size=5)


def answers_to_any(command: Command) -> set[Command]:
    if command == Command.PING:
        return {Command.PONG}
    return answers_to(command) | PUSHED.get(command, set())


CASES = st.sampled_from(list(METHODS)).flatmap(
    lambda method: st.tuples(st.just(method), invalid_replies_to(METHODS[method][0]))
)


class FaultyServer:
    """A server that sends invalid replies on its first connection, and refuses all requests on later connections."""

    def __init__(self, invalid_replies: list[InvalidReply]) -> None:
        self.invalid_replies = deque(invalid_replies)

    async def play(self, peer: Peer) -> None:
        await peer.handshake()
        if not self.invalid_replies:
            while True:
                peer.reply(await peer.request(), Command.BAD_REQUEST, b"no more")
        while self.invalid_replies:
            try:
                async with asyncio.timeout(QUIET):
                    request = await peer.request()
            except TimeoutError:
                break
            invalid_reply = self.invalid_replies.popleft()
            for command, payload in invalid_reply.packages:
                peer.send(Package(command, request.correlation_id, payload).encode())
            peer.send(invalid_reply.then)
        self.invalid_replies.clear()
        await peer.writer.drain()


async def check(method: str, invalid_replies: list[InvalidReply]) -> None:
    async with ScriptedServer(FaultyServer(invalid_replies).play) as server, asyncio.timeout(PATIENCE):
        address = server.address
        client = rxpump.connect(f"tcp://{address.host}:{address.port}", settings=SETTINGS)
        try:
            await client.connect()
            result = await METHODS[method][1](client)
            for each in result if isinstance(result, list) else [result]:
                decode_fields(each)
        except RxPumpError as error:
            decode_fields(error)
        finally:
            await client.close()


def fuzz(examples: int) -> None:
    with ErrorLog() as errors, asyncio.Runner() as runner:

        @settings(max_examples=examples)
        @given(CASES)
        def ends_soon(case: Any) -> None:
            runner.run(check(*case))
            assert not errors.records, errors.records[0]

        ends_soon()
        gc.collect()
        assert not errors.records, errors.records[0]


def test_invalid_replies_cause_errors() -> None:
    fuzz(100)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_many_invalid_replies_cause_errors() -> None:
    fuzz(int(os.environ.get("ROUNDS", "2000")))
