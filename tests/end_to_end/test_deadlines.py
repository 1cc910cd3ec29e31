"""Each call has a deadline, even without a connection. Subscriptions and other endless work have none."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from math import inf
from typing import Any

import pytest
from reactivex.subject import Subject

import rxpump
from rxpump import checkpoints
from rxpump import operators as ops
from rxpump.checkpoints import Checkpoint
from rxpump.errors import InvalidArgument, OperationTimedOut, PrepareTimeout
from rxpump.model.events import single_event
from rxpump.model.new_events import NewEvent
from rxpump.operators.machinery.outages import outlast
from rxpump.server import EmbeddedServer
from rxpump.tcp.protocol.pending_requests import PendingRequests
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.codes import OperationResult
from rxpump.tcp.wire.commands import Command
from rxpump.testing.proxy import Proxy
from tests.tcp.scripted_server import Peer, ScriptedServer, good

AWAY = rxpump.Backoff(min_delay=3600.0, max_delay=3600.0)
"""A policy that does not reconnect during a test."""

EVENT = NewEvent("T")

CALLS: dict[str, Callable[[rxpump.Client, Any], Any]] = {
    "ping": lambda client, given: client.ping(**given),
    "get_event": lambda client, given: client.get_event("s", **given),
    "get": lambda client, given: client.get("s", **given),
    "get_all": lambda client, given: client.get_all(**given),
    "iter": lambda client, given: client.iter("s", **given),
    "iter_all": lambda client, given: client.iter_all(**given),
    "publish_event": lambda client, given: client.publish_event("s", "T", **given),
    "publish": lambda client, given: client.publish("s", [EVENT], **given),
    "link_to": lambda client, given: client.link_to("links", linked(), **given),
    "delete_stream": lambda client, given: client.delete_stream("s", **given),
    "get_metadata": lambda client, given: client.get_metadata("s", **given),
    "set_metadata": lambda client, given: client.set_metadata("s", max_count=1, **given),
    "get_system_settings": lambda client, given: client.get_system_settings(**given),
    "set_system_settings": lambda client, given: client.set_system_settings(rxpump.SystemSettings(), **given),
    "scavenge": lambda client, given: client.scavenge(**given),
    "create_subscription": lambda client, given: client.create_subscription("g", "s", **given),
    "update_subscription": lambda client, given: client.update_subscription("g", "s", **given),
    "delete_subscription": lambda client, given: client.delete_subscription("g", "s", **given),
    "replay_parked": lambda client, given: client.replay_parked("g", "s", **given),
    "transaction": lambda client, given: client.transaction("s", **given).start(),
    "continue_transaction": lambda client, given: client.continue_transaction("s", 5, **given).write([EVENT]),
}

ENDLESS = {"stream", "stream_all", "live", "subscribe_to", "connect_subscription", "relay", "publisher", "metrics"}
"""Methods whose work is endless, so that they have no deadline."""

OTHER_PROTOCOLS = {
    "list_subscriptions",
    "members",
    "publish_many",
    "restart_subscriptions",
    "server_info",
    "statistics",
    "stop_scavenge",
    "subscription_details",
    "truncate_parked",
}
"""Calls that TCP does not have; `tests/client/test_administration.py` tests their deadlines."""


def linked() -> rxpump.Event:
    record = schema.ResolvedEvent()
    record.event.event_stream_id = "s"
    record.event.event_id = bytes(16)
    return single_event(record.event)


async def cut_after_a_ping(peer: Peer) -> None:
    """Reply to one ping, then close the connection."""
    await peer.handshake()
    peer.pong(await peer.request(Command.PING))
    await peer.request(Command.PING)


async def silent(peer: Peer) -> None:
    """Reply to heartbeats only."""
    await peer.handshake()
    while True:
        await peer.request()


@pytest.fixture
async def cut_off() -> AsyncIterator[rxpump.Client]:
    """A client whose server no longer exists."""
    async with ScriptedServer(cut_after_a_ping, good) as server:
        client = rxpump.connect(str(server.address), reconnect=AWAY)
        await client.connect()
        await client.ping()
        states = [client.is_connected]
        with pytest.raises(OperationTimedOut):
            await client.ping(timeout=0.05)  # The server closes the connection.
        assert [*states, client.is_connected] == [True, False]
        yield client
        await client.close()


def test_each_method_is_a_call_or_endless() -> None:
    methods = {name for name, _ in inspect.getmembers(rxpump.Client, inspect.isfunction) if not name.startswith("_")}
    assert methods == {*CALLS, *ENDLESS, *OTHER_PROTOCOLS, "as_user", "connect", "drain", "close"}


@pytest.mark.parametrize("method", CALLS)
async def test_a_call_times_out_without_a_connection(cut_off: rxpump.Client, method: str) -> None:
    for client in (cut_off, cut_off.as_user("ops", "changeit")):
        with pytest.raises(OperationTimedOut) as caught:
            await CALLS[method](client, {"timeout": 0.01})
        error = caught.value
        assert (error.timeout, error.attempts, error.is_connected) == (0.01, 0, False)


@pytest.mark.parametrize("method", CALLS)
async def test_a_call_times_out_if_the_server_is_silent(method: str) -> None:
    async with ScriptedServer(silent) as server:
        client = rxpump.connect(str(server.address), timeout=3600.0)
        await client.connect()
        with pytest.raises(OperationTimedOut) as caught:
            await CALLS[method](client, {"timeout": 0.01})
        assert (caught.value.timeout, caught.value.attempts, caught.value.is_connected) == (0.01, 1, True)
        await client.close()


@pytest.mark.parametrize("method", [method for method in CALLS if method != "scavenge"])
async def test_the_settings_have_the_default_timeout(method: str) -> None:
    async with ScriptedServer(silent) as server:
        client = rxpump.connect(str(server.address), timeout=0.01)
        await client.connect()
        with pytest.raises(OperationTimedOut) as caught:
            await CALLS[method](client, {})
        assert caught.value.timeout == 0.01
        await client.close()


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("timeout", [0, -1, float("nan"), "3", True])
def test_an_invalid_timeout_is_refused_at_the_call(method: str, timeout: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"^timeout is .* over 0.* None to wait forever"):
        CALLS[method](rxpump.connect("memory://"), {"timeout": timeout})


@pytest.mark.parametrize("method", [method for method in CALLS if method not in ("iter", "iter_all")])
async def test_timeout_none_means_no_deadline(cut_off: rxpump.Client, method: str) -> None:
    loop = asyncio.get_running_loop()
    before = {handle for handle in loop._scheduled if not handle.cancelled()}  # type: ignore[attr-defined]
    waiting = asyncio.ensure_future(CALLS[method](cut_off, {"timeout": None}))
    await asyncio.sleep(0)
    after = {handle for handle in loop._scheduled if not handle.cancelled()}  # type: ignore[attr-defined]
    assert after <= before, "no timer was started for it"
    assert not waiting.done()
    waiting.cancel()


class Store:
    """A checkpoint store that records the saved checkpoints."""

    def __init__(self, client: rxpump.Client) -> None:
        self.saved: list[int] = []
        self._store = checkpoints.EventStoreCheckpoint(client, "checkpoint")

    async def load(self) -> Checkpoint | None:
        return await self._store.load()

    async def save(self, checkpoint: Checkpoint) -> None:
        await self._store.save(checkpoint)
        self.saved.append(checkpoint.number)


async def test_endless_work_outlasts_an_outage(memory_server: EmbeddedServer) -> None:
    """Subscriptions, publishers, relays, links and checkpoints continue after an outage longer than the timeout."""
    haste = rxpump.Backoff(min_delay=0.001, max_delay=0.005)
    async with (
        Proxy(memory_server.port) as proxy,
        rxpump.connect(f"tcp://127.0.0.1:{proxy.port}", timeout=0.3, reconnect=haste, retry=haste) as client,
    ):
        store = Store(client)
        source: Subject[Any] = Subject()
        errors: list[Exception] = []
        followed, committed, linked, relayed = (asyncio.Queue[Any]() for _ in range(4))
        event = (await client.publish_event("in", "Counted", {"n": 0}), await client.get_event("in"))[1]
        publisher = client.publisher("copies")
        source.pipe(ops.link_into(client, "links")).subscribe(linked.put_nowait, errors.append)
        client.stream("in").subscribe(followed.put_nowait, errors.append)
        client.stream("in").pipe(ops.commit_checkpoint(store, every=1)).subscribe(committed.put_nowait, errors.append)
        client.relay("in", lambda events: events.pipe(ops.json(), ops.to_event("Copied")), "out").subscribe(
            relayed.put_nowait, errors.append
        )
        for queue in (followed, committed, relayed):
            await queue.get()

        proxy.refuses = True
        proxy.cut()
        publisher.on_next(NewEvent("T"))
        source.on_next(event)
        saving = asyncio.ensure_future(outlast(lambda: store.save(Checkpoint("in", 99))))
        for _ in range(3):
            with pytest.raises(OperationTimedOut):
                await client.ping()
        assert not saving.done()
        assert linked.empty()
        proxy.refuses = False

        await client.publish_event("in", "Counted", {"n": 1}, timeout=None)
        for queue in (followed, committed, linked, relayed):
            await queue.get()
        await saving
        publisher.on_completed()
        assert await publisher.drained() is not None
        assert errors == []
    assert {0, 1, 99} <= set(store.saved)


async def test_a_scavenge_has_a_long_default_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 4 replies when the scavenge has ended."""
    submitted: list[Any] = []
    submit = PendingRequests.submit

    def note(self: PendingRequests, operation: Any, owner: Any = None, deadline: Any = None) -> Any:
        submitted.append(deadline)
        return submit(self, operation, owner, deadline)

    monkeypatch.setattr(PendingRequests, "submit", note)
    async with rxpump.connect("memory://", timeout=0.5) as client:
        await client.scavenge()
        await client.scavenge(timeout=None)
    assert [deadline.timeout for deadline in submitted] == [600.0, inf]


async def test_a_pipeline_does_not_repeat_a_request_that_timed_out() -> None:
    calls = 0

    async def call() -> None:
        nonlocal calls
        calls += 1
        raise OperationTimedOut("Ping", 1.0, 1, is_connected=calls > 2)

    with pytest.raises(OperationTimedOut):
        await outlast(call)
    assert calls == 3


@pytest.mark.parametrize("step", ["write", "commit"])
async def test_the_error_names_the_unknown_outcome_of_a_transaction(step: str) -> None:
    """The server replies like version 23.10 to an unknown transaction."""
    replies = {
        Command.TRANSACTION_WRITE: (Command.TRANSACTION_WRITE_COMPLETED, schema.TransactionWriteCompleted),
        Command.TRANSACTION_COMMIT: (Command.TRANSACTION_COMMIT_COMPLETED, schema.TransactionCommitCompleted),
    }

    async def prepare_timeout(peer: Peer) -> None:
        await peer.handshake()
        while True:
            asked = await peer.request()
            command, message = replies[Command(asked.command)]
            reply = message(
                transaction_id=77, result=OperationResult.PREPARE_TIMEOUT, message="Prepare phase timeout."
            )
            if command == Command.TRANSACTION_COMMIT_COMPLETED:
                reply.first_event_number = reply.last_event_number = -1
            peer.reply(asked, command, reply)

    async with ScriptedServer(prepare_timeout) as server:
        client = rxpump.connect(str(server.address), timeout=0.2)
        await client.connect()
        transaction = client.continue_transaction("s", 77)
        error: type[Exception] = PrepareTimeout if step == "write" else OperationTimedOut
        with pytest.raises(error, match="the server may have no transaction 77"):
            await (transaction.write([EVENT]) if step == "write" else transaction.commit())
        await client.close()
