"""Create a client of a mock transport."""

from __future__ import annotations

from reactivex.subject import BehaviorSubject

from rxpump.client import Client
from rxpump.model.status import Idle, Status
from rxpump.settings import Settings
from rxpump.testing.mock_transport import MockTransport


def mock_client(transport: MockTransport | None = None, *, settings: Settings | None = None) -> Client:
    """Create a client of a mock transport. Connect it with `async with`, like any client.

    Args:
        transport: The mock transport, if the test uses its methods; a new one by default.
        settings: Settings of the client.

    Returns:
        A client that is not connected yet.

    Example:
        async with mock_client() as client:
            await client.publish_event("orders", "Placed", {"price": 5})
            [placed] = await client.get("orders")
    """
    settings = Settings() if settings is None else settings
    transport = MockTransport(settings=settings) if transport is None else transport
    status: BehaviorSubject[Status] = BehaviorSubject(Idle())
    transport.on_status = status.on_next
    client = Client(settings, transport, status)
    transport.runtime.owner = client  # so that `given` and `rxpump.run` connect it
    return client
