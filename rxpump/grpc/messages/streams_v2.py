"""Messages that append to several streams atomically."""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.messages.methods import Method, Service
from rxpump.grpc.messages.schema import message_class

Schema: Any = message_class("streams_v2.Schema")
AppendRecord: Any = message_class("streams_v2.AppendRecord")
AppendRequest: Any = message_class("streams_v2.AppendRequest")
AppendSessionResponse: Any = message_class("streams_v2.AppendSessionResponse")
ConsistencyCheck: Any = message_class("streams_v2.ConsistencyCheck")
AppendRecordsRequest: Any = message_class("streams_v2.AppendRecordsRequest")
AppendRecordsResponse: Any = message_class("streams_v2.AppendRecordsResponse")
StreamDetails: Any = message_class("streams_v2.StreamDetails")
StreamRevisionConflictDetails: Any = message_class("streams_v2.StreamRevisionConflictDetails")
AppendRecordSizeExceededDetails: Any = message_class("streams_v2.AppendRecordSizeExceededDetails")
AppendTransactionSizeExceededDetails: Any = message_class("streams_v2.AppendTransactionSizeExceededDetails")
AppendConsistencyViolationDetails: Any = message_class("streams_v2.AppendConsistencyViolationDetails")

_SERVICE: Final = Service("kurrentdb.protocol.v2.streams.StreamsService", "streams_v2.StreamsV2")

APPEND_SESSION: Final[Method] = _SERVICE.method("AppendSession", 25, 1)
APPEND_RECORDS: Final[Method] = _SERVICE.method("AppendRecords", 26, 0, 3)
