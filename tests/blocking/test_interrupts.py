"""Ctrl-C at any moment of a blocking call: no warning and no thread stays behind, and the client still works."""

from __future__ import annotations

import gc
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import FrameType

import pytest

import rxpump
import rxpump.blocking
from rxpump import NewEvent
from rxpump.blocking import BlockingClient, thread_iterator

_FOLDER = str(Path(rxpump.blocking.__file__).parent)


@pytest.fixture(autouse=True)
def _fast_gc() -> None:
    """Let the garbage collector look only at the objects of the test, because it runs after each interrupt."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def store() -> Iterator[BlockingClient]:
    with rxpump.open("memory://") as store:
        yield store


class Interrupt:
    """Raises KeyboardInterrupt where a function of `rxpump.blocking` begins, or another has returned to it.

    Python calls the handlers of signals at these moments, and when a loop repeats. Finalizers are not interrupted,
    because Python drops their exceptions.

    Args:
        skipped: Number of such moments before.
    """

    def __init__(self, skipped: int) -> None:
        self._left = skipped

    @property
    def has_come(self) -> bool:
        return self._left < 0

    def run(self, call: Callable[[BlockingClient], object], store: BlockingClient) -> None:
        """Run a call in this thread."""
        gc.disable()
        sys.setprofile(self._profile)
        try:
            call(store)
        finally:
            sys.setprofile(None)
            gc.enable()

    def _profile(self, frame: FrameType, event: str, _argument: object) -> None:
        interrupted = frame.f_back if event == "return" else frame
        is_finalizer = frame.f_code.co_name == "__del__"
        if event in ("call", "return", "c_return") and is_of_package(interrupted) and not is_finalizer:
            self._left -= 1
            if self.has_come:
                raise KeyboardInterrupt


def is_of_package(frame: FrameType | None) -> bool:
    return frame is not None and frame.f_code.co_filename.startswith(_FOLDER)


def read_two(store: BlockingClient) -> None:
    events = store.iter("ponies")
    next(events)
    next(events)
    events.close()


def write_in_transaction(store: BlockingClient) -> None:
    with store.transaction("ponies") as transaction:
        transaction.write([NewEvent("Jumped")])


def open_another(_store: BlockingClient) -> None:
    with rxpump.open("memory://") as other:
        other.publish_event("ponies", "Jumped")


CALLS: dict[str, Callable[[BlockingClient], object]] = {
    "a request": lambda store: store.publish_event("ponies", "Jumped", {"height": 10}),
    "a list of events": lambda store: store.publish("ponies", [NewEvent("Jumped")]),
    "an iterator of events": lambda store: store.publish("ponies", iter([NewEvent("Jumped"), NewEvent("Landed")])),
    "an iteration": read_two,
    "a pipeline": lambda store: store.run(store.client.iter("ponies")),
    "a transaction": write_in_transaction,
    "another client": open_another,
    "a drain": lambda store: store.drain(),
}


@pytest.mark.parametrize("name", CALLS)
def test_an_interrupt_leaves_nothing_behind(
    store: BlockingClient, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread_iterator, "BUFFER_SIZE", 4)
    store.publish("ponies", [NewEvent("Jumped"), NewEvent("Landed")])
    before = set(threading.enumerate())
    with ThreadPoolExecutor(1) as thread, warnings.catch_warnings(record=True) as reported:
        warnings.simplefilter("always")
        for skipped in count():
            interrupt = Interrupt(skipped)
            with suppress(KeyboardInterrupt):
                thread.submit(interrupt.run, CALLS[name], store).result()
            assert store.get_event("ponies", 0).type == "Jumped"
            if not interrupt.has_come:
                break
            gc.collect()
    assert skipped > 5
    for other in set(threading.enumerate()) - before:
        other.join(10)
        assert not other.is_alive()
    assert [str(each.message) for each in reported] == []
