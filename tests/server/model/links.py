"""Links and their targets (docs/protocol/tcp.md, section 4.8)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tests.server.model.access import READ, User, may
from tests.server.model.log import MAX64, Log, Record
from tests.server.model.metadata import first_readable, is_expired, is_soft_deleted


class Resolved(NamedTuple):
    """An event and its link as a reply contains them. `target` is the stream of the target of the link."""

    record: Record
    event: Record | None
    link: Record | None = None
    target: str | None = None

    @property
    def address(self) -> bytes:
        """Data of a link to the event; those of `link` if it has no target."""
        if self.event is None:
            return bytes(self.record.event.data)
        return f"{self.event.number}@{self.event.stream}".encode()

    def fields(self) -> dict[str, Any]:
        messages = {"event": self.event, "link": self.link}
        return {name: record.message() for name, record in messages.items() if record is not None}


def resolve(log: Log, records: Iterable[Record], *, links: bool) -> Iterator[Resolved]:
    for record in records:
        if not links or record.event.event_type != "$>":
            yield Resolved(record, record)
            continue
        number, separator, stream = record.event.data.decode().partition("@")
        if not separator or not number.removeprefix("-").isdecimal():
            yield Resolved(record, None, record)
            continue
        yield Resolved(record, readable(log, stream, int(number)), record, stream)


def readable(log: Log, stream: str, number: int) -> Record | None:
    """Return the event with this number (-1 for the last one) if it is visible."""
    last = log.last(stream)
    if last == MAX64 or is_soft_deleted(log, stream):
        return None
    number = last if number == -1 else number
    if not first_readable(log, stream) <= number <= last:
        return None
    record = log.streams[stream][number]
    return None if is_expired(log, record) else record


def may_read_all(log: Log, user: User, page: Iterable[Resolved]) -> bool:
    return all(may(log, user, READ, each.target) for each in page if each.target is not None)
