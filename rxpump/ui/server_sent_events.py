"""Responses without an end: an Observable as server-sent events, as the HTML standard defines them.

The response is the last operator of its pipeline. `map_async` awaits the `send` of the web server, which waits while
the browser does not read, and pauses the source meanwhile. So a slow browser pauses the subscription on the server of
the events:

    subscription ──▶ ops.batch ──▶ rx.merge ──▶ ops.map_async(send) ──▶ socket ──▶ browser
         ▲                                             │
         └──────────────── pause / resume ─────────────┘
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import reactivex
from reactivex import Observable
from reactivex import operators as rx
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rxpump import operators as ops
from rxpump.errors import RxPumpError
from rxpump.ui.replies import encode, error_values
from rxpump.ui.schedulers import event_loop_scheduler

KEEP_ALIVE_SECONDS: Final = 15.0
"""Seconds between two comments, so that no proxy closes a connection as silent."""

RETRY_MILLISECONDS: Final = 1000
"""Time after which the browser connects again when the response has ended."""

_KEEP_ALIVE: Final = b": keep-alive\n\n"


def message(event: str, data: object, *, id: str | None = None) -> bytes:
    """Return one server-sent event.

    Args:
        event: Name of the event.
        data: Value that the browser receives as JSON.
        id: Text that the browser sends back as `Last-Event-ID` when it connects again; None leaves the last one.
    """
    return raw_message(event, encode(data), id=id)


def raw_message(event: str, data: bytes, *, id: str | None = None) -> bytes:
    """Return one server-sent event whose data are JSON in one line."""
    head = "" if id is None else f"id: {id}\n"
    return f"{head}event: {event}\ndata: ".encode() + data + b"\n\n"


class ServerSentEvents(Response):
    """A response that sends the messages of an Observable until that completes or the browser disconnects.

    Args:
        messages: Messages in the form of `message`.
        stopping: Observable that ends the response when it emits.
    """

    media_type = "text/event-stream"

    def __init__(self, messages: Observable[bytes], stopping: Observable[Any]) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._messages = messages
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the messages, each when the one before it has been accepted by the connection."""

        async def write(text: bytes) -> None:
            await send({"type": "http.response.body", "body": text, "more_body": True})

        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())
        sending = asyncio.ensure_future(_run(self._pipeline().pipe(ops.map_async(write, high=1, low=0))))
        leaving = asyncio.ensure_future(_disconnect(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
            has_left = leaving.done()
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
        if not has_left:
            sending.result()  # It raises the fault of the program, if there was one.
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _pipeline(self) -> Observable[bytes]:
        """Return the messages, comments while there are none, and a last message for an error."""
        clock = event_loop_scheduler()
        keep_alive = reactivex.interval(KEEP_ALIVE_SECONDS, scheduler=clock).pipe(
            rx.map(lambda _: _KEEP_ALIVE),
            ops.on_backpressure_drop(),
        )
        return self._messages.pipe(
            rx.materialize(),
            rx.merge(keep_alive.pipe(rx.materialize())),
            rx.dematerialize(),
            rx.catch(lambda error, _: reactivex.just(failure(error))),
            rx.take_until(self._stopping),
        )


def failure(error: Exception) -> bytes:
    """Return the last message of a response whose source has failed.

    Raises:
        Exception: `error` itself, if it is not an error of rxpump.
    """
    if not isinstance(error, RxPumpError):
        raise error
    return message("failed", {"error": error_values(error)})


async def _run(sent: Observable[None]) -> None:
    await sent.pipe(rx.last_or_default(None))


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
