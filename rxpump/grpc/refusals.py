"""Find the reason of a refusal that a server could not send, by another request.

A server cannot send some errors about names that are not printable ASCII (see `rxpump.grpc.errors.unnamed_errors`).
Each function is a context manager, in which the request is made. It replaces the error of such a refusal by the one
that the state of the stream or of the group shows.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from rxpump.errors import (
    PersistentSubscriptionError,
    PersistentSubscriptionNotFound,
    RxPumpError,
    ServerFailed,
    StreamDeleted,
    WrongExpectedVersion,
)
from rxpump.grpc.caller import Caller
from rxpump.grpc.calls.group_info import group_info
from rxpump.grpc.errors.unnamed_errors import is_unnamed
from rxpump.grpc.reads.ends import find_stream_end
from rxpump.model.positions import ExpectedVersion
from rxpump.model.system_names import ALL_STREAM


@asynccontextmanager
async def deleting(caller: Caller, stream: str, expected_version: int) -> AsyncGenerator[None, None]:
    """Find the reason of a refused deletion.

    Raises:
        StreamDeleted: The stream was deleted.
        WrongExpectedVersion: The stream is at another version.
        ServerFailed: The reason is not known.
    """
    try:
        yield
    except ServerFailed as refusal:
        if not is_unnamed(refusal):
            raise
        raise await _reason_of_deletion(caller, stream, expected_version, refusal) from None


async def _reason_of_deletion(caller: Caller, stream: str, expected: int, refusal: ServerFailed) -> RxPumpError:
    try:
        end = await find_stream_end(caller, stream)
    except StreamDeleted as deleted:
        return deleted
    except RxPumpError:
        return refusal
    last = end.last if isinstance(end.last, int) else None  # None: the stream was soft-deleted.
    if last is None and expected == ExpectedVersion.STREAM_EXISTS:
        return StreamDeleted(stream)
    return refusal if last == expected else WrongExpectedVersion(stream, expected, last)


@asynccontextmanager
async def managing(
    caller: Caller,
    stream: str | None,
    group: str,
    *,
    found: type[PersistentSubscriptionError],
    missing: type[PersistentSubscriptionError],
) -> AsyncGenerator[None, None]:
    """Find the reason of a refused request about a consumer group.

    Args:
        caller: Makes the calls.
        stream: Name of the stream; None is `$all`.
        group: Name of the group.
        found: Class of the error if the group exists.
        missing: Class of the error if the group does not exist.

    Raises:
        PersistentSubscriptionError: The error of the class `found` or `missing`.
        ServerFailed: It is not known whether the group exists.
    """
    try:
        yield
    except ServerFailed as refusal:
        if not is_unnamed(refusal):
            raise
        try:
            await caller.request(group_info(stream, group))
        except PersistentSubscriptionNotFound:
            error = missing
        except RxPumpError:
            raise refusal from None
        else:
            error = found
        raise error(ALL_STREAM if stream is None else stream, group) from None
