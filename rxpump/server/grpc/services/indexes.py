"""IndexesService: answer as a server without secondary indexes (docs/protocol/grpc.md, sections 3.11 and 4.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from rxpump.grpc.messages import indexes_v2
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.model.system_names import OPS
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import CallError, invalid_argument
from rxpump.server.grpc.detailed_errors import access_denied_to, detailed_error

_NAME: Final = re.compile(r"[a-z0-9_-]+").fullmatch
_NAME_RULE: Final = "Name can contain only lowercase alphanumeric characters, underscores and dashes"
_MAX_NAME: Final = 1000
_DISABLED: Final = "Secondary indexing is disabled (configuration key KurrentDB::SecondaryIndexing::Enabled is false)"


async def change_index(call: Call) -> None:
    """Refuse a Create, Start, Stop or Delete. As on a real server, request and permission are checked first."""
    request = await call.request()
    faults = list(_faults(call, request))
    if faults:
        raise invalid_argument("; ".join(faults))
    if not (call.user.is_admin or OPS in call.user.roles):
        raise access_denied_to(f"user-indexes:{call.method.feature[1]}:", call.user.login)
    raise _disabled()


async def read_indexes(call: Call) -> None:
    """Refuse a List or a Get."""
    await call.request()
    raise _disabled()


def _faults(call: Call, request: Any) -> Iterator[str]:
    length = len(request.name)
    if not length:
        yield "The length of 'Name' must be at least 1 characters. You entered 0 characters."
    if length > _MAX_NAME:
        yield f"The length of 'Name' must be {_MAX_NAME} characters or fewer. You entered {length} characters."
    if _NAME(request.name) is None:
        yield _NAME_RULE
    if call.method is indexes_v2.CREATE:
        if len(request.fields) > 1:
            yield "Currently at most one index field must be provided"
        if not (request.fields or request.filter.strip()):
            yield "At least a filter or a field must be provided"


def _disabled() -> CallError:
    return detailed_error(StatusCode.FAILED_PRECONDITION, _DISABLED, "SECONDARY_INDEXING_DISABLED", domain="indexes")
