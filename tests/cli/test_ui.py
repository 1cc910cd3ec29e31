"""`rxpump ui` and `rxpump serve --ui`: the page, the password, and the end."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import ssl
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import httpx
import pytest

import rxpump
from rxpump import NewEvent
from rxpump.server import EmbeddedServer
from tests.certificates import authority_file, certificate_files
from tests.cli.processes import run_here
from tests.listening import listening

AT_ONCE = 60.0
"""Seconds in which a process must end, also with a tracer. A process that waits for its browsers never ends."""


async def start(*arguments: str, **environment: str) -> Process:
    command = [sys.executable, "-W", "error", "-m", "rxpump", *arguments]
    return await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env={**os.environ, **environment})


@asynccontextmanager
async def showing(*arguments: str, **environment: str) -> AsyncIterator[tuple[Process, str, list[str]]]:
    """Run a command; yield its process, the address of its page, and the lines up to the last one of the start."""
    process = await start(*arguments, **environment)
    assert process.stdout is not None
    assert process.stderr is not None
    lines: list[str] = []
    try:
        while not lines or "Ctrl-C" not in lines[-1]:
            line = (await process.stdout.readline()).decode()
            assert line, (await process.stderr.read()).decode()
            lines.append(line.rstrip("\n"))
        address = re.search(r"The page is at (https?://\S+)", "\n".join(lines))
        assert address is not None, lines
        yield process, address[1], lines
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def info_of(address: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=address) as http:
        return await http.get("/api/info", headers=headers)


async def test_the_page_shows_a_store_in_its_process(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/events.db"
    async with rxpump.connect(uri) as client:
        await client.publish_event("ponies", "Jumped")
    async with showing("ui", uri, "--port", "0") as (_, address, _), httpx.AsyncClient(base_url=address) as http:
        assert (await http.get("/")).status_code == 200
        info = (await http.get("/api/info")).json()
        assert (info["uri"], info["protocol"], info["writable"]) == (uri, "sqlite", False)
        assert info["features"]["statistics"] is True
        assert [row["stream"] for row in (await http.get("/api/streams")).json()] == ["ponies"]


async def test_the_page_shows_a_remote_server(memory_server: EmbeddedServer) -> None:
    uri = memory_server.uri.replace("tcp://", "tcp://admin:changeit@")
    async with showing("ui", "--port", "0", "--writable", RXPUMP_URI=uri) as (_, address, lines):
        reply = await info_of(address)
        assert (reply.json()["uri"], reply.json()["writable"]) == (memory_server.uri, True)
        assert "changeit" not in reply.text + "".join(lines)


async def read_nothing(address: str, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection, send a request, and read only the first line of the reply."""
    url = httpx.URL(address)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert b"200" in await reader.readline()
    return reader, writer


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_page_at_once_with_browsers(
    stop: signal.Signals, memory_server: EmbeddedServer
) -> None:
    uri = memory_server.uri.replace("tcp://", "tcp://admin:changeit@")
    async with rxpump.connect(uri) as client:
        for _ in range(10):
            await client.publish("many", [NewEvent("T", b"x" * 16_000) for _ in range(200)])
    async with showing("ui", uri, "--port", "0") as (process, address, _):
        paths = ("/api/live?stream=many&from=start", "/api/live?all=1", "/api/server/live", "/api/info")
        opened = [await read_nothing(address, path) for path in paths]
        began = monotonic()
        process.send_signal(stop)
        out, err = await process.communicate()
        took = monotonic() - began
        for _, writer in opened:
            writer.close()
    assert (process.returncode, out, err) == (0, b"", b"")
    assert took < AT_ONCE


async def test_ctrl_c_ends_the_page_while_it_connects() -> None:
    connecting = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connecting.set()
        await reader.read()  # The client closes the connection.

    async with listening(serve) as silent:
        process = await start("ui", f"tcp://127.0.0.1:{silent.port}?connect_timeout=60&connect_within=60")
        await connecting.wait()
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"")


async def failure(status: int, *arguments: str) -> str:
    process = await start(*arguments)
    _, err = await process.communicate()
    assert process.returncode == status, err
    assert b"Traceback" not in err
    return err.decode()


def test_an_unreachable_server_is_named() -> None:
    done = run_here("ui", "tcp://a:b@127.0.0.1:1?connect_within=0.2")
    assert done.returncode == 5
    assert "no connection to tcp://127.0.0.1:1 " in done.stderr.decode()


async def test_an_address_in_use_is_named(memory_server: EmbeddedServer) -> None:
    port = str(memory_server.port)
    assert f"cannot listen on 127.0.0.1:{port}" in await failure(1, "ui", "memory://", "--port", port)
    serve = ("serve", "--port", "0", "--ui", "--ui-port", port)
    assert f"cannot listen on 127.0.0.1:{port}" in await failure(1, *serve)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "events.example", ""])
def test_another_address_needs_a_password(host: str) -> None:
    done = run_here("ui", "memory://", "--port", "0", "--host", host)
    assert done.returncode == 2
    assert "the page needs a password: set RXPUMP_UI_PASSWORD" in done.stderr.decode()


async def test_other_hosts_need_the_password() -> None:
    command = ("ui", "memory://", "--port", "0", "--host", "0.0.0.0", "--allow-host", "events.example")
    async with showing(*command, RXPUMP_UI_PASSWORD="secret") as (_, address, lines):
        address = address.replace("0.0.0.0", "127.0.0.1")
        assert "without encryption" in "".join(lines)
        assert "secret" not in "".join(lines)
        assert (await info_of(address)).status_code == 401
        url = address.replace("http://", "http://any:secret@")
        assert (await info_of(url)).status_code == 200
        assert (await info_of(url, host="events.example")).status_code == 200
        assert (await info_of(url, host="192.0.2.1:8113")).status_code == 200
        assert (await info_of(url, host="evil.example")).status_code == 421


async def test_the_page_can_have_tls(tmp_path: Path) -> None:
    certificate, key = certificate_files(tmp_path, "127.0.0.1")
    options = ("--port", "0", "--writable", "--tls-cert", certificate, "--tls-key", key)
    with authority_file() as ca:
        trust = ssl.create_default_context(cafile=ca)
    async with (
        showing("ui", "memory://", *options) as (_, address, _),
        httpx.AsyncClient(base_url=address, verify=trust) as http,
    ):
        assert address.startswith("https://127.0.0.1:")
        own = {"x-rxpump-token": (await http.get("/api/info")).json()["token"], "origin": address.rstrip("/")}
        body = {"stream": "ponies", "type": "T", "data": "{}"}
        assert (await http.post("/api/write/append", json=body, headers=own)).status_code == 200


@pytest.mark.parametrize("command", [("ui", "memory://"), ("serve", "--ui")])
async def test_missing_packages_are_named(command: tuple[str, ...]) -> None:
    arguments = ", ".join(map(repr, ("rxpump", *command)))
    code = (
        f"import runpy, sys; sys.argv = [{arguments}]; sys.modules['uvicorn'] = None;"
        " runpy.run_module('rxpump', run_name='__main__')"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=PIPE, stderr=PIPE)
    _, err = await process.communicate()
    assert process.returncode == 1
    error = err.decode().strip()
    assert error == "Error: not installed: uvicorn. Install the web page: pip install 'rxpump[ui]'"


@pytest.mark.parametrize("has_tls", [False, True])
async def test_serve_has_a_page(has_tls: bool, tmp_path: Path) -> None:
    tls: tuple[str, ...] = ()
    if has_tls:
        certificate, key = certificate_files(tmp_path, "events.example")
        tls = ("--tls-cert", certificate, "--tls-key", key)
    options = ("--port", "0", "--ui", "--ui-port", "0", "--ui-writable", "--user", "admin:other-password")
    async with showing("serve", *options, *tls) as (process, address, lines):
        reply = await info_of(address)
        info = reply.json()
        assert f"Listening on {info['uri']}" in lines[0]
        assert info["writable"] is True
        assert info["features"]["groups"] == {"details": True, "replay_some": True}
        assert "Users: admin, ops." in lines
        async with httpx.AsyncClient(base_url=address) as http:
            own = {"x-rxpump-token": info["token"], "origin": address.rstrip("/")}
            body = {"stream": "ponies", "type": "T", "data": "{}"}
            assert (await http.post("/api/write/append", json=body, headers=own)).status_code == 200
            assert [row["stream"] for row in (await http.get("/api/streams")).json()] == ["ponies"]
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
        assert (process.returncode, out, err) == (0, b"Stopping.\n", b"")


async def test_the_page_of_a_reachable_server_opens_no_grpc_port() -> None:
    options = ("--host", "0.0.0.0", "--port", "0", "--ui", "--ui-port", "0", "--user", "admin:a", "--user", "ops:b")
    async with showing("serve", *options) as (_, address, lines):
        assert not any("gRPC" in line for line in lines)
        info = (await info_of(address)).json()
        assert info["features"]["statistics"] is False
