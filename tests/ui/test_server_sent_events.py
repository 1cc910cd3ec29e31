"""Responses without an end: comments while there is nothing to send, the end, and disposal."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import reactivex
from reactivex import Observable, Subject
from reactivex.disposable import Disposable

from rxpump.errors import StreamDeleted
from rxpump.ui import server_sent_events
from rxpump.ui.server_sent_events import ServerSentEvents, message
from tests.ui.harness import SECONDS


class Connection:
    """The two functions of a connection that a response uses."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def send(self, message: Any) -> None:
        await self.sent.put(message)

    async def receive(self) -> Any:
        return await self._received.get()

    def disconnect(self) -> None:
        self._received.put_nowait({"type": "http.disconnect"})

    async def body(self) -> bytes:
        """Return the next part of the body."""
        async with asyncio.timeout(SECONDS):
            while (sent := await self.sent.get())["type"] != "http.response.body":
                pass
        return bytes(sent["body"])


def respond(
    messages: Observable[bytes], stopping: Observable[None] | None = None
) -> tuple[Connection, asyncio.Task[None]]:
    connection = Connection()
    response = ServerSentEvents(messages, Subject() if stopping is None else stopping)
    return connection, asyncio.create_task(response({}, connection.receive, connection.send))


def test_a_message_has_an_id_and_one_line_of_data() -> None:
    assert message("events", {"a": "b\nc"}, id="7") == b'id: 7\nevent: events\ndata: {"a":"b\\nc"}\n\n'
    assert message("state", []) == b"event: state\ndata: []\n\n"


async def test_the_head_is_not_cached_and_has_no_length() -> None:
    connection, responding = respond(reactivex.empty())
    head = await connection.sent.get()
    headers = dict(head["headers"])
    assert headers[b"content-type"].startswith(b"text/event-stream")
    assert headers[b"cache-control"] == b"no-store"
    assert b"content-length" not in headers
    await responding


async def test_messages_are_sent_until_the_source_completes() -> None:
    connection, responding = respond(reactivex.from_iterable([b"a", b"b"]))
    assert [await connection.body() for _ in range(4)] == [b"retry: 1000\n\n", b"a", b"b", b""]
    await responding


async def test_an_error_is_the_last_message() -> None:
    connection, responding = respond(reactivex.throw(StreamDeleted("ponies")))
    assert await connection.body() == b"retry: 1000\n\n"
    failed = await connection.body()
    assert failed.startswith(b"event: failed\n")
    assert b"StreamDeleted" in failed
    assert await connection.body() == b""
    await responding


async def test_a_fault_of_the_program_is_not_hidden() -> None:
    _, responding = respond(reactivex.throw(ZeroDivisionError()))
    with pytest.raises(ZeroDivisionError):
        await responding


async def test_comments_are_sent_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_sent_events, "KEEP_ALIVE_SECONDS", 0.01)
    connection, responding = respond(Subject())
    assert [await connection.body() for _ in range(3)][1:] == [b": keep-alive\n\n"] * 2
    connection.disconnect()
    await responding


class Source:
    """A source that never emits, and records whether it is subscribed to."""

    def __init__(self) -> None:
        self.is_subscribed = asyncio.Event()
        self.is_disposed = asyncio.Event()
        self.observable: Observable[bytes] = Observable(self._subscribe)

    def _subscribe(self, _observer: Any, _scheduler: Any = None) -> Disposable:
        self.is_subscribed.set()
        return Disposable(self.is_disposed.set)


async def test_a_browser_that_leaves_disposes_the_source() -> None:
    source = Source()
    connection, responding = respond(source.observable)
    await source.is_subscribed.wait()
    connection.disconnect()
    await responding
    await source.is_disposed.wait()


async def test_the_end_of_the_program_completes_the_response() -> None:
    source, stopping = Source(), Subject[None]()
    connection, responding = respond(source.observable, stopping)
    await source.is_subscribed.wait()
    stopping.on_next(None)
    await responding
    assert source.is_disposed.is_set()
    assert [await connection.body() for _ in range(2)][-1] == b""
