"""The protobuf messages, loaded from the compiled schema into a descriptor pool of our own.

A serialized descriptor set is data, not generated code, so one file serves every protobuf runtime
from 4.25 on; and a pool of our own cannot clash with another library's Event Store messages.
"""

from __future__ import annotations

import pkgutil
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_pool = descriptor_pool.DescriptorPool()
_compiled = pkgutil.get_data("rxpump.wire", "eventstore.binpb")  # importlib.resources takes long to import
assert _compiled is not None, "a package is read by a loader that can read data"
for _file in descriptor_pb2.FileDescriptorSet.FromString(_compiled).file:
    _pool.Add(_file)


def _message(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"rxpump.wire.{name}"))


NewEvent = _message("NewEvent")
EventRecord = _message("EventRecord")
ResolvedIndexedEvent = _message("ResolvedIndexedEvent")
ResolvedEvent = _message("ResolvedEvent")

WriteEvents = _message("WriteEvents")
WriteEventsCompleted = _message("WriteEventsCompleted")
DeleteStream = _message("DeleteStream")
DeleteStreamCompleted = _message("DeleteStreamCompleted")
TransactionStart = _message("TransactionStart")
TransactionStartCompleted = _message("TransactionStartCompleted")
TransactionWrite = _message("TransactionWrite")
TransactionWriteCompleted = _message("TransactionWriteCompleted")
TransactionCommit = _message("TransactionCommit")
TransactionCommitCompleted = _message("TransactionCommitCompleted")

ReadEvent = _message("ReadEvent")
ReadEventCompleted = _message("ReadEventCompleted")
ReadStreamEvents = _message("ReadStreamEvents")
ReadStreamEventsCompleted = _message("ReadStreamEventsCompleted")
ReadAllEvents = _message("ReadAllEvents")
ReadAllEventsCompleted = _message("ReadAllEventsCompleted")
Filter = _message("Filter")
FilteredReadAllEvents = _message("FilteredReadAllEvents")
FilteredReadAllEventsCompleted = _message("FilteredReadAllEventsCompleted")

SubscribeToStream = _message("SubscribeToStream")
SubscriptionConfirmation = _message("SubscriptionConfirmation")
StreamEventAppeared = _message("StreamEventAppeared")
StreamEventsAppeared = _message("StreamEventsAppeared")
UnsubscribeFromStream = _message("UnsubscribeFromStream")
SubscriptionDropped = _message("SubscriptionDropped")
FilteredSubscribeToStream = _message("FilteredSubscribeToStream")
CheckpointReached = _message("CheckpointReached")

CreatePersistentSubscription = _message("CreatePersistentSubscription")
CreatePersistentSubscriptionCompleted = _message("CreatePersistentSubscriptionCompleted")
UpdatePersistentSubscription = _message("UpdatePersistentSubscription")
UpdatePersistentSubscriptionCompleted = _message("UpdatePersistentSubscriptionCompleted")
DeletePersistentSubscription = _message("DeletePersistentSubscription")
DeletePersistentSubscriptionCompleted = _message("DeletePersistentSubscriptionCompleted")
ConnectToPersistentSubscription = _message("ConnectToPersistentSubscription")
PersistentSubscriptionConfirmation = _message("PersistentSubscriptionConfirmation")
PersistentSubscriptionStreamEventAppeared = _message("PersistentSubscriptionStreamEventAppeared")
PersistentSubscriptionStreamEventsAppeared = _message("PersistentSubscriptionStreamEventsAppeared")
PersistentSubscriptionAckEvents = _message("PersistentSubscriptionAckEvents")
PersistentSubscriptionNakEvents = _message("PersistentSubscriptionNakEvents")

NotHandled = _message("NotHandled")
LeaderInfo = _message("LeaderInfo")
ScavengeDatabase = _message("ScavengeDatabase")
ScavengeDatabaseCompleted = _message("ScavengeDatabaseCompleted")
ScavengeDatabaseResponse = _message("ScavengeDatabaseResponse")
IdentifyClient = _message("IdentifyClient")
ClientIdentified = _message("ClientIdentified")
