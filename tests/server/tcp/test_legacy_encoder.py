"""Tombstones in replies to old clients. The recording `identify-version-tombstone` shows all cases."""

from __future__ import annotations

from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.server.tcp.legacy_encoder import LegacyEncoder, for_old_client
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package, shared_frames

ID = bytes(range(16))
OLD = 2**31 - 1


def record(number: int, data: bytes = b"") -> schema.EventRecord:
    return schema.EventRecord(event_stream_id="ponies", event_number=number, event_id=ID, event_type="t", data=data)


def appeared(number: int, data: bytes = b"") -> Package:
    event = schema.ResolvedEvent(event=record(number, data), link=record(number), commit_position=7)
    return Package(Command.STREAM_EVENT_APPEARED, ID, schema.StreamEventAppeared(event=event).SerializeToString())


def converted(*packages: Package) -> list[Package]:
    return Framer().feed(for_old_client(b"".join(package.encode() for package in packages)))


def test_a_tombstone_has_the_largest_old_number() -> None:
    before, after = appeared(OLD + 1), Package(Command.PONG, ID, b"\xff" * 8 + b"\x7f")
    assert converted(before, appeared(MAX_EVENT_NUMBER), after) == [before, appeared(OLD), after]


def test_tombstones_in_pages_have_the_old_number() -> None:
    def page(number: int) -> Package:
        events = [schema.ResolvedIndexedEvent(event=record(each)) for each in (0, number)]
        message = schema.ReadStreamEventsCompleted(events=events, last_event_number=number, last_commit_position=9)
        return Package(Command.READ_STREAM_EVENTS_FORWARD_COMPLETED, ID, message.SerializeToString())

    assert converted(page(MAX_EVENT_NUMBER)) == [page(OLD)]


def test_similar_numbers_elsewhere_do_not_change() -> None:
    position = schema.SubscriptionConfirmation(last_commit_position=MAX_EVENT_NUMBER, last_event_number=3)
    confirmation = Package(Command.SUBSCRIPTION_CONFIRMATION, ID, position.SerializeToString())
    event = appeared(3, data=b"\xff" * 8 + b"\x7f")
    assert converted(confirmation, event) == [confirmation, event]


def test_each_frame_of_a_chunk_is_converted() -> None:
    payloads = [appeared(number).payload for number in (1, MAX_EVENT_NUMBER, 2)]
    chunk = ID.join(shared_frames(Command.STREAM_EVENT_APPEARED, payloads))
    assert Framer().feed(for_old_client(chunk)) == [appeared(1), appeared(OLD), appeared(2)]


def test_a_client_is_old_until_it_identifies_itself() -> None:
    sent: list[bytes] = []
    encoder = LegacyEncoder(sent.append)
    frames = appeared(MAX_EVENT_NUMBER).encode()
    encoder(frames)
    encoder.is_old = False
    encoder(frames)
    assert sent == [appeared(OLD).encode(), frames]
