"""For any bytes of a server, the protocol and the pending requests do not raise, and all errors are RxPumpErrors."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxpump.errors import ConnectionClosed, RxPumpError
from rxpump.model.credentials import Credentials
from rxpump.settings import Settings
from rxpump.tcp.protocol.client_protocol import ClientProtocol, ProtocolState
from rxpump.tcp.protocol.pending_requests import PendingRequests
from rxpump.tcp.protocol.subscription_buffer import SubscriptionBuffer
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package
from tests.decoding import decode_fields
from tests.fuzzing import kind_of, mutated, payload_of, recorded
from tests.tcp.operations.test_operation import ALL

ID = bytes(range(16))
SEEDS = recorded(from_client=False)
COMMANDS = [command for command in Command if kind_of(command) is not None]
PAYLOADS = {command: payload_of(command, kind_of(command), SEEDS.get(command, ())) for command in COMMANDS}
LIKELY = {Command.PONG: st.binary(max_size=5)} | PAYLOADS
REFUSALS = [Command.BAD_REQUEST, Command.NOT_HANDLED, Command.NOT_AUTHENTICATED, Command.SUBSCRIPTION_DROPPED]
PUSHED = [command for command in COMMANDS if command.name.endswith("_APPEARED")] + [Command.SUBSCRIPTION_DROPPED]


def payload(command: int) -> st.SearchStrategy[bytes]:
    return LIKELY.get(command, st.binary(max_size=20))  # type: ignore[call-overload, no-any-return]


def replies(command: int) -> st.SearchStrategy[tuple[int, bytes]]:
    """Return a strategy of packages that can arrive instead of the reply `command`."""
    commands = st.one_of(st.just(command), st.just(command), st.sampled_from(REFUSALS), st.integers(0, 255))
    return commands.flatmap(lambda code: st.tuples(st.just(code), payload(code)))


EXCHANGES = st.sampled_from(ALL).flatmap(lambda operation: st.tuples(st.just(operation), replies(operation.reply)))
NEWS = st.sampled_from(PUSHED).flatmap(replies)
FRAMES = [
    Package(command, ID, payload).encode() for command, payloads in SEEDS.items() for payload in payloads[:4]
] + [Package(command, ID).encode() for command in (Command.AUTHENTICATED, Command.CLIENT_IDENTIFIED)]
BYTES = st.lists(st.sampled_from(FRAMES) | mutated(FRAMES) | st.binary(max_size=30), max_size=8)


def fuzz_client_protocol(examples: int) -> None:
    @settings(max_examples=examples)
    @given(BYTES, st.integers(1, 100), st.sampled_from([None, Credentials("me", "secret")]))
    def receive_random_bytes(parts: list[bytes], cut: int, credentials: Credentials | None) -> None:
        protocol = ClientProtocol("tcp://node", Settings(), credentials, now=0.0)
        data = b"".join(parts)
        for start in range(0, len(data), cut):
            was_closed = protocol.state is ProtocolState.CLOSED
            packages = protocol.receive(data[start : start + cut])
            assert not (was_closed and packages)
            framer = Framer()
            framer.feed(b"".join(protocol.bytes_to_send()))
            assert framer.failure is None
        assert (protocol.state is ProtocolState.CLOSED) == (protocol.failure is not None)
        assert protocol.failure is None or isinstance(protocol.failure, RxPumpError)
        assert repr(protocol)
        decode_fields(protocol.failure)

    receive_random_bytes()


def fuzz_pending_requests(examples: int) -> None:
    @settings(max_examples=examples)
    @given(st.lists(EXCHANGES, min_size=1, max_size=8), st.lists(NEWS, max_size=5))
    def receive_random_packages(exchanges: list[Any], pushed: list[Any]) -> None:
        pending = PendingRequests(Settings(timeout=5.0), chance=lambda: 0.0)
        pending.connected()
        requests = []
        for operation, (command, payload) in exchanges:
            request = pending.submit(operation)
            requests.append(request)
            Framer().feed(b"".join(pending.send(0.0)))
            pending.receive(Package(command, request.correlation_id, payload), 0.0)
            if isinstance(request.value, SubscriptionBuffer):
                for each in pushed:
                    pending.receive(Package(each[0], request.correlation_id, each[1]), 0.0)
        pending.tick(1000.0)
        pending.close(ConnectionClosed("tcp://node", "over"))
        for request in requests:
            assert request.is_settled
            assert request.error is None or isinstance(request.error, RxPumpError)
            decode_fields(request.error or request.value)
        assert len(pending) == 0

    receive_random_packages()


def test_the_protocol_accepts_random_bytes() -> None:
    fuzz_client_protocol(200)


def test_pending_requests_accept_random_packages() -> None:
    fuzz_pending_requests(150)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("fuzz", [fuzz_client_protocol, fuzz_pending_requests])
def test_many_rounds_of_random_input_are_accepted(fuzz: Callable[[int], None]) -> None:
    fuzz(10 * int(os.environ.get("ROUNDS", "2000")))
