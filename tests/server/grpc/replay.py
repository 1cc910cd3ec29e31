"""Replay recorded conversations: send the requests of other clients, and compare our answers with the recorded ones.

Each line of the data is a conversation: its calls step by step, in the order of the wire. Positions, times, and ids
that a server generates differ in each run. So each position of the real server is replaced by ours once both servers
have sent it at the same place in a message. It is also replaced in later requests.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from google.protobuf.message import DecodeError, Message

from rxpump.grpc.http2.error_codes import CannotSend
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.messages.server_features import GET_SUPPORTED_METHODS
from rxpump.grpc.messages.table import METHODS
from rxpump.grpc.protocol.call_status import CallStatus, StatusCode
from rxpump.model.system_names import ALL_STREAM
from tests.grpc.harness import ClientEndpoint, connected
from tests.server.grpc.caller import Caller, OpenCall

DATA = Path(__file__).parents[2] / "data" / "wire" / "grpc"

_POSITIONS: Final = frozenset({"commit_position", "prepare_position"})
_DROPPED: Final = frozenset(
    {
        "timestamp",
        "subscription_id",
        "created",
        "time_stamp",
        "last_updated",
        "instance_id",
        "port",
        # Ours does not measure the rates of groups.
        "average_per_second",
        "average_items_per_second",
        "count_since_last_measurement",
    }
)
_OF_ALL: Final = frozenset({"last_known_event_position", "read_buffer_count", "live_buffer_count"})
"""Fields of a group on all streams that depend on the events of the server itself."""

_POSITION_TEXT: Final = re.compile(r"C:(\d+)/P:(\d+)")
_SHORTEST_RECORD: Final = 50
"""Smallest number of bytes that an event takes in the log of either server."""

_PACE: Final = 0.4
"""Length of a pause as a share of that in the recording, which waited longer than necessary."""

_PROGRESS: Final = frozenset({"caught_up", "checkpoint"})
"""Messages whose number and order depend on chance, and on the events of the server itself."""

HIDDEN: Final = "$epoch-information"
"""Stream of the first event that a real server writes when it starts. Clients cannot read it."""

FIRST: Final = ("$$$scavenges", b'{"$maxAge":2592000,"$acl":{"$r":"$ops","$w":[],"$d":[],"$mr":[],"$mw":[]}}')
"""Stream and data of the second one, which clients can read."""

Step = list[Any]


@dataclass
class Recorded:
    """A conversation with a real server."""

    case: str
    about: str
    client: str
    steps: list[Step]


def load(server: str) -> dict[str, Recorded]:
    """Return the conversations with a server, by case."""
    return {each["case"]: _recorded(each) for each in _conversations(server.replace(".", "_"))}


def load_clusters() -> dict[tuple[str, str], Recorded]:
    """Return the conversations with several nodes of a cluster, by the version of the servers and by case."""
    return {(each["server"], each["case"]): _recorded(each) for each in _conversations("clusters")}


def _conversations(name: str) -> list[dict[str, Any]]:
    with gzip.open(DATA / f"conversations_{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _recorded(fields: dict[str, Any]) -> Recorded:
    return Recorded(fields["case"], fields["about"], fields["client"], fields["steps"])


@dataclass
class ReplayedCall:
    """One call, with the messages of the real server and of our server."""

    path: str
    call: OpenCall
    requests: list[str] = field(default_factory=list)
    real: list[Any] = field(default_factory=list)
    parsed: list[Any] = field(default_factory=list)  # all messages of our server so far
    real_status: tuple[Any, ...] | None = None
    taken: int = 0
    is_given_up: bool = False
    has_progress: bool = False
    refusal: CallStatus | None = None  # our status that is not OK, if the recorded client cancelled a running call

    @property
    def method(self) -> Method:
        return self.call.method

    def ours(self) -> list[Any]:
        """Return the messages of our server so far, without those that depend on chance."""
        new = self.call.call.messages[len(self.parsed) :]
        self.parsed += [self.method.response.FromString(each) for each in new]
        return [message for message in self.parsed if self.compares(message)]

    def compares(self, message: Any) -> bool:
        """Return whether a message is compared: not one that reports progress, unless the call `has_progress`."""
        return not (_is_own(message) or (not self.has_progress and _is_progress(message)))

    @property
    def is_level(self) -> bool:
        """Whether our server has sent at least as many messages as the real one."""
        status = self.call.call.response.status
        has_all = self.real_status is None and len(self.ours()) >= len(self.real)
        return status is not None or has_all or self.is_given_up


class Replay:
    """A conversation that is replayed against servers.

    Args:
        recorded: The conversation.
        port_of: Function that returns the port of the server for the number of a recorded connection.
        timeout: Seconds to wait for the messages of each step.
        has_progress: Whether to compare the messages that report progress, too.

    Attributes:
        calls: The calls, by connection and stream.
    """

    def __init__(
        self,
        recorded: Recorded,
        port_of: Callable[[int], int],
        timeout: float = 1.0,
        *,
        has_progress: bool = False,
    ) -> None:
        self.calls: dict[tuple[int, int], ReplayedCall] = {}
        self._recorded = recorded
        self._port_of = port_of
        self._timeout = timeout
        self._has_progress = has_progress
        self._positions: dict[int, int] = {}
        self._ids: dict[str, str] = {}
        self._known_ids: set[str] = set()

    async def run(self) -> None:
        numbers = sorted({step[1] for step in self._recorded.steps})
        contexts = [connected(self._port_of(number)) for number in numbers]
        endpoints = {number: await each.__aenter__() for number, each in zip(numbers, contexts, strict=True)}
        try:
            for step in self._recorded.steps:
                await self._apply(step, endpoints)
            await self._wait()
        finally:
            for each in contexts:
                await each.__aexit__(None, None, None)

    async def _apply(self, step: Step, endpoints: dict[int, ClientEndpoint]) -> None:
        kind, conn, stream, *rest = step
        if kind in ("receive", "status"):
            self._note(kind, self.calls[conn, stream], rest)
            return
        await self._wait()
        await self._until_received(endpoints[conn])
        if kind == "pause":
            await asyncio.sleep(rest[0] * _PACE)
            return
        if kind == "open":
            path, headers = rest
            method = METHODS.get(path) or _unknown(path)
            metadata = tuple((name, value) for name, value in headers if name not in ("grpc-timeout", "content-type"))
            begun = endpoints[conn].call(path, metadata)
            opened = OpenCall(endpoints[conn], begun, method)
            self.calls[conn, stream] = ReplayedCall(path, opened, has_progress=self._has_progress)
            return
        call = self.calls[conn, stream]
        if kind == "send":
            await call.call.send(self._translated(call, bytes.fromhex(rest[0])))
        elif kind == "end":
            call.call.half_close()
        else:
            status = call.call.call.response.status
            if call.real_status is None and status is not None and status.code is not StatusCode.OK:
                call.refusal = status
            call.call.cancel()

    def _note(self, kind: str, call: ReplayedCall, rest: list[Any]) -> None:
        if kind == "status":
            call.real_status = (rest[0], rest[1], rest[2])
            call.is_given_up = False
            return
        message = call.method.response.FromString(bytes.fromhex(rest[0]))
        if call.compares(message):
            call.real.append(message)

    async def _until_received(self, endpoint: ClientEndpoint) -> None:
        """Wait until our server has received the earlier steps of a connection, by making a call of our own."""
        with suppress(CannotSend):
            await Caller(endpoint).ask(GET_SUPPORTED_METHODS, b"")

    async def _wait(self) -> None:
        """Wait until our server has sent as many messages as the real one at this step, at most for some time."""

        async def level() -> None:
            for call in self.calls.values():
                await call.call.call.until(lambda: call.is_level)  # noqa: B023

        with suppress(TimeoutError):
            await asyncio.wait_for(level(), self._timeout)
        for call in self.calls.values():
            call.is_given_up = call.is_given_up or not call.is_level
            ours = call.ours()
            while call.taken < min(len(ours), len(call.real)):
                self._record(call.real[call.taken], ours[call.taken])
                call.taken += 1

    def _record(self, real: Message, ours: Message) -> None:
        """Record which position of our server corresponds to which position of the real one."""
        for descriptor, value in real.ListFields():
            if descriptor.name == "id" and isinstance(value, Message):
                self._record_id(value, getattr(ours, descriptor.name))
            if descriptor.name in _POSITIONS or (descriptor.name == "position" and isinstance(value, int)):
                self._positions.setdefault(value, getattr(ours, descriptor.name))
            elif isinstance(value, Message) and ours.HasField(descriptor.name):
                self._record(value, getattr(ours, descriptor.name))

    def _record_id(self, real: Message, ours: Message) -> None:
        """Record which id that our server made corresponds to which one of the real server."""
        [before], [after] = _texts(real) or [""], _texts(ours) or [""]
        if before != after:
            self._ids[before] = after

    def _translated(self, call: ReplayedCall, data: bytes) -> bytes:
        try:
            message = call.method.request.FromString(data)
        except DecodeError:
            return data
        self._known_ids |= _texts(message) - self._ids.keys()
        call.requests.append(str(message)[:300])
        return bytes(message.SerializeToString()) if self._translate(message) else data

    def _translate(self, message: Message) -> bool:
        changed = False
        for descriptor, value in message.ListFields():
            if descriptor.name == "deadline_21_10_0":  # A recorded deadline has passed since.
                value.seconds = int(time.time()) + 10
                changed = True
            if descriptor.name in _POSITIONS and (ours := self._ours(value)) is not None:
                setattr(message, descriptor.name, ours)
                changed = True
            elif isinstance(value, str) and value in self._ids:
                setattr(message, descriptor.name, self._ids[value])
                changed = True
            elif isinstance(value, Message):
                changed = self._translate(value) or changed
            elif descriptor.name == "ids":
                changed = sum(map(self._translate, value)) > 0 or changed
        return changed

    def _ours(self, position: int) -> int | None:
        """Return our position for one of the real server, inside a record if that is; None if unknown."""
        below = max((known for known in self._positions if known <= position), default=None)
        if below is None or (below != position and position - below >= self._length(below)):
            return None
        return self._positions[below] + min(position - below, _SHORTEST_RECORD - 1)

    def _length(self, position: int) -> int:
        """Return the smallest number of bytes that the record at a position of the real server takes."""
        above = min((known for known in self._positions if known > position), default=None)
        return _SHORTEST_RECORD if above is None else above - position

    # Comparison -------------------------------------------------------------------------------

    def differences(self) -> list[str]:
        """Return descriptions of all differences, one line for each call."""
        found = []
        for (conn, stream), call in self.calls.items():
            real = [self._plain(message, real=True) for message in call.real]
            ours = [self._plain(message, real=False) for message in call.ours()]
            if real != ours[: len(real)] or (call.real_status is not None and len(real) != len(ours)):
                found.append(f"{conn}/{stream} {call.path} messages: {_first_difference(real, ours)}")
            if call.refusal is not None:
                found.append(f"{conn}/{stream} {call.path} no answer != {call.refusal}")
            status = call.call.call.response.status
            if call.real_status is not None and not (status and _is_same_status(call.real_status, status)):
                found.append(f"{conn}/{stream} {call.path} status: {call.real_status} != {status}")
        return found

    def _plain(self, message: Any, *, real: bool) -> Any:
        """Return the fields of a message as values that can be compared."""
        if not isinstance(message, Message):
            return message
        plain: dict[str, Any] = {}
        for descriptor, value in message.ListFields():
            name = descriptor.name
            if name in _DROPPED or (name in _OF_ALL and plain["event_source"] == ALL_STREAM):
                continue
            if name in _POSITIONS or (name == "position" and isinstance(value, int)):
                plain[name] = self._positions.get(value, f"real {value}") if real else value
            elif name == "id" and isinstance(value, Message):
                text = next(iter(_texts(value)), "")
                plain[name] = text if text in self._known_ids else "made by the server"
            elif isinstance(value, Message):
                plain[name] = self._plain(value, real=real)
            elif name == "observed_measurements":
                plain[name] = [each.key for each in value]
            elif hasattr(value, "items"):
                plain[name] = {key: each for key, each in value.items() if key not in _DROPPED}
            elif name == "custom_metadata" and value.startswith(b"{"):
                plain[name] = {key: each for key, each in json.loads(value).items() if key != "added"}
            elif name in ("record_id", "scavenge_id"):
                plain[name] = value if value in self._known_ids else "made by the server"
            elif real and isinstance(value, str) and (found := _POSITION_TEXT.fullmatch(value)):
                ours = self._ours(int(found[1]))
                plain[name] = value if ours is None else f"C:{ours}/P:{ours}"
            elif isinstance(value, (str, bytes, int, float)):
                plain[name] = value
            else:
                values = [self._plain(each, real=real) for each in value]
                plain[name] = sorted(values, key=str) if name == "members" else values  # Nodes have no order.
        return plain


def _first_difference(real: list[Any], ours: list[Any]) -> str:
    for number, (left, right) in enumerate(zip(real, ours, strict=False)):
        if left != right:
            return f"message {number}: {left} != {right}"
    return f"{len(real)} messages != {len(ours)}"


def _kind(message: Any) -> str | None:
    """Return the name of the field that is set in a message of a read or of a consumer; None for other messages."""
    return message.WhichOneof("content") if "content" in message.DESCRIPTOR.oneofs_by_name else None


def _is_progress(message: Any) -> bool:
    """Return whether a message reports the progress of a subscription."""
    return _kind(message) in _PROGRESS


def _is_own(message: Any) -> bool:
    """Return whether a message has an event of a real server that it does not show to clients."""
    return _kind(message) == "event" and message.event.event.stream_identifier.stream_name == HIDDEN.encode()


def _is_same_status(real: tuple[str, str, dict[str, str]], ours: CallStatus) -> bool:
    """Return whether two statuses are equal, except for intended differences.

    Where a real server answers with HTTP status 500, ours has an error. Recorded texts can be truncated.
    """
    code, text, metadata = real
    if code == "500":
        return ours.code is not StatusCode.OK
    if ours.http_status is not None:
        return code == ours.http_status
    found = {name: value for name, value in ours.metadata if name != "grpc-status-details-bin"}
    start, cut, _ = text.partition("... (")
    is_same_text = ours.message.startswith(start) if cut else ours.message == text
    return code == str(ours.code.value) and is_same_text and found.keys() == metadata.keys()


def _texts(message: Message) -> set[str]:
    """Return the texts of all ids in a message."""
    found: set[str] = set()
    for descriptor, value in message.ListFields():
        if descriptor.name in ("string", "record_id") and isinstance(value, str):
            found.add(value)
        elif descriptor.name == "structured":
            found.add(str(value))
        elif isinstance(value, Message):
            found |= _texts(value)
        elif not isinstance(value, (str, bytes, int, float)) and not hasattr(value, "items"):
            for each in value:
                found |= _texts(each) if isinstance(each, Message) else set()
    return found


def _unknown(path: str) -> Method:
    known = next(iter(METHODS.values()))
    return Method(path, known.kind, known.request, known.response, known.since)
