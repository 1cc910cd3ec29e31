"""ReactiveX for Event Store: reads, subscriptions and publishes as Observables over one shared connection.

async with rxpump.connect("memory://") as client:
    await client.publish_event("ponies", "PonyJumped", data={"Height": 10})
    async for event in client.iter("ponies"):
        print(event.json())
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from rxpump import errors
from rxpump.backoff import Backoff
from rxpump.client import Client
from rxpump.connecting import connect
from rxpump.errors import RxPumpError
from rxpump.model.acl import Acl
from rxpump.model.credentials import Credentials, Token
from rxpump.model.deliveries import Delivery
from rxpump.model.events import Event
from rxpump.model.filters import EventFilter
from rxpump.model.group_details import ConsumerDetails, GroupDetails
from rxpump.model.group_settings import ConsumerStrategy, NackAction, PersistentSubscriptionSettings
from rxpump.model.indexes import IndexDetails, IndexField, IndexFieldType, IndexState
from rxpump.model.metadata import MetadataResult, StreamMetadata, SystemSettings
from rxpump.model.metrics import LatencyHistogram, Metrics, RequestKind, RequestMetrics, SubscriptionMetrics
from rxpump.model.new_events import NewEvent, new_link
from rxpump.model.nodes import NodePreference
from rxpump.model.pages import AllPage, StreamPage
from rxpump.model.positions import END, START, Edge, ExpectedVersion, Position, StreamDirection
from rxpump.model.projections import ProjectionMode, ProjectionStatistics
from rxpump.model.results import DeleteResult, ScavengeResult, WriteResult
from rxpump.model.server_info import ServerInfo
from rxpump.model.signals import CaughtUp, Examined, FellBehind, Reconnected, Signal
from rxpump.model.status import (
    Closed,
    Connected,
    Connecting,
    Discovered,
    Idle,
    NodeAnswer,
    NodeVerdict,
    Reconnecting,
    Status,
)
from rxpump.model.users import UserDetails
from rxpump.settings import Settings
from rxpump.streams.observable import Observable
from rxpump.streams.transaction import Transaction
from rxpump.transport import Capability

Connection = Client
Beginning: Final = START
End: Final = END

if TYPE_CHECKING:
    from rxpump import operators
    from rxpump.blocking import BlockingClient, BlockingIterator, BlockingTransaction, open, run
else:
    _BLOCKING = {"BlockingClient", "BlockingIterator", "BlockingTransaction", "open", "run"}

    def __getattr__(name: str) -> Any:
        """Import `rxpump.operators` and the blocking client on first use, so that `import rxpump` is fast."""
        if name == "operators":
            return import_module("rxpump.operators")
        if name in _BLOCKING:
            return getattr(import_module("rxpump.blocking"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__version__ = "0.1.0"

__all__ = [
    "END",
    "START",
    "Acl",
    "AllPage",
    "Backoff",
    "Beginning",
    "BlockingClient",
    "BlockingIterator",
    "BlockingTransaction",
    "Capability",
    "CaughtUp",
    "Client",
    "Closed",
    "Connected",
    "Connecting",
    "Connection",
    "ConsumerDetails",
    "ConsumerStrategy",
    "Credentials",
    "DeleteResult",
    "Delivery",
    "Discovered",
    "Edge",
    "End",
    "Event",
    "EventFilter",
    "Examined",
    "ExpectedVersion",
    "FellBehind",
    "GroupDetails",
    "Idle",
    "IndexDetails",
    "IndexField",
    "IndexFieldType",
    "IndexState",
    "LatencyHistogram",
    "MetadataResult",
    "Metrics",
    "NackAction",
    "NewEvent",
    "NodeAnswer",
    "NodePreference",
    "NodeVerdict",
    "Observable",
    "PersistentSubscriptionSettings",
    "Position",
    "ProjectionMode",
    "ProjectionStatistics",
    "Reconnected",
    "Reconnecting",
    "RequestKind",
    "RequestMetrics",
    "RxPumpError",
    "ScavengeResult",
    "ServerInfo",
    "Settings",
    "Signal",
    "Status",
    "StreamDirection",
    "StreamMetadata",
    "StreamPage",
    "SubscriptionMetrics",
    "SystemSettings",
    "Token",
    "Transaction",
    "UserDetails",
    "WriteResult",
    "connect",
    "errors",
    "new_link",
    "open",
    "operators",
    "run",
]
