"""The log says why a stream that goes on by itself delivers nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import reactivex

from rxpump.backoff import Backoff
from rxpump.backpressure.background_tasks import BackgroundTasks
from rxpump.errors import NotReady
from rxpump.model.events import Event
from rxpump.settings import Settings
from rxpump.streams.catch_up import CatchUp
from rxpump.streams.cursor import FollowedStream
from rxpump.streams.persistent import Deliveries
from rxpump.streams.relay import Relay
from rxpump.streams.retries import LASTING_SECONDS, Retries
from rxpump.streams.source import TaskObservable
from rxpump.testing import VirtualTimeLoop
from rxpump.transport import GroupSession
from tests.streams.fake_store import FakeStore

EACH_SECOND = Backoff(min_delay=1.0, max_delay=1.0, jitter=0.0)
SETTINGS = Settings(retry=EACH_SECOND)
REFUSED = NotReady("read")


def in_virtual_time(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(work)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


async def fail(retries: Retries, times: int) -> None:
    for _ in range(times):
        await retries.wait_after(REFUSED)


def new_retries() -> Retries:
    return Retries(EACH_SECOND, logging.getLogger("rxpump.subscription"), "the subscription to s")


@pytest.mark.parametrize("succeed", [Retries.note_progress, Retries.reset])
def test_a_success_between_failures_begins_the_time_again(
    caplog: pytest.LogCaptureFixture, succeed: Callable[[Retries], None]
) -> None:
    async def work() -> None:
        retries = new_retries()
        for _ in range(10):
            await fail(retries, 9)
            succeed(retries)

    in_virtual_time(work())
    assert warnings(caplog) == []


def test_an_attempt_that_was_ready_begins_the_time_again(caplog: pytest.LogCaptureFixture) -> None:
    """A stream to which nothing is written delivers nothing between two lost connections."""

    async def work() -> None:
        retries = new_retries()
        for _ in range(10):
            retries.note_ready()
            await asyncio.sleep(LASTING_SECONDS + 1)
            await fail(retries, 9)

    in_virtual_time(work())
    assert warnings(caplog) == []


def test_attempts_that_wait_for_long_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Time limits can be long, so the duration of an attempt alone does not show that it has worked."""

    async def work() -> None:
        retries = new_retries()
        for _ in range(3):
            await asyncio.sleep(LASTING_SECONDS + 1)
            await fail(retries, 1)

    in_virtual_time(work())
    assert len(warnings(caplog)) == 2


# Streams ---------------------------------------------------------------------------------------------------------


class Refusing(FakeStore):
    """A server that is connected and refuses every request for now."""

    def _at(self, name: str) -> None:
        raise REFUSED

    async def connect_group(self, stream: str | None, group: str, buffer_size: int) -> GroupSession:
        raise REFUSED


def subscription(runtime: BackgroundTasks) -> TaskObservable[Any]:
    return CatchUp(runtime, "s", SETTINGS, FollowedStream(Refusing(), "s", 4, resolve_links=True), -1)


def consumer(runtime: BackgroundTasks) -> TaskObservable[Any]:
    return Deliveries(runtime, Refusing(), SETTINGS, "s", "g", 10)


def relay(runtime: BackgroundTasks) -> TaskObservable[Any]:
    def follow(after: int) -> TaskObservable[Event]:
        raise AssertionError("the relay cannot find its start")

    store = Refusing()
    return Relay(runtime, store, "s", "t", follow=follow, pipeline=same, root_of=same, retry=EACH_SECOND)


def same(pipeline: reactivex.Observable[Any]) -> reactivex.Observable[Any]:
    return pipeline


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (subscription, "the subscription to s"),
        (consumer, "the persistent subscription g of s"),
        (relay, "the relay s to t"),
    ],
)
def test_a_stream_that_a_server_refuses_is_logged(
    caplog: pytest.LogCaptureFixture, make: Callable[[BackgroundTasks], TaskObservable[Any]], name: str
) -> None:
    async def work() -> None:
        running = make(BackgroundTasks("test")).subscribe()
        await asyncio.sleep(30)
        running.dispose()
        await asyncio.sleep(0)

    in_virtual_time(work())
    assert [line.split(":")[0] for line in warnings(caplog)] == [
        f"{name} has failed for {seconds} s" for seconds in (10, 20)
    ]
