"""`publish_to`: write what comes to a stream, and go on with what the server says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import reactivex

from rxpump.expected_version import ExpectedVersion
from rxpump.write_result import WriteResult


class PublishingClient(Protocol):
    """What the operator needs of a client."""

    def publish(self, stream: str, events: Any, /, *, expected_version: int = ..., batch_size: int = ...) -> Any:
        """Write an Observable of events in batches; give an Observable of a WriteResult per batch."""


def publish_to(
    client: PublishingClient,
    stream: str,
    *,
    expected_version: int = ExpectedVersion.ANY,
    batch_size: int = 500,
) -> Callable[[reactivex.Observable[Any]], reactivex.Observable[WriteResult]]:
    """Write each NewEvent (or Event, to copy it) to `stream`, in order, in batches of what waits.

        ──a──b──c──────────d──|
        publish_to(client, "out")
        ──────[0..2]───────[3]|      a WriteResult per batch, once it is acknowledged

    The source is held while two batches wait. A write that fails is the error, and disposes the source; the
    source's own error comes after everything that it gave before is written. Where the client is drained,
    what was given is written first.

    Example:
        >>> late = client.iter("flights").pipe(ops.json(), rx.filter(is_late), ops.to_event("Late"))
        >>> await late.pipe(ops.publish_to(client, "late-flights"))

    Errors: those of `client.publish`.
    """

    def write(source: reactivex.Observable[Any]) -> reactivex.Observable[WriteResult]:
        writes: reactivex.Observable[WriteResult] = client.publish(
            stream, source, expected_version=expected_version, batch_size=batch_size
        )
        return writes

    return write
