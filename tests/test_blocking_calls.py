"""A test fails if code of rxpump blocks the event loop."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from blockbuster import BlockingError

import rxpump

BLOCKING = """
import os, time

def sleep():
    time.sleep(0.001)

def look():
    os.stat(".")

def lock(mutex):
    mutex.acquire(timeout=0.001)
"""


def function_of_rxpump(name: str) -> Callable[..., None]:
    """Return a function whose code seems to be in the package."""
    code = compile(BLOCKING, str(Path(rxpump.__file__).with_name("made_up.py")), "exec")
    names: dict[str, Callable[..., None]] = {}
    exec(code, names)
    return names[name]


@pytest.mark.parametrize("name", ["sleep", "look"])
async def test_a_call_that_blocks_the_loop_fails(name: str) -> None:
    with pytest.raises(BlockingError):
        function_of_rxpump(name)()


@pytest.mark.skipif("COVERAGE_PROCESS_CONFIG" in os.environ, reason="locks are not watched under coverage")
async def test_waiting_for_a_lock_in_the_loop_fails() -> None:
    mutex = threading.Lock()
    with mutex, pytest.raises(BlockingError):
        function_of_rxpump("lock")(mutex)


def test_a_call_outside_the_loop_can_block() -> None:
    function_of_rxpump("sleep")()
