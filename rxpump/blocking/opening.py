"""Open a blocking client."""

from __future__ import annotations

from typing import Any

from rxpump.blocking.client import BlockingClient
from rxpump.blocking.loop_thread import LoopThread
from rxpump.connecting import connect
from rxpump.settings import Settings


def open(uri: str | None = None, *, settings: Settings | None = None, **options: Any) -> BlockingClient:
    """Connect to an event store, for programs without an event loop.

        with rxpump.open("tcp://admin:changeit@localhost:1113") as store:
            store.publish_event("ponies", "PonyJumped", {"Height": 10})
            for event in store.iter("ponies"):
                print(event.json())

    The client runs in the event loop of a thread that this call starts. The thread ends with `close()`, at the end of
    a `with` block, or at the end of the program.

    Args:
        uri: Connection string; see `rxpump.connect`.
        settings: Settings. Options of the connection string override them.
        **options: The other keyword arguments of `rxpump.connect`: host, port, username, password, token, name and
            fields of Settings.

    Returns:
        A connected client.

    Raises:
        InvalidUri: The connection string is malformed.
        InvalidArgument: An argument has a value that is not allowed, or contradicts another one.
        ConnectionFailed: There was no connection within `connect_within` seconds.
        NotAuthenticated: The server refused the login.
    """
    client = connect(uri, settings=settings, **options)
    thread = LoopThread(f"{client.name} event loop", client.close)
    try:
        thread.call(client.connect)
    except BaseException:
        thread.stop()
        raise
    return BlockingClient(client, thread)
