"""Messages in other forms that mean the same; see `tests.grpc.reshaping_proxy`."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

from rxpump.grpc.messages import persistent_subscriptions, streams

UNKNOWN_FIELD = b"\xaa\x01\x02hi"
"""Field 21 with the text "hi", which no message has."""


class ReshapedStream:
    """The response of one call.

    Attributes:
        path: Path of the method.
        is_subscription: Whether the request is a subscription of the method Read.
        is_compressed: Whether the response can have compressed messages.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.is_subscription = False
        self.is_compressed = False
        self.requests = bytearray()
        self._responses = bytearray()

    def messages(self, data: bytes) -> list[bytes]:
        """Return the messages that are complete now."""
        self._responses += data
        found = []
        while len(self._responses) >= 5 and len(self._responses) >= 5 + (
            size := int.from_bytes(self._responses[1:5], "big")
        ):
            found.append(bytes(self._responses[5 : 5 + size]))
            del self._responses[: 5 + size]
        return found

    def note_request(self, data: bytes) -> None:
        """Note whether the request is a subscription."""
        if self.path == streams.READ.path:
            self.requests += data
            request = bytes(self.requests[5:])
            self.is_subscription = streams.ReadRequest.FromString(request).options.HasField("subscription")


class MessageReshaper:
    """Changes the form of messages."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def reshape(self, stream: ReshapedStream, message: bytes) -> list[bytes]:
        """Return messages that mean the same as one message."""
        found: list[bytes] = []
        if stream.path == streams.READ.path:
            found += self._around_read(stream, message)
        elif stream.path == persistent_subscriptions.READ.path:
            found += [UNKNOWN_FIELD] * (self._chance.random() < 0.2) + [self._with_other_ids(stream, message)]
        elif stream.path == streams.BATCH_APPEND.path:
            found.append(self._with_other_ids(stream, message))
        else:
            found.append(message)
        return [self.with_unknown_field(each) for each in found]

    def _around_read(self, stream: ReshapedStream, message: bytes) -> list[bytes]:
        """Return a message of a read or subscription, with messages without a meaning around it."""
        found = [self._with_other_ids(stream, message)]
        if not stream.is_subscription:
            return [UNKNOWN_FIELD] * (self._chance.random() < 0.2) + found
        content = streams.ReadResponse.FromString(message)
        if content.HasField("confirmation"):
            return [UNKNOWN_FIELD] * (self._chance.random() < 0.5) + found
        if content.HasField("caught_up") and self._chance.random() < 0.5:
            fell_behind = streams.ReadResponse(fell_behind={}).SerializeToString()
            found += self._chance.choice(([message], [message, message], [fell_behind, message]))
        if self._chance.random() < 0.3:
            places: tuple[dict[str, int], ...] = (
                {},
                {"commit_position": 1},
                {"commit_position": 2**64 - 1, "prepare_position": 2**64 - 1},
            )
            without_progress = streams.ReadResponse(checkpoint=self._chance.choice(places)).SerializeToString()
            found.insert(self._chance.randrange(2), without_progress)
        return found

    def _with_other_ids(self, stream: ReshapedStream, message: bytes) -> bytes:
        """Return a message with some of its ids in the other form."""
        classes = (streams.READ, persistent_subscriptions.READ, streams.BATCH_APPEND)
        message_class = next(each.response for each in classes if each.path == stream.path)
        content = message_class.FromString(message)
        ids = self._ids(content)
        if not ids or self._chance.random() < 0.5:
            return message
        for id in ids:
            _turn(id)
        return bytes(content.SerializeToString())

    def _ids(self, content: Any) -> list[Any]:
        if content.DESCRIPTOR is streams.BATCH_APPEND.response.DESCRIPTOR:
            return [content.correlation_id]
        return [record.id for record in (content.event.event, content.event.link) if record.HasField("id")]

    def with_unknown_field(self, message: bytes) -> bytes:
        """Return a message, at random with an unknown field before or after the other fields."""
        match self._chance.randrange(4):
            case 0:
                return message + UNKNOWN_FIELD
            case 1:
                return UNKNOWN_FIELD + message
        return message


def _turn(id: Any) -> None:
    """Set a Uuid to its other form."""
    mask = (1 << 64) - 1
    if id.HasField("structured"):
        halves = id.structured
        number = (halves.most_significant_bits & mask) << 64 | halves.least_significant_bits & mask
        text = str(UUID(int=number))
        id.Clear()
        id.string = text
    else:
        number = UUID(id.string).int
        id.Clear()
        for name, half in (("most_significant_bits", number >> 64), ("least_significant_bits", number & mask)):
            setattr(id.structured, name, half - (1 << 64) if half >> 63 else half)
