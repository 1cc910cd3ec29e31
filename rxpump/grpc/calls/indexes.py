"""Manage secondary indexes (docs/protocol/grpc.md, sections 3.11, 5.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rxpump.errors import UnexpectedReply
from rxpump.grpc.calls.fields import only
from rxpump.grpc.calls.operation import Operation, no_result
from rxpump.grpc.errors.call_context import CallContext, Effect, Option
from rxpump.grpc.messages import indexes_v2
from rxpump.grpc.messages.methods import Method, ServerVersion
from rxpump.model.indexes import IndexDetails, IndexField, IndexFieldType, IndexState

_TYPES: Final = {
    IndexFieldType.STRING: 1,
    IndexFieldType.DOUBLE: 2,
    IndexFieldType.INT32: 4,
    IndexFieldType.INT64: 5,
}
_TYPE_OF_NUMBER: Final = {number: type for type, number in _TYPES.items()}
_STATE_OF_NUMBER: Final = {1: IndexState.STARTED, 2: IndexState.STOPPED, 3: IndexState.DELETED}


OPTIMIZED_LOOKUPS: Final = Option("optimizes_lookups", ServerVersion(26, 2))


def create_index(name: str, selected: str, fields: Sequence[IndexField], *, is_started: bool) -> Operation[None]:
    """Return the Create request."""
    request = indexes_v2.CreateRequest(
        name=name,
        filter=selected,
        fields=[_field(each) for each in fields],
        start=is_started,
    )
    needs_option = any(each.optimizes_lookups for each in fields)
    return _change(indexes_v2.CREATE, name, request, OPTIMIZED_LOOKUPS if needs_option else None)


def start_index(name: str) -> Operation[None]:
    """Return the Start request."""
    return _change(indexes_v2.START, name, indexes_v2.NameRequest(name=name))


def stop_index(name: str) -> Operation[None]:
    """Return the Stop request."""
    return _change(indexes_v2.STOP, name, indexes_v2.NameRequest(name=name))


def delete_index(name: str) -> Operation[None]:
    """Return the Delete request."""
    return _change(indexes_v2.DELETE, name, indexes_v2.NameRequest(name=name))


def get_index(name: str) -> Operation[IndexDetails]:
    """Return the Get request."""

    def answer(messages: Sequence[Any], context: CallContext) -> IndexDetails:
        return _details(only(messages, context.operation).index, context)

    request = indexes_v2.NameRequest(name=name)
    return Operation(_context(indexes_v2.GET, name), (request,), answer)


def list_indexes() -> Operation[Sequence[IndexDetails]]:
    """Return the List request."""

    def answer(messages: Sequence[Any], context: CallContext) -> Sequence[IndexDetails]:
        return [_details(each, context) for each in only(messages, context.operation).indexes]

    return Operation(_context(indexes_v2.LIST, ""), (indexes_v2.LIST.request(),), answer)


def _context(method: Method, name: str, option: Option | None = None) -> CallContext:
    return CallContext(method, "manage indexes of", Effect.NONE, name=name, option=option)


def _change(method: Method, name: str, request: Any, option: Option | None = None) -> Operation[None]:
    return Operation(_context(method, name, option), (request,), no_result)


def _field(field: IndexField) -> dict[str, Any]:
    """Return the fields of a message; none for an option that is not set, because older servers lack it."""
    optional = {"optimize_lookups": True} if field.optimizes_lookups else {}
    return {"name": field.name, "selector": field.selector, "type": _TYPES[field.type], **optional}


def _details(index: Any, context: CallContext) -> IndexDetails:
    try:
        fields = [
            IndexField(each.name, each.selector, _TYPE_OF_NUMBER[each.type], each.optimize_lookups)
            for each in index.fields
        ]
        return IndexDetails(index.name, index.filter, tuple(fields), _STATE_OF_NUMBER[index.state])
    except KeyError as unknown:
        raise UnexpectedReply(context.operation, f"an index with the unknown type or state {unknown}") from None
