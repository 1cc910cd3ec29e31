"""Replay one connection of a recording in the role of the client."""

from __future__ import annotations

from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.raw_client import RawClient
from tests.recordings import RecordedFrame
from tests.server.normalize import Ours, expected_payload, readable

ANY = -2
SERVERS_OWN_ID = {Command.HEARTBEAT_REQUEST}
PUSHED = {Command.STREAM_EVENT_APPEARED, Command.PERSISTENT_SUBSCRIPTION_STREAM_EVENT_APPEARED}
UNANSWERED = {Command.PERSISTENT_SUBSCRIPTION_ACK_EVENTS, Command.PERSISTENT_SUBSCRIPTION_NAK_EVENTS}


class Replay:
    """Sends the recorded requests of `lines`, and waits for each reply where it was recorded.

    Replies can arrive in any order, also relative to pushed packages with the same id. Packages that are pushed under
    one id must have the recorded order.
    """

    def __init__(self, client: RawClient, ours: Ours, lines: list[RecordedFrame]) -> None:
        self.client = client
        self.ours = ours
        self.early: list[Package] = []
        self.last_heartbeat = b""
        self.is_cut = any(line.event == "closed_by_server" for line in lines)
        self.has_left = False
        self.is_unsettled = False
        self.unanswered: set[bytes] = set()
        self.answered = {
            line.package.correlation_id
            for line in lines
            if line.package is not None and not line.from_client and line.package.command not in PUSHED
        }

    async def play(self, line: RecordedFrame) -> None:
        if line.from_client:
            self.send(line)
        elif line.package is not None and not self.is_last_bad_request(line.package):
            await self.expect(line.package)
        elif line.event == "closed_by_client":
            await self.end()

    async def settle(self) -> None:
        """Wait until every request was processed, so that requests of other connections come after it.

        After a request without a reply, an empty write is sent: its reply shows that the changes are on disk.
        """
        last = b""
        if self.is_unsettled:
            self.is_unsettled = False
            nothing = schema.WriteEvents(event_stream_id="nothing", expected_version=ANY)
            last = self.client.send(Command.WRITE_EVENTS, nothing)
            self.unanswered.add(last)
        while self.unanswered:
            package = await self.receive()
            if package.correlation_id != last:
                self.early.append(package)

    async def end(self) -> None:
        """Check that no further package arrives, and close the connection."""
        if self.has_left:
            return
        self.has_left = True
        if self.is_cut:
            assert await self.only_a_bad_request() is None
        else:
            await self.expect_silence()
            await self.client.leave()

    def send(self, line: RecordedFrame) -> None:
        if line.raw is not None:
            self.client.writer.write(line.raw)
            return
        assert line.package is not None
        package = self.ours.translate(line.package)
        if package.command == Command.HEARTBEAT_RESPONSE and self.last_heartbeat:
            package = package._replace(correlation_id=self.last_heartbeat)
        self.client.writer.write(package.encode())
        if package.command in UNANSWERED:
            self.is_unsettled = True
        elif package.correlation_id in self.answered:
            self.unanswered.add(package.correlation_id)

    async def receive(self) -> Package:
        package = await self.client.receive()
        assert package is not None, "the server has closed"
        if package.command not in PUSHED:
            self.unanswered.discard(package.correlation_id)
        return package

    def is_last_bad_request(self, package: Package) -> bool:
        """Return whether a package is the BadRequest before a close, which the recorded server often did not send."""
        return self.is_cut and package.command == Command.BAD_REQUEST

    async def expect(self, recorded: Package) -> None:
        ours = await self.next_like(recorded)
        assert ours.command == recorded.command, (ours, ours.payload)
        expected = expected_payload(recorded, ours, self.ours)
        assert ours.payload == expected, f"{readable(ours)} instead of {readable(recorded)}"
        if ours.command == Command.HEARTBEAT_REQUEST:
            self.last_heartbeat = ours.correlation_id

    async def next_like(self, recorded: Package) -> Package:
        def is_it(package: Package) -> bool:
            if recorded.command in SERVERS_OWN_ID:
                return package.command == recorded.command
            is_of_this_kind = (package.command in PUSHED) == (recorded.command in PUSHED)
            return is_of_this_kind and package.correlation_id == recorded.correlation_id

        for package in self.early:
            if is_it(package):
                self.early.remove(package)
                return package
        while not is_it(package := await self.receive()):
            self.early.append(package)
        return package

    async def only_a_bad_request(self) -> Package | None:
        package = await self.client.receive()
        if package is not None and package.command == Command.BAD_REQUEST:
            package = await self.client.receive()
        return package

    async def expect_silence(self) -> None:
        """Check that the reply to a last Ping is the next package."""
        ping = self.client.send(Command.PING)
        answer = await self.client.receive()
        while answer is not None and answer.command == Command.HEARTBEAT_REQUEST:
            answer = await self.client.receive()
        assert self.early == []
        assert answer is None or answer.correlation_id == ping
