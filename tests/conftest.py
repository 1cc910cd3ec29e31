"""Fixtures that more than one floor's tests need, and the environment that every test runs in."""

import os
import signal
from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, settings

from rxpump.server import EmbeddedServer, SqliteStore

# The tests, and every program that they start, see only these variables: a variable that is set on one machine
# (PYTHONUNBUFFERED, FORCE_COLOR, COLUMNS, ...) would otherwise hide a fault that shows on another.
KEPT = {"PATH", "HOME", "TMPDIR", "CI", "ROUNDS"}
KEPT_FOR_INTEROP = {"PHOTONPUMP_PYTHON", "SPEED_PYTHON", "NODE_EVENTSTORE_CLIENT", "NODE_PATH"}
for _name in os.environ.keys() - KEPT - KEPT_FOR_INTEROP:
    del os.environ[_name]

# A job in the background of a script inherits that Ctrl-C is ignored, and so would each program that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says more about the machine than about what is tested.
settings.register_profile("rxpump", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rxpump")


@pytest.fixture
async def memory_server() -> AsyncIterator[EmbeddedServer]:
    """A running server whose store is empty and in memory; `memory_server.uri` is where."""
    async with EmbeddedServer(SqliteStore.in_memory()) as server:
        yield server
