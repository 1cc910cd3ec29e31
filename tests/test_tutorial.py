"""The programs of the tutorial behave as it describes, even if they and the server are killed."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

import rxpump
from tests.pages import ROOT, blocks
from tests.ports import unused_port

PAGE = ROOT / "docs" / "tutorial.md"
SUM_AND_CHECKPOINT = re.compile(
    r"( +database\.executemany\(.*?\n +\)\n)( +database\.execute\(.UPDATE .*?\n)", re.DOTALL
)
KILL_AT = """
import os, runpy, signal, sqlite3, sys

connect, kinds = sqlite3.connect, [""]
_, point, *sys.argv = sys.argv


def note(statement):
    kind = statement.split()[0]
    if kind != kinds[-1]:
        kinds.append(kind)
        if len(kinds) > int(point):
            os.kill(os.getpid(), signal.SIGKILL)


def connect_noted(*arguments):
    database = connect(*arguments)
    database.set_trace_callback(note)  # called before a statement is executed
    return database


sqlite3.connect = connect_noted
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""A program that runs another one, and kills itself before a statement of SQL.

The first argument counts the statements; several ones of the same kind, one after the other, count as one.
"""
PORT_OPTIONS = {"tcp": "--port", "kurrentdb": "--grpc-port"}
"""The option of `rxpump serve` that sets the port of the protocol, by the scheme of its addresses."""

FEWER_ORDERS = ("range(20)", "range(5)")
"""The number of batches in a program, and a smaller one, because a commit of each ten orders waits for the disk."""

COMMANDS = re.compile(r"^python (\w+\.py) tcp://localhost:1113$", re.MULTILINE)


class Shop:
    """A directory with the programs of the tutorial, and the processes that it starts.

    Args:
        folder: The directory.
        scheme: Scheme of the address with which the programs connect.
    """

    def __init__(self, folder: Path, scheme: str) -> None:
        self.folder = folder
        self._address = re.compile(rf"{scheme}://127\.0\.0\.1:\d+(\?tls=false)?")
        self._port_option = PORT_OPTIONS[scheme]
        self._port = str(unused_port())
        self._processes = ExitStack()
        self.uri = ""
        for name, block in zip(
            re.findall(r"`(\w+\.py)`[^`]*:\n\n```python", PAGE.read_text()), blocks(PAGE), strict=True
        ):
            (folder / name).write_text(block.code.replace(*FEWER_ORDERS))

    def serve(self) -> subprocess.Popen[str]:
        """Start the server, and wait until it listens. It has the same port each time."""
        options = {"--port": "0", self._port_option: self._port}
        words = [word for option in options.items() for word in option]
        server = self._start("-m", "rxpump", "serve", "--db", "shop-events.db", *words)
        for line in server.stdout or ():
            if found := self._address.search(line):
                self.uri = found[0]
                return server
        raise AssertionError("the server ended")

    def start(self, name: str) -> subprocess.Popen[str]:
        return self._start(name, self.uri)

    def kill_at(self, point: int, name: str) -> None:
        """Run a program until it is killed before the statement of SQL that KILL_AT counts as number `point`."""
        (self.folder / "kill_at.py").write_text(KILL_AT)
        program = self._start("kill_at.py", str(point), name, self.uri)
        program.communicate()
        assert program.returncode == -signal.SIGKILL

    def run(self, name: str) -> str:
        program = self.start(name)
        out, _ = program.communicate()
        assert program.returncode == 0
        return out

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "error", *arguments]
        process = subprocess.Popen(command, cwd=self.folder, text=True, stdout=subprocess.PIPE)
        self._processes.callback(self.end, process)
        return process

    @staticmethod
    def end(process: subprocess.Popen[str]) -> None:
        process.kill()  # SIGKILL
        process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def close(self) -> None:
        self._processes.close()


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    """A shop that uses TCP, unless the test asks for another scheme."""
    with closing(Shop(tmp_path, getattr(request, "param", "tcp"))) as shop:
        yield shop


with_each_protocol = pytest.mark.parametrize("shop", PORT_OPTIONS, indirect=True)


def lines_until(program: subprocess.Popen[str], text: str) -> list[str]:
    """Return the lines that a program prints, up to the first that contains a text."""
    lines: list[str] = []
    for line in program.stdout or ():
        lines.append(line.rstrip())
        if text in line:
            return lines
    raise AssertionError(f"the program ended without {text!r}: {lines}")


def stored(folder: Path) -> tuple[int, int]:
    """Return the sum of all totals, and the number of the last order that is part of it."""
    with closing(sqlite3.connect(folder / "totals.db")) as database:
        total, number = database.execute("SELECT (SELECT SUM(amount) FROM totals), number FROM checkpoint").fetchone()
        return int(total or 0), int(number)


def wrong_points(shop: Shop) -> list[int]:
    """Kill `totals.py` at each point of its first transactions, and return those after which its table is wrong.

    There are 6 points before the first transaction. The range ends with the beginning of the third one.
    """
    shop.serve()
    shop.run("orders.py")
    with rxpump.open(shop.uri) as store:
        prices = [event.json()["price"] for event in store.iter("orders")]
    found = []
    for point in range(7, 16):
        shop.kill_at(point, "totals.py")
        total, number = stored(shop.folder)
        if total != sum(prices[: number + 1]):
            found.append(point)
    assert stored(shop.folder)[1] > 0, "there is progress"
    return found


def write_and_kill(shop: Shop, program: subprocess.Popen[str]) -> subprocess.Popen[str]:
    """Start to write orders, and kill `program` at the moment at which a sum or the checkpoint has changed."""
    before = stored(shop.folder)
    writer = shop.start("orders.py")
    while stored(shop.folder) == before:
        assert program.poll() is None
    shop.end(program)
    return writer


@pytest.mark.timeout(600)  # it waits for the disk a thousand times
@with_each_protocol
def test_the_read_model_survives_kill_9(shop: Shop) -> None:
    server = shop.serve()
    assert shop.run("orders.py") == "last order: 499\n"
    totals = shop.start("totals.py")
    lines_until(totals, "added up to order")
    for number in (999, 1499, 1999):
        writer = write_and_kill(shop, totals)
        totals = shop.start("totals.py")
        first = lines_until(totals, "starting with order")[0]
        assert int(first.split()[-1]) > 0, "it continues"
        lines_until(writer, f"last order: {number}")
    lines_until(totals, "order 1999")
    shop.end(server)
    shop.serve()
    assert shop.run("orders.py") == "last order: 2499\n"
    lines_until(totals, "order 2499")
    shop.end(totals)
    with rxpump.open(shop.uri) as store:
        assert stored(shop.folder)[0] == sum(event.json()["price"] for event in store.iter("orders"))


def test_the_read_model_can_be_read_while_it_is_written(shop: Shop) -> None:
    shop.serve()
    shop.run("orders.py")
    totals = shop.start("totals.py")
    lines_until(totals, "order 499")
    shop.end(totals)
    with closing(sqlite3.connect(shop.folder / "totals.db")) as database:
        database.execute("BEGIN EXCLUSIVE")
        with closing(sqlite3.connect(shop.folder / "totals.db", timeout=0)) as reader:
            assert reader.execute("SELECT number FROM checkpoint").fetchone() == (499,)


@pytest.mark.timeout(180)  # it starts ten programs
def test_no_point_of_a_kill_counts_an_order_twice(shop: Shop) -> None:
    assert wrong_points(shop) == []


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "order",
    [
        pytest.param(r"\1        database.commit()\n\2", id="sums first"),
        pytest.param(r"\2        database.commit()\n\1", id="checkpoint first"),
    ],
)
def test_a_program_with_two_transactions_is_noticed(shop: Shop, order: str) -> None:
    source = (shop.folder / "totals.py").read_text()
    changed, count = SUM_AND_CHECKPOINT.subn(order, source)
    assert count == 1
    (shop.folder / "totals.py").write_text(changed)
    assert wrong_points(shop) != []


@with_each_protocol
def test_the_program_that_reads_shows_large_orders(shop: Shop) -> None:
    shop.serve()
    with rxpump.open(shop.uri) as store:
        orders = [{"customer": "zoe", "price": price} for price in (95, 96, 1, 100)]
        store.publish("orders", [rxpump.NewEvent("OrderPlaced", order) for order in orders])
    assert lines_until(shop.start("large.py"), "100") == ["zoe 96", "zoe 100"]


def test_the_commands_of_the_tutorial_name_its_programs(shop: Shop) -> None:
    assert set(COMMANDS.findall(PAGE.read_text())) == {path.name for path in shop.folder.glob("*.py")}


def test_the_commands_that_compare_the_sums_are_right(shop: Shop) -> None:
    of_table, of_events = re.findall(r"python -c '(.+)'$", PAGE.read_text(), re.MULTILINE)
    with closing(sqlite3.connect(shop.folder / "totals.db")) as database, database:
        database.execute("CREATE TABLE totals (customer TEXT PRIMARY KEY, amount INTEGER)")
        database.executemany("INSERT INTO totals VALUES (?, ?)", [("ada", 3), ("zoe", 4)])
    lines = "".join(f"{json.dumps({'price': price})}\n" for price in (3, 4))
    for code in (of_table, of_events):
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, cwd=shop.folder, input=lines, text=True, capture_output=True)
        assert done.stdout == "7\n"
