"""Messages that manage the secondary indexes of users."""

from __future__ import annotations

from typing import Any, Final

from rxpump.grpc.messages.methods import Method, Service
from rxpump.grpc.messages.schema import message_class

IndexField: Any = message_class("indexes_v2.IndexField")
CreateRequest: Any = message_class("indexes_v2.CreateRequest")
NameRequest: Any = message_class("indexes_v2.NameRequest")
Index: Any = message_class("indexes_v2.Index")
ListResponse: Any = message_class("indexes_v2.ListResponse")
GetResponse: Any = message_class("indexes_v2.GetResponse")
IndexDetails: Any = message_class("indexes_v2.IndexDetails")
IndexesNotReadyDetails: Any = message_class("indexes_v2.IndexesNotReadyDetails")

_SERVICE: Final = Service("kurrentdb.protocol.v2.indexes.IndexesService", "indexes_v2.IndexesV2")

CREATE: Final[Method] = _SERVICE.method("Create", 26, 0, is_repeatable=False)
START: Final[Method] = _SERVICE.method("Start", 26, 0)
STOP: Final[Method] = _SERVICE.method("Stop", 26, 0)
DELETE: Final[Method] = _SERVICE.method("Delete", 26, 0, is_repeatable=False)
LIST: Final[Method] = _SERVICE.method("List", 26, 0)
GET: Final[Method] = _SERVICE.method("Get", 26, 0)
