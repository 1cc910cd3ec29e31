"""The fixtures of rxpump/pytest_plugin.py in separate test suites, with each plugin that runs coroutines."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SUITE = """
import pytest, rxpump
from rxpump.testing import wait_for

{fixtures}

{mark}
class TestAsync:
    async def test_client(self, rxpump_client, recorded):
        await rxpump_client.publish_event("orders", "Placed", {{"price": 5}})
        assert recorded["orders"] == [("Placed", {{"price": 5}})]

    async def test_every_test_has_its_own_store(self, rxpump_client, recorded):
        assert recorded == {{}}

    async def test_network(self, rxpump_client, network, recorded):
        network.cut()
        await rxpump_client.publish_event("orders", "Placed")
        await wait_for(lambda: recorded.types("orders") == ["Placed"])
        assert network.accepted >= 2

    async def test_mock_transport(self, rxpump_client, mock_transport, recorded):
        mock_transport.lose_connection()
        mock_transport.restore_connection()
        await rxpump_client.publish_event("orders", "Placed")
        assert recorded.types("orders") == ["Placed"]

    async def test_cluster(self, cluster, rxpump_client):
        await cluster.kill(cluster.leader)
        await cluster.elect()
        await rxpump_client.publish_event("orders", "Placed")

    async def test_own_fixture(self, rxpump_client, seeded):
        assert [event.type for event in await rxpump_client.get("orders")] == ["Seeded"]

def test_without_a_loop(event_store, recorded):
    with rxpump.open(event_store.uri) as client:
        client.publish_event("orders", "Placed")
    assert recorded.types("orders") == ["Placed"]

def test_marbles(marbles):
    marbles.given("-a-|").when().then("-a-|")
"""
COUNT = 8

SEEDED = """
{decorator}
async def seeded(rxpump_client):
    await rxpump_client.connect()
    await rxpump_client.publish_event("orders", "Seeded")
"""

ON_ASYNCIO = """
@pytest.fixture{scope}
def anyio_backend():
    return "asyncio"
"""

ASYNCIO_STRICT = "asyncio_mode = strict\nasyncio_default_fixture_loop_scope = function"
ASYNCIO_AUTO = "asyncio_mode = auto\nasyncio_default_fixture_loop_scope = function"


def run_pytest(folder: Path, files: dict[str, str], settings: str = "", *arguments: str) -> str:
    """Run pytest over files in a new process, with all warnings as errors, and return its output."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "pytest.ini").write_text(f"[pytest]\n{settings}\nfilterwarnings = error\n")
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
    ]
    done = subprocess.run(
        [*command, "-c", str(folder / "pytest.ini"), *arguments, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout


def counts(output: str) -> dict[str, int]:
    """Return the numbers in the last line of pytest: `{"passed": 3}`."""
    [*_, last] = [line for line in output.splitlines() if re.search(r"\d+ \w+.* in ", line)]
    return {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", last.partition(" in ")[0])}


def test_the_plugin_is_an_entry_point() -> None:
    [found] = entry_points(group="pytest11", name="rxpump")
    assert found.value == "rxpump.pytest_plugin"


def test_the_fixtures_work_with_asyncio_mode_auto_and_xdist(tmp_path: Path) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is in the extra `test`")
    suite = SUITE.format(fixtures=SEEDED.format(decorator="@pytest.fixture"), mark="")
    output = run_pytest(tmp_path, {"test_a.py": suite, "test_b.py": suite}, ASYNCIO_AUTO, "-n", "2")
    assert counts(output) == {"passed": 2 * COUNT}, output


def test_the_fixtures_work_in_every_loop_scope(tmp_path: Path) -> None:
    files = {"scopes/__init__.py": ""}
    for scope in ("function", "class", "module", "package", "session"):
        fixture = SEEDED.format(decorator=f'import pytest_asyncio\n@pytest_asyncio.fixture(loop_scope="{scope}")')
        mark = f'@pytest.mark.asyncio(loop_scope="{scope}")'
        files[f"scopes/test_{scope}.py"] = SUITE.format(fixtures=fixture, mark=mark)
    output = run_pytest(tmp_path, files, ASYNCIO_STRICT)
    assert counts(output) == {"passed": 5 * COUNT}, output


@pytest.mark.parametrize("others", [["-p", "no:asyncio"], []], ids=["alone", "with asyncio"])
def test_the_fixtures_work_with_anyio(tmp_path: Path, others: list[str]) -> None:
    pytest.importorskip("anyio", reason="anyio is in the extra `test`")
    files = {}
    for name, scope in {"function": "", "module": '(scope="module")'}.items():
        fixtures = ON_ASYNCIO.format(scope=scope) + SEEDED.format(decorator="@pytest.fixture")
        files[f"test_{name}.py"] = SUITE.format(fixtures=fixtures, mark="@pytest.mark.anyio")
    output = run_pytest(tmp_path, files, "" if others else ASYNCIO_STRICT, *others)
    assert counts(output) == {"passed": 2 * COUNT}, output


WITHOUT_COROUTINES = """
import sys

def test_the_kit_is_not_imported():
    assert not {"rxpump.testing", "rxpump.server", "rxpump.operators"} & set(sys.modules)
"""

OWN_FIXTURES = """
import pytest

@pytest.fixture
def cluster():
    return "mine"

def test_a_fixture_of_the_suite_wins(cluster):
    assert cluster == "mine"

def test_a_fixture_without_coroutines(event_store, network, recorded, mock_transport, marbles):
    assert event_store.uri != network.uri
"""


def test_the_plugin_alone_does_not_import_the_kit(tmp_path: Path) -> None:
    files = {"test_a.py": WITHOUT_COROUTINES, "test_b.py": OWN_FIXTURES}
    alone = [
        "no:asyncio",
        "no:anyio",
        "no:xdist",
        "no:timeout",
        "no:randomly",
        "no:hypothesispytest",
        "no:pytest_cov",
    ]
    output = run_pytest(tmp_path, files, "", *(word for name in alone for word in ("-p", name)))
    assert counts(output) == {"passed": 3}, output


WRONG = """
import pytest

def test_client(rxpump_client): pass

def test_cluster(cluster): pass

async def test_recorded(cluster, recorded): pass

async def test_fails(rxpump_client):
    assert rxpump_client is None

@pytest.mark.parametrize("round", range(2))
async def test_closed(rxpump_client, round):
    tests.append(rxpump_client)
    assert not any(client.is_connected for client in tests[:-1])

tests = []
"""


def test_errors_of_wrong_uses_name_the_remedy(tmp_path: Path) -> None:
    output = run_pytest(tmp_path, {"test_wrong.py": WRONG}, ASYNCIO_AUTO, "-p", "no:randomly")
    assert counts(output) == {"failed": 1, "passed": 2, "errors": 3}, output
    assert "rxpump_client needs a test that is `async`; another test can use rxpump.open(event_store.uri)" in output
    assert "cluster needs a test that is `async`" in output
    assert "recorded reads event_store or mock_transport, and not the cluster" in output
    assert "assert rxpump_client is None" in output


OTHER_LOOP = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    with pytest.raises(StopIteration):
        pyfuncitem.obj(**arguments).send(None)
    return True
"""


def test_another_event_loop_than_that_of_asyncio_is_refused(tmp_path: Path) -> None:
    """Such as that of trio, which anyio can run too. Here a coroutine runs without any event loop."""
    files = {"conftest.py": OTHER_LOOP, "test_a.py": "async def test_client(rxpump_client): pass"}
    output = run_pytest(tmp_path, files, "", "-p", "no:asyncio", "-p", "no:anyio")
    assert counts(output) == {"failed": 1}, output
    assert "rxpump_client and cluster need asyncio; this test runs in another event loop" in output
