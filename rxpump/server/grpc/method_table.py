"""The methods of the server, with the handler of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from rxpump.grpc.messages import (
    gossip,
    indexes_v2,
    monitoring,
    operations,
    persistent_subscriptions,
    projections,
    streams,
    streams_v2,
    users,
)
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.messages.table import METHODS
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server.grpc.call import Call
from rxpump.server.grpc.call_errors import handler_failed, plain_error
from rxpump.server.grpc.services.append import append
from rxpump.server.grpc.services.batch_append import batch_append
from rxpump.server.grpc.services.delete import delete, tombstone
from rxpump.server.grpc.services.gossip_read import read_gossip
from rxpump.server.grpc.services.group_changes import create_group, delete_group, update_group
from rxpump.server.grpc.services.group_info import group_info, list_groups
from rxpump.server.grpc.services.group_read import read_group
from rxpump.server.grpc.services.indexes import change_index, read_indexes
from rxpump.server.grpc.services.multi_append import append_records, append_session
from rxpump.server.grpc.services.operations import (
    merge_indexes,
    restart_groups,
    set_node_priority,
    start_scavenge,
    stop_scavenge,
)
from rxpump.server.grpc.services.parked_groups import replay_parked, restart_subsystem, truncate_parked
from rxpump.server.grpc.services.projection_changes import (
    create_projection,
    delete_projection,
    disable_projection,
    enable_projection,
    reset_projection,
    restart_projections,
    update_projection,
)
from rxpump.server.grpc.services.projection_info import projection_result, projection_state, projection_statistics
from rxpump.server.grpc.services.proposed_events import MAX_APPEND_BYTES
from rxpump.server.grpc.services.read import read
from rxpump.server.grpc.services.statistics import send_statistics
from rxpump.server.grpc.services.supported_methods import FEATURES_METHOD, supported_methods_handler
from rxpump.server.grpc.services.users import (
    change_password,
    create_user,
    delete_user,
    disable_user,
    enable_user,
    reset_password,
    update_user,
    user_details,
)

Handler = Callable[[Call], Awaitable[None]]
"""Coroutine function that answers a call. It raises CallError to end the call with an error."""

_SERVED: Final[Mapping[Method, Handler]] = {
    streams.READ: read,
    streams.APPEND: append,
    streams.BATCH_APPEND: batch_append,
    streams.DELETE: delete,
    streams.TOMBSTONE: tombstone,
    gossip.READ: read_gossip,
    operations.START_SCAVENGE: start_scavenge,
    operations.STOP_SCAVENGE: stop_scavenge,
    operations.MERGE_INDEXES: merge_indexes,
    operations.SET_NODE_PRIORITY: set_node_priority,
    operations.RESTART_PERSISTENT_SUBSCRIPTIONS: restart_groups,
    monitoring.STATS: send_statistics,
    users.CREATE: create_user,
    users.UPDATE: update_user,
    users.DELETE: delete_user,
    users.DISABLE: disable_user,
    users.ENABLE: enable_user,
    users.DETAILS: user_details,
    users.CHANGE_PASSWORD: change_password,
    users.RESET_PASSWORD: reset_password,
    projections.CREATE: create_projection,
    projections.UPDATE: update_projection,
    projections.DELETE: delete_projection,
    projections.ENABLE: enable_projection,
    projections.DISABLE: disable_projection,
    projections.RESET: reset_projection,
    projections.STATISTICS: projection_statistics,
    projections.STATE: projection_state,
    projections.RESULT: projection_result,
    projections.RESTART_SUBSYSTEM: restart_projections,
    streams_v2.APPEND_SESSION: append_session,
    streams_v2.APPEND_RECORDS: append_records,
    indexes_v2.CREATE: change_index,
    indexes_v2.START: change_index,
    indexes_v2.STOP: change_index,
    indexes_v2.DELETE: change_index,
    indexes_v2.LIST: read_indexes,
    indexes_v2.GET: read_indexes,
    persistent_subscriptions.CREATE: create_group,
    persistent_subscriptions.UPDATE: update_group,
    persistent_subscriptions.DELETE: delete_group,
    persistent_subscriptions.READ: read_group,
    persistent_subscriptions.GET_INFO: group_info,
    persistent_subscriptions.LIST: list_groups,
    persistent_subscriptions.REPLAY_PARKED: replay_parked,
    persistent_subscriptions.TRUNCATE_PARKED: truncate_parked,
    persistent_subscriptions.RESTART_SUBSYSTEM: restart_subsystem,
}

HANDLERS: Final[Mapping[str, Handler]] = {
    **{method.path: handler for method, handler in _SERVED.items()},
    FEATURES_METHOD.path: supported_methods_handler((*_SERVED, FEATURES_METHOD)),
}
"""Handlers by path."""

_SERVICES: Final = frozenset(path.rpartition("/")[0] for path in HANDLERS)
_IN_LOWER_CASE: Final[Mapping[str, str]] = {path.lower(): path for path in HANDLERS}

_MOST_BYTES: Final = 4 * 1024 * 1024
_MOST_BYTES_OF: Final = {
    streams.READ.path.rpartition("/")[0]: 16 * 1024 * 1024 - 10_000,
    streams_v2.APPEND_SESSION.path.rpartition("/")[0]: MAX_APPEND_BYTES * 3 // 2,
}
"""Size in bytes of the largest message that is accepted, by service."""


def find_method(path: str) -> Method:
    """Return the method with a path.

    Raises:
        CallError: The server has no such method.
    """
    if path in HANDLERS:
        return METHODS[path]
    if path.lower() in _IN_LOWER_CASE:
        raise handler_failed(f"The path must have upper- and lower-case letters: {_IN_LOWER_CASE[path.lower()]}.")
    what = "Method" if path.rpartition("/")[0] in _SERVICES else "Service"
    raise plain_error(StatusCode.UNIMPLEMENTED, f"{what} is unimplemented.")


def message_limit(path: str) -> int:
    """Return the size in bytes of the largest message that a method accepts."""
    return _MOST_BYTES_OF.get(path.rpartition("/")[0], _MOST_BYTES)
