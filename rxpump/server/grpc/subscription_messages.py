"""Messages of a subscription that are not events."""

from __future__ import annotations

import time
from typing import Any, Final
from uuid import uuid4

from rxpump.grpc.messages.streams import ReadResponse
from rxpump.model.positions import Position
from rxpump.server.grpc.event_encoder import frame

_NANOSECONDS: Final = 1_000_000_000


def confirmation_message() -> bytes:
    """Return the first message of a subscription. Its id is only for logs."""
    return _encoded(confirmation={"subscription_id": str(uuid4())})


def checkpoint_message(at: Position) -> bytes:
    """Return a message with a position from which a subscription can be resumed."""
    return _encoded(checkpoint={**_position(at), "timestamp": _now()})


def caught_up_in_stream(number: int | None) -> bytes:
    """Return the message that a subscription has reached the end of its stream.

    Args:
        number: Number of the last event, or at which the subscription starts; None if there is neither.
    """
    revision = {} if number is None else {"stream_revision": number}
    return _encoded(caught_up={"timestamp": _now(), **revision})


def caught_up_in_log(at: Position | None) -> bytes:
    """Return the message that a subscription has reached the end of the log.

    Args:
        at: Position of the last event, or at which the subscription starts; None if there is neither.
    """
    position = {} if at is None else {"position": _position(at)}
    return _encoded(caught_up={"timestamp": _now(), **position})


def _position(at: Position) -> dict[str, int]:
    return {"commit_position": at.commit, "prepare_position": at.prepare}


def _now() -> dict[str, int]:
    seconds, nanoseconds = divmod(time.time_ns(), _NANOSECONDS)
    return {"seconds": seconds, "nanos": nanoseconds}


def _encoded(**content: Any) -> bytes:
    return frame(ReadResponse(**content).SerializeToString())
