"""The messages of a call, on a simulated connection."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rxpump.grpc.messages.streams import BATCH_APPEND
from rxpump.server.grpc.call import Call


class Connection:
    """A connection that accepts every call of the methods that a request needs."""

    def acknowledge(self, stream_id: int, size: int) -> None:
        pass

    def hold(self, call: Call, size: int) -> None:
        pass


@pytest.fixture
def reader() -> Any:
    return SimpleNamespace(failure=None, is_complete=False, held_bytes=0)


@pytest.fixture
def call(reader: Any) -> Call:
    unused: Any = None
    return Call(cast(Any, Connection()), 1, BATCH_APPEND, reader, unused, unused)


async def next_iteration() -> None:
    """Let tasks that are ready run."""
    await asyncio.sleep(0)


async def test_messages_are_handled_when_they_arrive(call: Call, reader: Any) -> None:
    handled: list[Sequence[bytes]] = []

    def handle(messages: Sequence[bytes]) -> bool:
        handled.append(messages)
        return True

    call.receive([b"before"], 6)
    passing = asyncio.ensure_future(call.pass_messages(handle))
    await next_iteration()
    assert handled == [(b"before",)]
    for messages in ([b"1", b"2"], [b"3"]):
        call.receive(messages, 2)
        assert handled.pop() == tuple(messages)
    assert call.held == 0
    reader.is_complete = True
    call.note_end()
    assert await passing is False


async def test_messages_wait_when_the_function_cannot_continue(call: Call) -> None:
    handled: list[Sequence[bytes]] = []

    def handle(messages: Sequence[bytes]) -> bool:
        handled.append(messages)
        return False

    passing = asyncio.ensure_future(call.pass_messages(handle))
    await next_iteration()
    call.receive([b"1"], 1)
    call.receive([b"2"], 1)
    assert handled == [(b"1",)]
    assert await passing is True
    call.receive([b"3"], 1)
    assert await call.pass_messages(handle) is True
    assert handled == [(b"1",), (b"2", b"3")]


async def test_an_exception_of_the_function_is_one_of_the_handler(call: Call) -> None:
    def fail(messages: Sequence[bytes]) -> bool:
        raise ZeroDivisionError

    passing = asyncio.ensure_future(call.pass_messages(fail))
    await next_iteration()
    call.receive([b"1"], 1)
    with pytest.raises(ZeroDivisionError):
        await passing
