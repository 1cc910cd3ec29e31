"""Test PendingRequests without a connection: submit named requests, read the sent packages, and reply to them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rxpump.backoff import Backoff
from rxpump.settings import Settings
from rxpump.tcp.protocol.operation import Operation
from rxpump.tcp.protocol.outcome import Success
from rxpump.tcp.protocol.pending_requests import PendingRequests
from rxpump.tcp.protocol.request import Request
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import NotHandledReason, OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.framing import Framer
from rxpump.tcp.wire.package import Package
from rxpump.transport.deadline import Deadline

STEPS = Backoff(min_delay=1.0, max_delay=4.0, jitter=0.0)
SETTINGS = Settings(timeout=7.0, max_in_flight=4, retry=STEPS, reconnect=STEPS)


class Ask(Operation[bytes]):
    """A request whose payload is its name. Its result is the payload of the reply."""

    command = Command.PING
    reply = Command.PONG

    def __init__(self, name: str, ordering_key: str | None = None) -> None:
        self.payload = name.encode()
        self.ordering_key = ordering_key

    def answer(self, payload: bytes) -> Success[bytes]:
        return Success(payload)

    def __str__(self) -> str:
        return self.payload.decode()


class AskOnce(Ask):
    """A request that must not be repeated if its outcome is unknown."""

    repeatable = False


class Wire:
    """PendingRequests, a clock, and a simulated server."""

    def __init__(
        self, settings: Settings = SETTINGS, *, is_connected: bool = True, explain: Callable[[], str] = str
    ) -> None:
        self.pending = PendingRequests(settings, chance=lambda: 0.0, explain=explain)
        self.now = 0.0
        if is_connected:
            self.pending.connected()

    def ask(self, *names: str, ordering_key: str | None = None) -> list[Request]:
        return [self.pending.submit(Ask(name, ordering_key)) for name in names]

    def call(self, name: str, timeout: float = 7.0) -> Request:
        """Submit a request with a deadline."""
        return self.pending.submit(Ask(name), deadline=Deadline(timeout, self.now))

    def sent(self) -> list[Package]:
        """Return all packages that are sent now."""
        packages: list[Package] = []
        framer = Framer()
        while frames := self.pending.send(self.now):
            packages += framer.feed(b"".join(frames))
        return packages

    def names(self) -> list[str]:
        """Return the names of the requests that are sent now."""
        return [package.payload.decode() for package in self.sent()]

    def reply(self, to: Package, payload: bytes = b"done", command: int = Command.PONG) -> Request | None:
        return self.pending.receive(Package(command, to.correlation_id, payload), self.now)

    def refuse(
        self, to: Package, reason: NotHandledReason = NotHandledReason.NOT_READY, **leader: Any
    ) -> Request | None:
        info = schema.LeaderInfo(**leader).SerializeToString()
        refusal = schema.NotHandled(reason=reason, additional_info=info)
        return self.reply(to, refusal.SerializeToString(), Command.NOT_HANDLED)

    def time_out(self, to: Package) -> Request | None:
        """Reply to `to` that the server timed out. Return the request if this settled it, otherwise None."""
        refusal = schema.WriteEventsCompleted(result=OperationResult.COMMIT_TIMEOUT)
        return self.reply(to, refusal.SerializeToString(), Command.WRITE_EVENTS_COMPLETED)

    def pass_time(self, seconds: float) -> list[Request]:
        self.now += seconds
        return self.pending.tick(self.now)
