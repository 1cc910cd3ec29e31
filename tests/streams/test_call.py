"""Warnings for calls of the client that are neither awaited nor subscribed to."""

from __future__ import annotations

import gc
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

import rxpump
from rxpump.errors import InvalidArgument
from rxpump.model.new_events import NewEvent
from rxpump.server import EmbeddedServer
from tests.end_to_end.test_deadlines import CALLS


def _made(make: Callable[..., Any], client: Any) -> Any:
    return make(client, {})


ONE_SHOT: dict[str, Callable[[Any], Any]] = {
    **{name: partial(_made, make) for name, make in CALLS.items() if "iter" not in name},
    "publish of a source": lambda client: client.publish("s", iter([NewEvent("T")])),
    "transaction.commit": lambda client: client.continue_transaction("s", 5).commit(),
    "behind a pipe": lambda client: client.publish_event("s", "T").pipe(rx.map(str)),
}


@pytest.mark.parametrize("call", ONE_SHOT)
def test_an_unused_call_causes_a_warning(call: str) -> None:
    client = rxpump.connect("memory://")
    with pytest.warns(
        RuntimeWarning, match="was never awaited, iterated or subscribed to, so nothing was sent"
    ) as reported:
        ONE_SHOT[call](client)  # Python deletes the unused call at once, which causes the warning.
    assert len(reported) == 1


def test_the_warning_names_the_method_and_the_line() -> None:
    client = rxpump.connect("memory://")
    with pytest.warns(RuntimeWarning, match="^publish_event was never awaited") as reported:
        client.publish_event("s", "T")
    assert reported[0].filename == __file__


@pytest.mark.parametrize("use", ["await", "async for", "subscribe", "pipe", "twice"])
async def test_a_used_call_causes_no_warning(memory_server: EmbeddedServer, use: str) -> None:
    async with rxpump.connect(memory_server.uri) as client:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            call = client.publish_event("s", "T")
            if use == "async for":
                assert [result.last_event_number async for result in call] == [0]
            elif use == "subscribe":
                call.subscribe()
            elif use == "pipe":
                await call.pipe(rx.map(str))
            elif use == "twice":
                assert (await call).last_event_number == (await call).last_event_number
            else:
                await call
            del call
            gc.collect()


def test_invalid_arguments_cause_no_warning() -> None:
    client = rxpump.connect("memory://")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InvalidArgument):
            client.publish_event("", "T")
        gc.collect()


def test_an_unused_subscription_causes_no_warning() -> None:
    client = rxpump.connect("memory://")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reactivex.concat(client.iter("s"), client.stream("s"))
        client.relay("in", lambda events: events, "out")
        gc.collect()


PROGRAM = """
import rxpump
client = rxpump.connect("memory://")
kept = [client.publish_event("s", "T")]
def later():
    kept.clear()
later()
"""


def test_development_mode_names_the_line_of_the_call() -> None:
    command = [sys.executable, "-X", "dev", "-c", PROGRAM]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert printed.startswith("<string>:4: RuntimeWarning: publish_event was never awaited"), printed
    assert printed.count("Warning") == 1


def test_normal_mode_names_the_running_line() -> None:
    command = [sys.executable, "-c", PROGRAM]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    assert printed.startswith("<string>:6: RuntimeWarning: publish_event was never awaited"), printed
