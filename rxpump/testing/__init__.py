"""A mock transport, for tests of programs that use rxpump.

The mock is an event store in memory. It has no sockets, files or threads, and a test decides when its connection is
lost. The contract suite in `tests/contract` runs against it and against TCP.

Example:
    transport = MockTransport()
    async with mock_client(transport) as client:
        await client.publish_event("orders", "Placed", {"price": 5})
        transport.lose_connection()
        transport.restore_connection()
        [placed] = await client.get("orders")
"""

from rxpump.testing.clients import mock_client
from rxpump.testing.mock_transport import MockTransport

__all__ = ["MockTransport", "mock_client"]
