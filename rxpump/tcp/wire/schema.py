"""Protobuf messages of the TCP protocol, loaded from the compiled schema into a descriptor pool of our own.

The compiled schema is a serialized descriptor set and not generated code, so one file works with every protobuf from
4.25. Messages of other libraries are in other pools and cannot clash.
"""

from __future__ import annotations

import pkgutil
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_pool = descriptor_pool.DescriptorPool()
_compiled = pkgutil.get_data("rxpump.tcp.wire", "eventstore.binpb")  # importlib.resources is slow to import.
assert _compiled is not None, "a package is read by a loader that can read data"
for _file in descriptor_pb2.FileDescriptorSet.FromString(_compiled).file:
    _pool.Add(_file)


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"rxpump.wire.{name}"))


NewEvent: Any = _message("NewEvent")
EventRecord: Any = _message("EventRecord")
ResolvedIndexedEvent: Any = _message("ResolvedIndexedEvent")
ResolvedEvent: Any = _message("ResolvedEvent")
EventColumns: Any = _message("EventColumns")
ResolvedEventColumns: Any = _message("ResolvedEventColumns")

WriteEvents: Any = _message("WriteEvents")
WriteEventsCompleted: Any = _message("WriteEventsCompleted")
DeleteStream: Any = _message("DeleteStream")
DeleteStreamCompleted: Any = _message("DeleteStreamCompleted")
TransactionStart: Any = _message("TransactionStart")
TransactionStartCompleted: Any = _message("TransactionStartCompleted")
TransactionWrite: Any = _message("TransactionWrite")
TransactionWriteCompleted: Any = _message("TransactionWriteCompleted")
TransactionCommit: Any = _message("TransactionCommit")
TransactionCommitCompleted: Any = _message("TransactionCommitCompleted")

ReadEvent: Any = _message("ReadEvent")
ReadEventCompleted: Any = _message("ReadEventCompleted")
ReadStreamEvents: Any = _message("ReadStreamEvents")
ReadStreamEventsCompleted: Any = _message("ReadStreamEventsCompleted")
ReadStreamEventsColumns: Any = _message("ReadStreamEventsColumns")
ReadAllEvents: Any = _message("ReadAllEvents")
ReadAllEventsCompleted: Any = _message("ReadAllEventsCompleted")
ReadAllEventsColumns: Any = _message("ReadAllEventsColumns")
Filter: Any = _message("Filter")
FilteredReadAllEvents: Any = _message("FilteredReadAllEvents")
FilteredReadAllEventsCompleted: Any = _message("FilteredReadAllEventsCompleted")
FilteredReadAllEventsColumns: Any = _message("FilteredReadAllEventsColumns")

SubscribeToStream: Any = _message("SubscribeToStream")
SubscriptionConfirmation: Any = _message("SubscriptionConfirmation")
StreamEventAppeared: Any = _message("StreamEventAppeared")
StreamEventsAppeared: Any = _message("StreamEventsAppeared")
StreamEventsAppearedColumns: Any = _message("StreamEventsAppearedColumns")
UnsubscribeFromStream: Any = _message("UnsubscribeFromStream")
SubscriptionDropped: Any = _message("SubscriptionDropped")
FilteredSubscribeToStream: Any = _message("FilteredSubscribeToStream")
CheckpointReached: Any = _message("CheckpointReached")

CreatePersistentSubscription: Any = _message("CreatePersistentSubscription")
CreatePersistentSubscriptionCompleted: Any = _message("CreatePersistentSubscriptionCompleted")
UpdatePersistentSubscription: Any = _message("UpdatePersistentSubscription")
UpdatePersistentSubscriptionCompleted: Any = _message("UpdatePersistentSubscriptionCompleted")
DeletePersistentSubscription: Any = _message("DeletePersistentSubscription")
DeletePersistentSubscriptionCompleted: Any = _message("DeletePersistentSubscriptionCompleted")
ConnectToPersistentSubscription: Any = _message("ConnectToPersistentSubscription")
PersistentSubscriptionConfirmation: Any = _message("PersistentSubscriptionConfirmation")
PersistentSubscriptionStreamEventAppeared: Any = _message("PersistentSubscriptionStreamEventAppeared")
PersistentSubscriptionStreamEventsAppeared: Any = _message("PersistentSubscriptionStreamEventsAppeared")
PersistentSubscriptionAckEvents: Any = _message("PersistentSubscriptionAckEvents")
PersistentSubscriptionNakEvents: Any = _message("PersistentSubscriptionNakEvents")

NotHandled: Any = _message("NotHandled")
LeaderInfo: Any = _message("LeaderInfo")
ScavengeDatabase: Any = _message("ScavengeDatabase")
ScavengeDatabaseCompleted: Any = _message("ScavengeDatabaseCompleted")
ScavengeDatabaseResponse: Any = _message("ScavengeDatabaseResponse")
IdentifyClient: Any = _message("IdentifyClient")
ClientIdentified: Any = _message("ClientIdentified")
