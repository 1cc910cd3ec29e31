"""Replay recorded servers to our client. It sends the recorded requests, and understands each reply."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from reactivex.subject import BehaviorSubject

import rxpump
from rxpump.backoff import Backoff
from rxpump.errors import NotAuthenticated
from rxpump.model.credentials import Credentials
from rxpump.model.status import Connected, Idle
from rxpump.tcp.node_resolver import FixedAddress
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.recordings import NAMES, RecordedFrame, load
from tests.tcp.asked import meaning
from tests.tcp.conftest import MakeClient
from tests.tcp.followed import without_unsendable_acks
from tests.tcp.replay import Replay
from tests.tcp.scripted_server import Peer, ScriptedServer
from tests.tcp.turns import turns

RESULTS = Path(__file__).parents[1] / "data" / "client_results.txt"
"""File with the requests and results of our client for each conversation, which was once reviewed by hand."""

NOT_OURS = {
    Command.AUTHENTICATE: "played below, as the introduction of a client",
    Command.IDENTIFY_CLIENT: "played below, as the introduction of a client",
    Command.HEARTBEAT_REQUEST: "our client sends its own heartbeat when it has received no bytes",
}
"""Commands of requests that are left out, each with the reason."""

UNPLAYED = {
    "bad-payload": "garbage, which ours does not send",
    "bad-request-then-close": "broken frames, which ours does not send",
    "frame-limits": "broken frames, which ours does not send",
    "heartbeat-from-client": "nothing but heartbeats of the client",
    "heartbeat-late-other": "a client that does not answer heartbeats",
    "heartbeat-unanswered": "a client that does not answer heartbeats",
    "photonpump-catchup": "one id for a subscription and the reads beside it: ours gives each its own",
    "trusted-write-flag": "broken frames, which ours does not send",
    "unknown-command": "commands that ours does not send",
}
"""Conversations that are left out, each with the reason."""

BY_CONNECTION = {"cluster-master-killed", "cluster-no-quorum"}
"""Conversations with connections to several nodes. Their connections are replayed one by one."""

LEADERS = {"cluster-not-master": {11601}, "cluster-master-killed": {11601, 11603}}
"""The ports of the leaders that the recorded nodes named."""

LEFT_OUT = {
    "write-one": {"bf48": "an event without a type is refused when it is made: see test_new_event"},
}
"""Single requests that are left out, by the end of their correlation id, each with the reason."""


def sections(results: Path = RESULTS) -> dict[str, list[str]]:
    """Return the requests and results of each conversation in a file, by the name of the conversation."""
    found: dict[str, list[str]] = {}
    for line in results.read_text().splitlines():
        if line.startswith("== "):
            lines = found.setdefault(line.removeprefix("== "), [])
        elif line and not line.startswith("#"):
            lines.append(line)
    return found


def test_every_recording_is_replayed_or_listed_as_unplayed() -> None:
    assert sorted([*sections(), *UNPLAYED]) == NAMES


def left_out(name: str, lines: list[RecordedFrame], require_leader: bool) -> set[bytes]:
    """Return the ids of requests that are not played (`NOT_OURS`, `LEFT_OUT`) or have another `require_leader`."""
    ids = set()
    for line in lines:
        if line.from_client and (package := line.package):
            message = meaning(package)[1]
            wants_leader = bool(getattr(message, "require_leader", False))
            reasons = [end for end in LEFT_OUT.get(Path(name).name, {}) if package.correlation_id.hex().endswith(end)]
            if package.command in NOT_OURS or reasons or wants_leader is not require_leader:
                ids.add(package.correlation_id)
    return ids


async def results_of(name: str, client_of: MakeClient) -> tuple[list[str], set[tuple[str, int]]]:
    """Play a conversation, requests to the leader last. Return the texts of the results, and the named leaders."""
    results, leaders = [], set()
    for lines, require_leader in itertools.product(parts(name), (False, True)):
        conversation = list(turns(lines, left_out(name, lines, require_leader)))
        if any(turn.requests for turn in conversation):
            replay = Replay(conversation)
            await play(replay, client_of, require_leader=require_leader)
            results += replay.results
            leaders |= replay.leaders
    return results, leaders


def parts(name: str) -> list[list[RecordedFrame]]:
    """Return the frames of a conversation that are played together on one connection."""
    lines = without_unsendable_acks(load(name))
    if name not in BY_CONNECTION:
        return [lines]
    return [[line for line in lines if line.conn == conn] for conn in sorted({line.conn for line in lines})]


class OneNode(FixedAddress):
    """A resolver for one connection, which all requests of a recorded conversation use."""

    def for_leader(self) -> None:
        return None


async def play(replay: Replay, client_of: MakeClient, *, require_leader: bool) -> None:
    """Play a conversation with a client that does not retry refused requests.

    The client does not reconnect if the recorded server closed the connection.
    """
    attempts = 0 if replay.is_ended_by_server else None
    reconnect = Backoff(min_delay=0.001, max_delay=0.001, attempts=attempts)
    async with ScriptedServer(replay.script) as server:
        node = OneNode(server.address)
        transport = client_of(node, require_leader=require_leader, reconnect=reconnect, retry=Backoff(attempts=0))
        async with rxpump.Client(rxpump.Settings(), transport, BehaviorSubject(Idle())) as client:
            await replay.run(client, transport)


@pytest.mark.parametrize("name", sections())
async def test_the_client_sends_the_recorded_requests(name: str, client_of: MakeClient) -> None:
    results, leaders = await results_of(name, client_of)
    assert results == sections()[name]
    assert leaders == {("127.0.0.1", port) for port in LEADERS.get(name, ())}


def handshakes(name: str, command: Command) -> Iterator[tuple[Package, Package]]:
    """Yield the recorded requests with this command, each with its reply."""
    packages = [line.package for line in load(name) if line.package]
    for request in packages:
        if request.command == command:
            yield request, next(each for each in packages if each[1] == request[1] and each is not request)


AUTHENTICATIONS = [
    pytest.param(request, answer, id=f"{name}-{request.credentials.login}")
    for name in ("authenticate-ok", "authenticate-fail", "not-ready")
    for request, answer in handshakes(name, Command.AUTHENTICATE)
    if request.credentials is not None  # Without credentials our client does not authenticate.
]


@pytest.mark.parametrize(("recorded", "answer"), AUTHENTICATIONS)
async def test_the_client_authenticates_as_recorded(
    recorded: Package, answer: Package, client_of: MakeClient, at_once: None
) -> None:
    who = recorded.credentials
    assert isinstance(who, Credentials)

    async def decide(peer: Peer) -> None:
        ours = await peer.request(Command.AUTHENTICATE)
        assert ours.payload == recorded.payload
        assert isinstance(ours.credentials, Credentials)
        assert (ours.credentials.login, ours.credentials.password) == (who.login, who.password)
        peer.reply(ours, answer.command, answer.payload)
        await peer.handshake()
        await peer.until_gone()

    async with ScriptedServer(decide) as server:
        client = client_of(server, Credentials(who.login, who.password))
        if answer.command == Command.AUTHENTICATED:
            await client.open()
            assert client.statuses[-1] == Connected(str(server.address))
        else:
            with pytest.raises(NotAuthenticated) as caught:
                await client.open()
            assert (caught.value.login, caught.value.reason) == (who.login, "Unauthorized")
            assert server.accepted == 1


async def test_the_client_identifies_itself_as_recorded(client_of: MakeClient) -> None:
    """Other recorded clients send no name, or an old version."""
    recorded, answer = next(handshakes("identify-client", Command.IDENTIFY_CLIENT))
    name = schema.IdentifyClient.FromString(recorded.payload).connection_name

    async def identify(peer: Peer) -> None:
        ours = await peer.request()
        assert ours[:1] + ours[2:] == recorded[:1] + recorded[2:], "all but the correlation id"
        peer.reply(ours, answer.command, answer.payload)
        await peer.until_gone()

    async with ScriptedServer(identify) as server:
        client = client_of(server, name=name)
        await client.open()
        await client.ping()
