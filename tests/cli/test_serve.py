"""`rxpump serve`: its output, its exit status, its signals."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

import rxpump
from tests.certificates import authority_file, certificate_files
from tests.cli.processes import run_here
from tests.grpc.harness import connected
from tests.server.grpc.caller import Caller, event


async def start(*arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rxpump.cli", "serve", *arguments, stdout=PIPE, stderr=PIPE
    )


@asynccontextmanager
async def serving(*arguments: str) -> AsyncIterator[tuple[Process, str, str]]:
    """Run a server on a free port; yield its process, its address, and its first line."""
    process = await start("--port", "0", *arguments)
    assert process.stdout is not None
    try:
        line = (await process.stdout.readline()).decode()
        found = re.search(r"tcp://\S+:\d+", line)
        assert found is not None, line
        yield process, found[0], line
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_client_can_use_the_server() -> None:
    async with serving() as (_, uri, line), rxpump.connect(uri) as client:
        assert "in memory" in line
        await client.publish_event("ponies", "PonyJumped", data={"m": 1})
        assert (await client.get_event("ponies")).json() == {"m": 1}


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_the_server_and_events_are_kept(stop: signal.Signals, tmp_path: Path) -> None:
    db = str(tmp_path / "events.db")
    async with serving("--db", db) as (process, uri, line):
        assert line == f"Listening on {uri}, storing events in {db}.\n"
        async with rxpump.connect(uri) as client:
            await client.publish_event("ponies", "PonyJumped", data={"m": 1})
            process.send_signal(stop)
            out, err = await process.communicate()
        assert process.returncode == 0
        assert out.decode().endswith("Stopping.\n")
        assert err == b""
    async with serving("--db", db) as (_, uri, _), rxpump.connect(uri) as client:
        assert (await client.get_event("ponies")).json() == {"m": 1}


async def test_the_server_serves_grpc() -> None:
    async with serving("--grpc-port", "0", "--insecure") as (process, _, _):
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        found = re.search(r"kurrentdb://127.0.0.1:(\d+)\?tls=false", line)
        assert found is not None, line
        async with connected(int(found[1])) as endpoint:
            assert (await Caller(endpoint).append("$s", event())).only.HasField("success")


async def test_an_insecure_server_warns_if_others_can_connect() -> None:
    async with serving("--host", "0.0.0.0", "--grpc-port", "0", "--insecure") as (process, _, _):
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
        assert "everyone can read and write all events" in err.decode()


async def fail(*arguments: str) -> str:
    process = await start(*arguments)
    _, err = await process.communicate()
    assert process.returncode != 0
    return err.decode()


async def test_the_error_names_an_address_in_use() -> None:
    async with serving() as (_, uri, _):
        port = uri.rpartition(":")[2]
        assert f"cannot listen on 127.0.0.1:{port}" in await fail("--port", port)


async def test_the_error_names_a_store_in_use(tmp_path: Path) -> None:
    db = str(tmp_path / "events.db")
    async with serving("--db", db):
        assert f"the store '{db}' cannot be used" in await fail("--port", "0", "--db", db)


def refusal(*arguments: str) -> str:
    """Return the error of a server that does not start."""
    done = run_here("serve", *arguments)
    assert done.returncode != 0
    return done.stderr.decode()


def test_an_invalid_port_is_refused() -> None:
    assert "70000 is not in the range 0<=x<=65535" in refusal("--port", "70000")


@pytest.mark.parametrize("module", ["rxpump", "rxpump.cli"])
async def test_the_command_runs_as_a_module(module: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, "--version", stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    assert (out.decode(), err) == (f"python -m {module}, version {rxpump.__version__}\n", b"")


@pytest.mark.parametrize("module", ["rxpump", "rxpump.cli"])
@pytest.mark.parametrize("name", ["click", "rich"])
async def test_a_missing_package_is_named(name: str, module: str) -> None:
    without = f"import runpy, sys; sys.modules[{name!r}] = None; runpy.run_module({module!r}, run_name='__main__')"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", without, stdout=PIPE, stderr=PIPE)
    _, err = await process.communicate()
    assert process.returncode == 1
    assert err.decode().strip() == (
        f"rxpump: not installed: {name}. Install the command line: pip install 'rxpump[cli]'"
    )


async def test_the_server_can_have_tls(tmp_path: Path) -> None:
    certificate, key = certificate_files(tmp_path, "127.0.0.1")
    with authority_file() as ca:
        async with serving("--tls-cert", certificate, "--tls-key", key) as (_, uri, line):
            assert f"{uri}?tls=true," in line
            async with rxpump.connect(uri, tls=True, tls_ca=ca) as client:
                await client.ping()


def test_an_invalid_certificate_is_refused(tmp_path: Path) -> None:
    certificate, key = certificate_files(tmp_path, "127.0.0.1")
    assert "cannot use the certificate" in refusal("--tls-cert", certificate)
    assert "--tls-key needs --tls-cert" in refusal("--tls-key", key)


async def test_the_server_can_serve_http() -> None:
    async with serving("--http-port", "0") as (process, uri, _):
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        found = re.fullmatch(r"Serving HTTP on port (\d+)\.\n", line)
        assert found is not None, line
        reader, writer = await asyncio.open_connection("127.0.0.1", int(found[1]))
        writer.write(b"GET /gossip HTTP/1.0\r\n\r\n")
        answer = await reader.read()
        writer.close()
        member = json.loads(answer.partition(b"\r\n\r\n")[2])["members"][0]
        assert uri == f"tcp://{member['externalTcpIp']}:{member['externalTcpPort']}"


async def test_the_summary_names_users_and_projections() -> None:
    async with serving("--projections", "--user", "zoë:pässword") as (process, _, _):
        assert process.stdout is not None
        lines = [(await process.stdout.readline()).decode() for _ in range(2)]
    assert lines == ["Writing the system projections.\n", "Users: admin, ops, zoë.\n"]


async def log_in(uri: str, login: str, password: str) -> None:
    async with rxpump.connect(uri, username=login, password=password) as client:
        await client.ping()


async def test_users_replace_and_extend_the_defaults() -> None:
    users = ("--user", "admin:a:secret", "--user", "zoë:pässword")
    async with serving(*users) as (process, uri, _):
        await log_in(uri, "zoë", "pässword")
        await log_in(uri, "ops", "changeit")
        async with rxpump.connect(uri, username="admin", password="a:secret") as client:
            await client.get_all()  # This user is an admin.
        with pytest.raises(rxpump.errors.NotAuthenticated):
            await log_in(uri, "admin", "changeit")
        process.terminate()
        out, err = await process.communicate()
    assert b"secret" not in out + err
    assert err == b""


@pytest.mark.parametrize(
    ("user", "why"),
    [
        ("secret", "the value has no colon; use LOGIN:PASSWORD"),
        (":secret", "username is ''; allowed is text that is not empty"),
        (f"login:secret{'x' * 130}", "password is '(not shown)'; allowed is text of 1 to 127 bytes in UTF-8"),
        ("$admins:secret", "the login '$admins' begins with $"),
    ],
)
def test_an_invalid_user_is_refused_and_not_shown(user: str, why: str) -> None:
    printed = refusal("--user", user)
    assert f"Invalid value for '--user': {why}" in printed
    assert "secret" not in printed


@pytest.mark.parametrize(
    ("arguments", "logins"),
    [
        (["--host", "0.0.0.0"], "admin and ops"),
        (["--host", "0.0.0.0", "--user", "admin:secret"], "ops"),
        (["--host", "0.0.0.0", "--user", "admin:secret", "--user", "ops:changeit"], "ops"),
        (["--host", "0.0.0.0", "--user", "admin:secret", "--user", "ops:secret"], None),
        (["--host", "localhost"], None),
        (["--host", "127.0.0.2"], None),
    ],
)
async def test_default_passwords_on_other_hosts_cause_a_warning(arguments: list[str], logins: str | None) -> None:
    async with serving(*arguments) as (process, _, _):
        process.terminate()
        _, err = await process.communicate()
    if logins is None:
        assert err == b""
    else:
        assert f"Warning: '0.0.0.0' can be reached from other hosts, and {logins} can log in" in err.decode()


async def test_the_server_can_run_projections() -> None:
    async with serving("--projections") as (_, uri, _), as_admin(uri) as client:
        await client.publish_event("pony-derpy", "PonyJumped", data={"m": 1})
        async for event in client.stream("$ce-pony"):
            assert event.json() == {"m": 1}
            break


def as_admin(uri: str) -> rxpump.Client:
    return rxpump.connect(uri, username="admin", password="changeit")
