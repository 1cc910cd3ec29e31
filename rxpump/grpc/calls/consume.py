"""Messages of a consumer of a group (docs/protocol/grpc.md, sections 3.6, 5.10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from rxpump.grpc.calls.fields import EMPTY, fill_uuid, source
from rxpump.grpc.calls.groups import group_context
from rxpump.grpc.errors.call_context import CallContext, Effect
from rxpump.grpc.messages import persistent_subscriptions as messages
from rxpump.model.group_settings import NackAction

MAX_ACK_IDS: Final = 2000
"""Largest number of event ids in one acknowledgement, the same as in other clients."""

_ACTION = messages.ReadRequest.Nack.Action
_ACTIONS: Final = {
    NackAction.PARK: _ACTION.PARK,
    NackAction.RETRY: _ACTION.RETRY,
    NackAction.SKIP: _ACTION.SKIP,
    NackAction.STOP: _ACTION.STOP,
}


def consume_context(stream: str | None, group: str) -> CallContext:
    """Return the context of the call of a consumer; `stream` is None for a group on `$all`."""
    context = group_context(messages.READ, "subscribe to", stream, group)
    return replace(context, effect=Effect.SUBSCRIPTION)


def consume(stream: str | None, group: str, buffer_size: int) -> bytes:
    """Return the first request of a consumer.

    Args:
        stream: Name of the stream; None is `$all`.
        group: Name of the group.
        buffer_size: Largest number of events that the server delivers ahead of their acknowledgement.
    """
    options = {
        "group_name": group,
        "buffer_size": buffer_size,
        "uuid_option": {"structured": EMPTY},
        **source(stream),
    }
    encoded: bytes = messages.ReadRequest(options=options).SerializeToString()
    return encoded


def acks(ids: Sequence[bytes]) -> list[bytes]:
    """Return the requests that acknowledge events.

    Args:
        ids: Ids of the events as they were received (of the link, if there is one), in the order of `UUID.bytes_le`.
    """
    return [_encode("ack", ids[start : start + MAX_ACK_IDS]) for start in range(0, len(ids), MAX_ACK_IDS)]


def nacks(ids: Sequence[bytes], action: NackAction, reason: str) -> list[bytes]:
    """Return the requests that refuse events; `ids` as in `acks`."""
    return [
        _encode("nack", ids[start : start + MAX_ACK_IDS], action=_ACTIONS[action], reason=reason)
        for start in range(0, len(ids), MAX_ACK_IDS)
    ]


def _encode(field: str, ids: Sequence[bytes], **fields: Any) -> bytes:
    request = messages.ReadRequest(**{field: fields})
    content = getattr(request, field)
    for id_bytes in ids:
        fill_uuid(content.ids.add(), id_bytes)
    encoded: bytes = request.SerializeToString()
    return encoded
