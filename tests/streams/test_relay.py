"""The progress hints of a relay contain only source events that were dropped or written."""

from __future__ import annotations

import json
from typing import Any

import pytest
import reactivex
from reactivex import operators as rx

import rxpump
from rxpump import NewEvent
from rxpump.backpressure.progress import ProgressTracker
from rxpump.backpressure.upstream import Upstream
from rxpump.model.results import WriteResult
from rxpump.server import EmbeddedServer
from rxpump.streams import relay as relay_module
from rxpump.streams.relay import _RelayProgress
from rxpump.streams.relay_mark import Place, Start
from rxpump.testing import MockTransport
from tests.operators.events import event
from tests.operators.sources import Seen, settle


@pytest.fixture(autouse=True)
def frequent_hints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "HINT_EVERY", 50)


async def test_a_result_that_is_not_written_holds_back_the_hint() -> None:
    tracker, upstream = ProgressTracker(), Upstream("source")
    progress = _RelayProgress("source", "target", Start(-1, Place(-1, -1), -1), MockTransport())
    progress.count_dropped(tracker)
    first = tracker.begin(event(number=0))
    upstream.deliver(progress.leave, NewEvent("Made"), first, first)
    first.release()
    for number in range(1, 200):
        tracker.begin(event(number=number)).release()
    assert not progress.hint_is_due.is_set()
    progress.note_written([WriteResult("target", 0, 0, None)])
    assert progress.hint_is_due.is_set()
    assert progress.hint == progress.done == 199
    progress.buffer.close()


@pytest.mark.parametrize(
    "keeping",
    [rx.buffer_with_count(200), rx.pairwise(), rx.window_with_count(200)],
    ids=["buffer", "pairwise", "window"],
)
async def test_events_that_reactivex_keeps_are_not_hinted(memory_server: EmbeddedServer, keeping: Any) -> None:
    read = Seen()

    def pipeline(source: reactivex.Observable[rxpump.Event]) -> reactivex.Observable[Any]:
        return source.pipe(rx.do_action(read.on_next), keeping, rx.filter(lambda _: False))

    async with rxpump.connect(memory_server.uri) as client:
        await client.publish("source", [NewEvent("Counted") for _ in range(150)])
        running = client.relay("source", pipeline, "target").subscribe()
        while len(read.items) < 150:
            await settle()
        await client.ping()
        await client.ping()
        running.dispose()
        with pytest.raises(rxpump.errors.RxPumpError):
            await client.get_event("$$target", -1)


async def test_a_relay_that_buffers_loses_nothing_on_a_restart(memory_server: EmbeddedServer) -> None:
    read = Seen()

    def pipeline(source: reactivex.Observable[rxpump.Event]) -> reactivex.Observable[NewEvent]:
        def gathered(events: Any) -> NewEvent:
            return NewEvent("Gathered", [each.number for each in events])

        return source.pipe(rx.do_action(read.on_next), rx.buffer_with_count(200), rx.map(gathered))

    async with rxpump.connect(memory_server.uri) as client:
        await client.publish("source", [NewEvent("Counted") for _ in range(150)])
        running = client.relay("source", pipeline, "target").subscribe()
        while len(read.items) < 150:
            await settle()
        await client.ping()
        running.dispose()
        await client.publish("source", [NewEvent("Counted") for _ in range(60)])
        await client.relay("source", pipeline, "target").pipe(rx.take(1))
        gathered = (await client.get_event("target", 0)).json()
    assert gathered == list(range(200))


async def test_a_batch_that_is_larger_after_a_restart_is_written() -> None:
    tracker, upstream = ProgressTracker(), Upstream("source")
    progress = _RelayProgress("source", "target", Start(0, Place(0, 0), -1), MockTransport())
    first, second = tracker.begin(event(number=0)), tracker.begin(event(number=1))
    upstream.deliver(progress.leave, NewEvent("Made"), first, second)
    (written,) = progress.buffer.take()
    assert written.metadata is not None
    assert json.loads(written.metadata)["$relay"]["number"] == 1
    progress.buffer.close()
