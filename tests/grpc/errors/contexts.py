"""Call contexts for tests of errors."""

from __future__ import annotations

from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.messages import (
    gossip,
    indexes_v2,
    operations,
    persistent_subscriptions,
    projections,
    streams,
    streams_v2,
    users,
)

READ = CallContext(streams.READ, "read", Effect.NONE, "ponies", login="ouro")
SUBSCRIBE = CallContext(streams.READ, "subscribe to", Effect.SUBSCRIPTION, "ponies", login="ouro")
APPEND = CallContext(streams.APPEND, "write to", Effect.WRITE, "ponies", login="ouro", expected_version=7)
BATCH = CallContext(streams.BATCH_APPEND, "write to", Effect.WRITE, "ponies", login="ouro", expected_version=5)
DELETE = CallContext(streams.DELETE, "delete", Effect.WRITE, "ponies", expected_version=7)
CREATE_GROUP = CallContext(
    persistent_subscriptions.CREATE, "create persistent subscriptions of", Effect.NONE, "ponies", "riders"
)
CONSUME = CallContext(persistent_subscriptions.READ, "subscribe to", Effect.SUBSCRIPTION, "ponies", "riders")
DISABLE_USER = CallContext(users.DISABLE, "manage users of", Effect.NONE, name="ouro")
STOP_SCAVENGE = CallContext(operations.STOP_SCAVENGE, "scavenge", Effect.NONE)
GOSSIP = CallContext(gossip.READ, "read the gossip of", Effect.NONE)
ENABLE_PROJECTION = CallContext(projections.ENABLE, "manage projections of", Effect.NONE, name="totals")
APPEND_SESSION = CallContext(streams_v2.APPEND_SESSION, "write to", Effect.WRITE, "ponies", login="ouro")
GET_INDEX = CallContext(indexes_v2.GET, "read indexes of", Effect.NONE, name="by-color")
