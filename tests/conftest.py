"""The environment that every test runs in, and fixtures that tests of several packages need."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings

from rxpump.backpressure.upstream import SLICE_SECONDS
from rxpump.operators.machinery import stage
from rxpump.server import EmbeddedServer, SqliteStore
from rxpump.streams import source
from tests.steady_loop import SteadyClock, SteadyLoopPolicy

# The tests and the programs that they start see only these variables, because a variable that is set on one machine
# (PYTHONUNBUFFERED, FORCE_COLOR, COLUMNS) can hide a fault that shows on another.
KEPT = {"PATH", "HOME", "TMPDIR", "CI", "ROUNDS", "COVERAGE_PROCESS_CONFIG"}
KEPT_FOR_INTEROP = {
    "PHOTONPUMP_PYTHON",
    "KURRENTDBCLIENT_PYTHON",
    "ESDBCLIENT_PYTHON",
    "SPEED_PYTHON",
    "SCREENSHOTS",
    "NODE_EVENTSTORE_CLIENT",
    "NODE_KURRENTDB_CLIENT",
    "NODE_ESDB_CLIENT",
    "NODE_PATH",
}
for _name in os.environ.keys() - KEPT - KEPT_FOR_INTEROP:
    del os.environ[_name]
sys.dont_write_bytecode = False  # PYTHONDONTWRITEBYTECODE would let each worker compile every test in each run.

# A background job of a script ignores Ctrl-C, and the programs that it starts inherit this.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A pause of the machine is no time for a timeout of a test.
asyncio.set_event_loop_policy(SteadyLoopPolicy())

# Calls that rxpump makes in the event loop although they can block, each with the reason why it may.
MAY_BLOCK = {
    # A program calls these before it serves. `connect("sqlite:///...")` opens the store in a thread.
    "rxpump/server/store/sqlite_store.py": {"open"},
    "rxpump/server/store/check.py": {"check"},
    # `stop` joins a thread that has executed its last statement.
    "rxpump/server/store/writers.py": {"stop"},
    # A test waits for a server or a proxy in a thread of its own, which answers at once.
    "rxpump/testing/event_store.py": {"start", "stop", "read_events"},
    "rxpump/testing/network.py": {"start", "stop", "_call"},
    # Handlers decide where log lines go. An application with a slow one uses `logging.handlers.QueueHandler`.
    "logging/__init__.py": {"emit"},
    "rxpump/cli/log_lines.py": {"emit"},
    # `rxpump copy` reports its result in the event loop, which has nothing else to do then.
    "rxpump/cli/output.py": {"line"},
}

# The time of an example depends on the load of the machine, so it has no deadline.
settings.register_profile("rxpump", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rxpump")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers for `pytest -n auto`: two for each processor.

    A worker often waits for a program that it has started.
    """
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Exclude the collected tests and their modules from garbage collection, which would often look at them."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the seed of the random order, which `pytest -q` leaves out."""
    if (seed := config.getoption("randomly_seed", None)) is not None:
        terminalreporter.write_line(f"The tests ran in random order. Repeat it with --randomly-seed={seed}")


@pytest.fixture(scope="session", autouse=True)
def steady_time_slices() -> Iterator[None]:
    """Let a pause of the machine not end the time slice in which items are delivered.

    A slice looks at the clock for each item, and lasts for hundreds of the steps of this clock.
    """
    clock = SteadyClock(longest_step=SLICE_SECONDS / 300)
    with pytest.MonkeyPatch.context() as patch:
        for module in (source, stage):
            patch.setattr(module, "monotonic", clock.now)
        yield


@pytest.fixture(scope="session", autouse=True)
def no_blocking_calls() -> Iterator[None]:
    """Let a call of rxpump that blocks the event loop fail with BlockingError.

    SQLite is left out. The embedded server reads in the event loop, because a page is bounded and handing it to a
    thread would cost more than reading it. A store in a file commits in a thread (`rxpump/server/store/writers.py`).
    `os.access` is left out because a replaced one is not a member of `os.supports_effective_ids`, where the server
    looks it up. Under coverage, locks are left out, because the tracer of coverage acquires one in each new function.
    """
    guard = BlockBuster("rxpump")
    left_out: tuple[str, ...] = ("sqlite3.", "os.access")
    if "COVERAGE_PROCESS_CONFIG" in os.environ:
        left_out += ("threading.Lock",)
    watched = [function for name, function in guard.functions.items() if not name.startswith(left_out)]
    for function in watched:
        for path, callers in MAY_BLOCK.items():
            function.can_block_in(path, callers)
        function.activate()
    yield
    for function in watched:
        function.deactivate()


@pytest.fixture
async def memory_server() -> AsyncIterator[EmbeddedServer]:
    """A running server with an empty store in memory. `memory_server.uri` is its address."""
    async with EmbeddedServer(SqliteStore.in_memory()) as server:
        yield server
