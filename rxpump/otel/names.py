"""Names of spans, attributes and instruments.

Those of `db.*`, `streams.append`, `streams.multi-append` and `streams.subscribe` are the names of the .NET client of
KurrentDB. Those of `messaging.*` and `server.*` are from the semantic conventions of OpenTelemetry.
"""

from __future__ import annotations

from typing import Final

SCOPE: Final = "rxpump"
SYSTEM: Final = "kurrentdb"

APPEND: Final = "streams.append"
MULTI_APPEND: Final = "streams.multi-append"
READ: Final = "streams.read"
SUBSCRIBE: Final = "streams.subscribe"
PROCESS: Final = "streams.process"

DB_SYSTEM: Final = "db.system"
DB_OPERATION: Final = "db.operation"
DB_USER: Final = "db.user"
DB_STREAM: Final = "db.kurrentdb.stream"
DB_SUBSCRIPTION_ID: Final = "db.kurrentdb.subscription.id"
DB_EVENT_ID: Final = "db.kurrentdb.event.id"
DB_EVENT_TYPE: Final = "db.kurrentdb.event.type"

MESSAGING_SYSTEM: Final = "messaging.system"
OPERATION_NAME: Final = "messaging.operation.name"
OPERATION_TYPE: Final = "messaging.operation.type"
DESTINATION_NAME: Final = "messaging.destination.name"
CONSUMER_GROUP_NAME: Final = "messaging.consumer.group.name"
CLIENT_ID: Final = "messaging.client.id"
MESSAGE_ID: Final = "messaging.message.id"
BATCH_MESSAGE_COUNT: Final = "messaging.batch.message_count"

SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"
IO_DIRECTION: Final = "network.io.direction"

OPERATION_DURATION: Final = "messaging.client.operation.duration"
SENT_MESSAGES: Final = "messaging.client.sent.messages"
CONSUMED_MESSAGES: Final = "messaging.client.consumed.messages"
PROCESS_DURATION: Final = "messaging.process.duration"

_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
DURATION_BUCKETS: Final = (0.001, 0.0025, *_BUCKETS)
"""Bounds in seconds of the buckets of durations: those of the conventions, and two smaller ones."""
