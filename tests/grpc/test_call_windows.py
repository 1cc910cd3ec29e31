"""A call acknowledges exactly the bytes that it has received, for all orders of arrivals and pulls."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxpump.grpc.call import Call
from rxpump.grpc.http2.http2_events import DataReceived, HeadersReceived
from rxpump.grpc.protocol.message_reader import frame_message
from tests.grpc.clients import FOLLOW

HEADERS = ((":status", "200"), ("content-type", "application/grpc"))


class Owner:
    """A connection that counts the bytes that a call acknowledges."""

    def __init__(self) -> None:
        self.wakes = 0
        self.has_control_frames = False
        self.received = 0
        self.acknowledged = 0

    @property
    def machine(self) -> Any:
        return self

    @property
    def received_at(self) -> float:
        return 0.0

    def acknowledge(self, stream_id: int, size: int) -> None:
        self.acknowledged += size
        assert size > 0
        assert self.acknowledged <= self.received

    def wake(self) -> None:
        self.wakes += 1

    def flush(self) -> None:
        pass

    def call_ended(self, call: Call) -> None:
        pass

    def note_refusal(self) -> None:
        pass

    async def round_trip(self) -> None:
        pass

    def call_draining(self, call: Call) -> None:
        pass


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("data"), st.integers(1, 40), st.integers(0, 20)),
        st.tuples(st.just("pull"), st.integers(1, 6), st.just(0)),
    ),
    max_size=60,
)


@pytest.mark.parametrize("widens", [False, True])
def test_the_connection_is_woken_only_to_widen_a_window(widens: bool) -> None:
    """An iteration of the event loop for each acknowledgement would double those of a subscription."""
    owner = Owner()
    call = Call(owner, 1, FOLLOW)
    call.receive(HeadersReceived(1, HEADERS, False))
    data = frame_message(b"event")
    owner.received = len(data)
    call.receive(DataReceived(1, data, len(data), False))
    assert call.take() == [b"event"]
    owner.has_control_frames = widens
    assert call.take() == []
    assert (owner.acknowledged, owner.wakes) == (len(data), int(widens))


@given(parts=st.lists(st.tuples(st.integers(1, 40), st.integers(0, 20)), min_size=1, max_size=30))
def test_bytes_are_acknowledged_when_on_messages_returns(parts: list[tuple[int, int]]) -> None:
    async def run() -> None:
        owner = Owner()
        call = Call(owner, 1, FOLLOW)
        call.receive(HeadersReceived(1, HEADERS, False))
        unacknowledged: list[int] = []
        received: list[bytes] = []

        def on_messages(messages: list[bytes]) -> None:
            received.extend(messages)
            unacknowledged.append(owner.received - owner.acknowledged)

        call.on_messages = on_messages
        waiting = asyncio.ensure_future(call.next())  # for the end of the call
        await asyncio.sleep(0)
        stream = b"".join(frame_message(bytes(size)) for size, _ in parts)
        for count, padding in parts:
            part, stream = stream[:count], stream[count:]
            owner.received += len(part) + padding
            call.receive(DataReceived(1, part, len(part) + padding, False))
            assert owner.acknowledged == owner.received
        owner.received += len(stream)
        call.receive(DataReceived(1, stream, len(stream), False))
        assert owner.acknowledged == owner.received
        assert received == [bytes(size) for size, _ in parts]
        assert all(unacknowledged)
        waiting.cancel()
        await asyncio.wait([waiting])

    asyncio.run(run())


@given(sizes=st.lists(st.integers(0, 30), min_size=1, max_size=20), actions=ACTIONS)
def test_every_byte_is_acknowledged_once(sizes: list[int], actions: list[tuple[str, int, int]]) -> None:
    async def run() -> None:
        owner = Owner()
        call = Call(owner, 1, FOLLOW)
        call.receive(HeadersReceived(1, HEADERS, False))
        messages = [bytes([index % 256]) * size for index, size in enumerate(sizes)]
        stream = b"".join(map(frame_message, messages))
        pulled: list[bytes] = []
        for action, count, padding in actions:
            if action == "pull":
                pulled += call.take(count)
            elif stream:
                part, stream = stream[:count], stream[count:]
                owner.received += len(part) + padding
                call.receive(DataReceived(1, part, len(part) + padding, False))
        if stream:
            owner.received += len(stream)
            call.receive(DataReceived(1, stream, len(stream), False))
        while batch := call.take(3):
            pulled += batch
        waiting = asyncio.ensure_future(call.next())
        await asyncio.sleep(0)
        assert pulled == messages
        assert owner.acknowledged == owner.received
        waiting.cancel()
        await asyncio.wait([waiting])

    asyncio.run(run())
