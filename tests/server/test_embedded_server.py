from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rxpump.model.credentials import Credentials
from rxpump.server import Account, CannotListen, EmbeddedServer, SqliteStore
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from tests.raw_client import ADMIN, RawClient
from tests.server.store.driving import stream_of
from tests.server.talk import event_of


async def test_the_address_is_that_of_the_listener() -> None:
    server = EmbeddedServer(SqliteStore.in_memory())
    assert repr(server) == "<EmbeddedServer not listening, <SqliteStore in memory, 0 commits>>"
    await server.start()
    assert server.uri == f"tcp://127.0.0.1:{server.port}"
    async with RawClient.to(server) as client:
        await client.ask(Command.PING)
        assert repr(server) == f"<EmbeddedServer {server.uri}, 1 client, <SqliteStore in memory, 0 commits>>"
    await server.stop()
    await server.stop()
    assert repr(server) == "<EmbeddedServer not listening, <SqliteStore in memory, closed>>"
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", server.port)


def test_an_ipv6_address_has_brackets() -> None:
    server = EmbeddedServer(SqliteStore.in_memory(), host="::1", port=1113)
    assert server.uri == "tcp://[::1]:1113"
    asyncio.run(server.stop())


async def test_a_port_in_use_is_an_error_and_releases_the_store(
    memory_server: EmbeddedServer, tmp_path: Path
) -> None:
    store = SqliteStore.open(tmp_path / "events.db")
    with pytest.raises(CannotListen, match=rf"127\.0\.0\.1:{memory_server.port}"):
        await EmbeddedServer(store, port=memory_server.port).start()
    await SqliteStore.open(tmp_path / "events.db").close()


async def test_the_server_stops_if_its_block_raises(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with EmbeddedServer(SqliteStore.open(tmp_path / "events.db")):
            raise ZeroDivisionError
    await SqliteStore.open(tmp_path / "events.db").close()


async def test_stopping_closes_connections_tasks_and_files(tmp_path: Path) -> None:
    before = asyncio.all_tasks(), threading.active_count()
    async with EmbeddedServer(SqliteStore.open(tmp_path / "events.db")) as server:
        clients = [await RawClient.to(server).__aenter__() for _ in range(5)]
        for client in clients:
            await client.ask(Command.WRITE_EVENTS, schema.WriteEvents(event_stream_id="s", events=[event_of("x")]))
    assert [await client.receive() for client in clients] == [None] * 5
    for client in clients:
        await client.__aexit__()
    assert (asyncio.all_tasks(), threading.active_count()) == before


async def test_stopping_commits_and_answers_pending_writes(tmp_path: Path) -> None:
    async with EmbeddedServer(SqliteStore.open(tmp_path / "events.db")) as server:
        client = await RawClient.to(server).__aenter__()
        write = schema.WriteEvents(event_stream_id="s", expected_version=-2)
        for number in range(100):
            del write.events[:]
            write.events.append(event_of(str(number)))
            client.send(Command.WRITE_EVENTS, write)
        await client.receive()
    answered = 1
    while await client.receive() is not None:
        answered += 1
    await client.__aexit__()
    store = SqliteStore.open(tmp_path / "events.db")
    assert stream_of(store, "s").last + 1 == answered
    await store.close()


async def test_a_client_that_reads_nothing_does_not_hold_up_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rxpump.server.embedded_server._CLOSE_TIMEOUT", 0.01)
    async with EmbeddedServer(SqliteStore.in_memory()) as server:
        client = await RawClient.to(server).__aenter__()
        write = schema.WriteEvents(event_stream_id="s", expected_version=-2, events=[event_of("x" * (8 << 20))])
        await client.ask(Command.WRITE_EVENTS, write)
        client.pause_reading()
        for _ in range(4):
            client.send(Command.READ_EVENT, schema.ReadEvent(event_stream_id="s"))
        while server.client_count and not next(iter(server._sessions))._is_unread:
            await asyncio.sleep(0)
    await client.__aexit__()


async def test_users_are_those_of_the_argument() -> None:
    async with (
        EmbeddedServer(SqliteStore.in_memory(), users=[Account("zoë", "secret", ("$admins",))]) as server,
        RawClient.to(server) as client,
    ):
        assert (await client.ask(Command.PING, user=ADMIN)).command == Command.NOT_AUTHENTICATED
        read = schema.ReadAllEvents(max_count=1)
        reply = await client.ask(Command.READ_ALL_EVENTS_FORWARD, read, user=Credentials("zoë", "secret"))
        assert not schema.ReadAllEventsCompleted.FromString(reply.payload).HasField("result")


def test_importing_the_server_starts_no_thread() -> None:
    script = (
        "import asyncio, threading; before = threading.active_count(); import rxpump.server;"
        "assert threading.active_count() == before; assert asyncio._get_running_loop() is None"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True)
