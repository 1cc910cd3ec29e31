"""Divide a recorded conversation into turns: requests, then replies until no request is pending."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.recordings import RecordedFrame
from tests.tcp.followed import SETTLING

PAGES = {
    Command.READ_STREAM_EVENTS_FORWARD,
    Command.READ_STREAM_EVENTS_BACKWARD,
    Command.READ_ALL_EVENTS_FORWARD,
    Command.READ_ALL_EVENTS_BACKWARD,
}


@dataclass
class Turn:
    """Requests, and the replies to them and to earlier requests, in the recorded order."""

    requests: list[Package] = field(default_factory=list)
    answers: list[Package] = field(default_factory=list)
    is_closed_by_server: bool = False

    @property
    def asked(self) -> list[Package]:
        """The requests in the order in which a client makes them: acknowledgements first, as they have no reply."""
        return sorted(self.requests, key=lambda each: each.command not in SETTLING)

    @property
    def sent(self) -> list[Package]:
        """The requests in the order in which our client sends them: those with a large reply last."""
        return sorted(self.asked, key=lambda each: each.command in PAGES)


def turns(lines: list[RecordedFrame], left_out: set[bytes]) -> Iterator[Turn]:
    """Yield the turns of a conversation, without the requests whose correlation ids are in `left_out`."""
    to_come = Counter(each.package.correlation_id for each in lines if each.package and not each.from_client)
    turn = Turn()
    open_requests: set[bytes | None] = set()
    unsubscribed: set[bytes | None] = set()
    for line in lines:
        package = line.package
        if package is None:
            turn.is_closed_by_server |= line.event == "closed_by_server"
            continue
        id = package.correlation_id
        if id in left_out or (id in unsubscribed and line.from_client):  # Some clients unsubscribe twice.
            continue
        if line.from_client:
            if turn.answers and not open_requests:
                yield turn
                turn = Turn()
            turn.requests.append(package)
            if to_come[id]:
                open_requests.add(id)
            if package.command == Command.UNSUBSCRIBE_FROM_STREAM:
                unsubscribed.add(id)
        else:
            turn.answers.append(package)
            to_come[id] -= 1
            open_requests.discard(id)
    yield turn
