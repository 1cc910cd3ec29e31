"""Messages of persistent subscriptions, which are consumer groups."""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.messages.methods import Method, Service
from rxpump.grpc.messages.schema import message_class

ReadRequest: Any = message_class("persistent_subscriptions.ReadRequest")
DeliveredEvent: Any = message_class("persistent_subscriptions.DeliveredEvent")
ReadResponse: Any = message_class("persistent_subscriptions.ReadResponse")
DeliveredEvents: Any = message_class("persistent_subscriptions.DeliveredEvents")
Settings: Any = message_class("persistent_subscriptions.Settings")
StreamOptions: Any = message_class("persistent_subscriptions.StreamOptions")
AllOptions: Any = message_class("persistent_subscriptions.AllOptions")
GroupOptions: Any = message_class("persistent_subscriptions.GroupOptions")
CreateRequest: Any = message_class("persistent_subscriptions.CreateRequest")
UpdateRequest: Any = message_class("persistent_subscriptions.UpdateRequest")
DeleteRequest: Any = message_class("persistent_subscriptions.DeleteRequest")
GetInfoRequest: Any = message_class("persistent_subscriptions.GetInfoRequest")
GetInfoResponse: Any = message_class("persistent_subscriptions.GetInfoResponse")
ListRequest: Any = message_class("persistent_subscriptions.ListRequest")
ListResponse: Any = message_class("persistent_subscriptions.ListResponse")
SubscriptionInfo: Any = message_class("persistent_subscriptions.SubscriptionInfo")
ParkedEventsRequest: Any = message_class("persistent_subscriptions.ParkedEventsRequest")

_SERVICE: Final = Service(
    "event_store.client.persistent_subscriptions.PersistentSubscriptions",
    "persistent_subscriptions.PersistentSubscriptions",
)

CREATE: Final[Method] = _SERVICE.method("Create", 20, 6, is_repeatable=False)
UPDATE: Final[Method] = _SERVICE.method("Update", 20, 6)
DELETE: Final[Method] = _SERVICE.method("Delete", 20, 6, is_repeatable=False)
READ: Final[Method] = _SERVICE.method("Read", 20, 6)
GET_INFO: Final[Method] = _SERVICE.method("GetInfo", 21, 10, 1, names_leader=False)
LIST: Final[Method] = _SERVICE.method("List", 21, 10, 1, names_leader=False)
REPLAY_PARKED: Final[Method] = _SERVICE.method("ReplayParked", 21, 10, 1, is_repeatable=False)
TRUNCATE_PARKED: Final[Method] = _SERVICE.method("TruncateParked", 26, 2, is_repeatable=False)
RESTART_SUBSYSTEM: Final[Method] = _SERVICE.method(
    "RestartSubsystem", 21, 10, 1, is_repeatable=False, names_leader=False
)
