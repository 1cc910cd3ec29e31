"""A random request receives a reply, unless it has none by the protocol, or ends only its own connection.

One server receives all requests, over sockets. It must log no error, free the memory of closed connections, and
answer a client that stays connected and sends a request after each of the others.
"""

from __future__ import annotations

import asyncio
import gc
import os
import tracemalloc
from collections.abc import Awaitable
from itertools import count
from typing import Any, Self

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from rxpump.model.credentials import Credentials
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.server.tcp.handlers.table import IGNORED
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command, command_name
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package
from tests.fuzzing import ErrorLog, kind_of, mutated, payload_of, recorded
from tests.raw_client import ADMIN, OPS, RawClient
from tests.server.requests import EVENT_ID, REQUESTS, UNANSWERED, answers_to

TIMEOUT = 10.0  # seconds until a reply is regarded as missing
REFUSALS = {Command.BAD_REQUEST, Command.NOT_AUTHENTICATED, Command.NOT_HANDLED}
QUIET = {Command.HEARTBEAT_RESPONSE, Command.BAD_REQUEST, Command.IDENTIFY_CLIENT, *UNANSWERED, *IGNORED}
PUSHED = {
    Command.STREAM_EVENT_APPEARED,
    Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED,
    Command.CHECKPOINT_REACHED,
    Command.SUBSCRIPTION_DROPPED,
}
CONTROL = {
    Command.PING: Command.PONG,
    Command.HEARTBEAT_REQUEST: Command.HEARTBEAT_RESPONSE,
    Command.AUTHENTICATE: Command.AUTHENTICATED,
    Command.IDENTIFY_CLIENT: Command.CLIENT_IDENTIFIED,
}

SEEDS = recorded(from_client=True)
USERS = st.sampled_from([ADMIN, ADMIN, ADMIN, None, OPS, Credentials("admin", "wrong")])
REQUEST = st.sampled_from(list(REQUESTS)).flatmap(
    lambda command: st.tuples(st.just(command), payload_of(command, kind_of(command), SEEDS.get(command, ())), USERS)
)
ANYTHING = st.tuples(st.integers(0, 255), st.binary(max_size=40), USERS)
IDENTIFY = st.tuples(
    st.just(Command.IDENTIFY_CLIENT), payload_of(Command.IDENTIFY_CLIENT, kind_of(Command.IDENTIFY_CLIENT), ()), USERS
)


def lets_server_reply(package: tuple[int, bytes, Any]) -> bool:
    """Return False for an identification with a later version, after which a server does not reply to the client."""
    try:
        return (
            package[0] != Command.IDENTIFY_CLIENT or schema.IdentifyClient.FromString(package[1]).version & 0xFF <= 1
        )
    except DecodeError:
        return True


PACKAGE = st.one_of(REQUEST, REQUEST, REQUEST, REQUEST, ANYTHING, IDENTIFY).filter(lets_server_reply)
PACKAGES = st.lists(PACKAGE, min_size=1, max_size=20)

FRAMES = [
    Package(command, EVENT_ID, payload, user).encode()
    for command, payloads in SEEDS.items()
    for payload, user in zip(payloads[:3], (None, ADMIN, OPS), strict=False)
]
BYTES = st.lists(mutated(FRAMES) | st.sampled_from(FRAMES) | st.binary(max_size=40), min_size=1, max_size=6).map(
    b"".join
)


class Fuzzed:
    """A server, a client that must not be affected by others, and the errors that are logged."""

    def __enter__(self) -> Self:
        self.errors = ErrorLog().__enter__()
        self.runner = asyncio.Runner()
        self.runner.__enter__()
        self.server = EmbeddedServer(SqliteStore.in_memory(), heartbeat_interval=3600.0)
        self.server._node.users._clock = count(
            step=3600
        ).__next__  # Wrong passwords of one client must not delay another.
        self.run(self.server.start())
        self.other_client = RawClient.to(self.server)
        self.run(self.other_client.__aenter__())
        return self

    def __exit__(self, *error: Any) -> None:
        self.run(self.other_client.__aexit__())
        self.run(self.server.stop())
        self.runner.__exit__(*error)
        self.errors.__exit__(*error)

    def run(self, what: Awaitable[Any]) -> Any:
        return self.runner.run(self._in_time(what))

    async def _in_time(self, what: Awaitable[Any]) -> Any:
        async with asyncio.timeout(TIMEOUT):
            return await what

    async def send_packages(self, packages: list[tuple[int, bytes, Credentials | None]]) -> None:
        """Send packages from one client, and check that each gets its reply."""
        async with RawClient.to(self.server) as client:
            answers: dict[bytes, list[Package]] = {}
            for command, payload, user in packages:
                sent = client.send(command, payload, user=user)
                ping = client.send(Command.PING, user=ADMIN)
                answers |= {sent: [], ping: []}
                while not answers[ping] or not (answers[sent] or command in QUIET):
                    package = await client.receive()
                    assert package is not None, "the server closed the connection"
                    assert package.correlation_id in answers, package
                    answers[package.correlation_id].append(package)
                check(command, answers[sent])
                assert [each.command for each in answers[ping]] == [Command.PONG]
        await self.check_other_client()

    async def send_bytes(self, data: bytes, cut: int) -> None:
        """Send bytes in pieces from one client, and check that only packages arrive before the connection ends."""
        async with RawClient.to(self.server) as client:
            for start in range(0, len(data), cut):
                client.writer.write(data[start : start + cut])
            client.writer.write_eof()
            framer = Framer()
            try:
                while received := await client.reader.read(1 << 16):
                    framer.feed(received)
                    assert framer.failure is None
            except ConnectionError:
                pass
        await self.check_other_client()

    async def check_other_client(self) -> None:
        """Check that the server keeps nothing of closed connections, and answers the other client."""
        while self.server.client_count > 1:
            await self.other_client.ask(Command.PING)
        assert (await self.other_client.ask(Command.PING)).command == Command.PONG
        assert repr(self.server.store.feed) == "<Feed of 0 streams to 0 followers>"
        assert not self.errors.records, self.errors.records[0]


def check(command: int, answers: list[Package]) -> None:
    """Check that the first package is the reply or a refusal. Packages of subscriptions can follow."""
    if command in REQUESTS:
        allowed = answers_to(Command(command)) | REFUSALS
    else:
        allowed = REFUSALS | ({CONTROL[Command(command)]} if command in CONTROL else set())
    for position, answer in enumerate(answers):
        assert answer.command in (allowed if position == 0 else PUSHED), f"{command_name(command)}: {answers}"


def fuzz_packages(examples: int) -> None:
    with Fuzzed() as fuzzed:

        @settings(max_examples=examples)
        @given(PACKAGES)
        def answered(packages: list[Any]) -> None:
            fuzzed.run(fuzzed.send_packages(packages))

        answered()


def fuzz_bytes(examples: int) -> None:
    with Fuzzed() as fuzzed:

        @settings(max_examples=examples)
        @given(BYTES, st.integers(1, 200))
        def survived(data: bytes, cut: int) -> None:
            fuzzed.run(fuzzed.send_bytes(data, cut))

        survived()


def test_packages_of_any_content_are_answered() -> None:
    fuzz_packages(150)


def test_random_bytes_end_only_their_own_connection() -> None:
    fuzz_bytes(300)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fuzz", [fuzz_packages, fuzz_bytes])
def test_many_random_requests_and_bytes_are_answered(fuzz: Any) -> None:
    fuzz(10 * int(os.environ.get("ROUNDS", "2000")))


READS = [command for command in REQUESTS if "READ" in command.name]


async def all_at_once(fuzzed: Fuzzed) -> None:
    """Send requests that write nothing: reads, subscriptions, and invalid payloads for every command."""
    packages: list[tuple[int, bytes, Credentials | None]]
    packages = [(command, REQUESTS[command].SerializeToString(), ADMIN) for command in READS]
    packages += [(Command.SUBSCRIBE_TO_STREAM, b"\x0a\x01s", None)] * 20
    packages += [(command, bytes([n]) * 9, ADMIN) for command in REQUESTS for n in (0, 7, 255)]
    await fuzzed.send_packages(packages)
    await fuzzed.send_bytes(b"".join(FRAMES[:20]) + bytes(4), 100)


def test_answered_requests_use_no_memory() -> None:
    """Memory grows by at most a few counters from one client to the next."""
    with Fuzzed() as fuzzed:
        for _ in range(3):
            fuzzed.run(all_at_once(fuzzed))
        gc.collect()
        tracemalloc.start()
        try:
            fuzzed.run(all_at_once(fuzzed))
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(20):
                fuzzed.run(all_at_once(fuzzed))
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert grown < 100 * 1024  # A leak of one subscription in twenty would exceed this.
