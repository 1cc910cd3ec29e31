"""Close a listening socket without losing a connection that it has just accepted."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def stop_listening(listener: asyncio.Server) -> None:
    """Close a listener.

    asyncio leaks the socket of a connection if the listener is closed in the iteration of the event loop in which the
    connection was accepted. So the listener first stops accepting, and is closed one iteration later. The protocol of
    such a connection must close it.
    """
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # An event loop without `add_reader` does not have this problem.
        for socket in listener.sockets:
            loop.remove_reader(socket.fileno())
    await asyncio.sleep(0)
    listener.close()
