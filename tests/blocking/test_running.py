"""`rxpump.run`, and Ctrl-C in blocking calls."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import reactivex
from reactivex import operators as rx

import rxpump
from rxpump.errors import ConnectionFailed, InvalidArgument, WrongEventLoop
from rxpump.model.status import Closed
from rxpump.server import EmbeddedServer, SqliteStore


def test_run_returns_the_last_value() -> None:
    assert rxpump.run(reactivex.of(1, 2, 3)) == 3
    assert rxpump.run(reactivex.empty()) is None


def test_run_raises_the_error_of_the_pipeline() -> None:
    with pytest.raises(ZeroDivisionError):
        rxpump.run(reactivex.throw(ZeroDivisionError()))
    with pytest.raises(InvalidArgument, match="pipeline"):
        rxpump.run([1])  # type: ignore[arg-type]


def test_run_connects_and_closes_the_clients() -> None:
    one, other = rxpump.connect("memory://"), rxpump.connect("memory://")
    last = one.publish_event("ponies", "PonyJumped", {"height": 1}).pipe(
        rx.flat_map(lambda _: other.publish("copies", one.iter("ponies"))),
        rx.flat_map(lambda _: other.iter("copies")),
        rx.map(lambda event: event.json()),
    )
    assert rxpump.run(last) == {"height": 1}
    assert not one.is_connected
    assert rxpump.run(one.status.pipe(rx.first())) == Closed()
    assert rxpump.run(reactivex.merge(one.ping(), one.ping()).pipe(rx.count())) == 2


def test_run_reports_that_there_is_no_server() -> None:
    client = rxpump.connect("tcp://127.0.0.1:1?connect_within=0.05")
    with pytest.raises(ConnectionFailed):
        rxpump.run(client.iter("ponies"))


def test_run_refuses_the_client_of_a_store() -> None:
    with rxpump.open("memory://") as store:
        store.publish_event("ponies", "PonyJumped")
        pipeline = store.client.iter("ponies").pipe(rx.count())
        assert store.run(pipeline) == 1
        with pytest.raises(WrongEventLoop):
            rxpump.run(pipeline)


async def test_run_refuses_a_thread_with_an_event_loop() -> None:
    with pytest.raises(RuntimeError, match="running event loop"):
        rxpump.run(reactivex.of(1))


INTERRUPTED = {
    "call": "store.run(waiting)",
    "iterator": "next(store.iterate(waiting))",
    "writes": "store.publish('ponies', endless())",
}
PROGRAM = """
import threading
import rxpump
import reactivex
from reactivex import operators as rx

def ready(_=None):
    print("ready", flush=True)

def endless():
    for number in range(100_000_000):
        if number == 2000:
            ready()
        yield rxpump.NewEvent("PonyJumped")

waiting = reactivex.timer(0).pipe(rx.do_action(ready), rx.filter(lambda _: False), rx.merge(reactivex.never()))
with rxpump.open("memory://") as store:
    try:
        {}
    except KeyboardInterrupt:
        print("interrupted", store.ping() > 0, flush=True)
print(threading.active_count())
"""


@pytest.mark.parametrize("wait", INTERRUPTED.values(), ids=INTERRUPTED.keys())
def test_ctrl_c_interrupts(wait: str) -> None:
    program = [sys.executable, "-W", "error", "-c", PROGRAM.format(wait)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert (out, err, process.returncode) == ("interrupted True\n1\n", "", 0)


def test_ctrl_c_ends_run() -> None:
    pipeline = (
        "rxpump.run(rxpump.connect('memory://').stream('p').pipe(rx.merge(rx_.timer(0).pipe(rx.do_action(say)))))"
    )
    source = f"""
import rxpump, reactivex as rx_
from reactivex import operators as rx
def say(_): print("ready", flush=True)
try:
    {pipeline}
except KeyboardInterrupt:
    print("interrupted")
"""
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert (out, err) == (b"interrupted\n", b"")


@pytest.mark.parametrize("scheme", ["memory", "sqlite"])
def test_a_program_can_end_without_closing(scheme: str, tmp_path: Path) -> None:
    uri = "memory://" if scheme == "memory" else f"sqlite:///{tmp_path}/store.db"
    source = f"import rxpump; store = rxpump.open('{uri}'); print(store.ping() > 0)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", source], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)


def test_a_waiting_thread_uses_no_processor_time() -> None:
    is_ready = threading.Event()

    async def serve() -> None:
        async with EmbeddedServer(SqliteStore.in_memory()) as server:
            uris.append(server.uri)
            is_ready.set()
            await asyncio.to_thread(is_over.wait)

    uris: list[str] = []
    is_over = threading.Event()
    serving = threading.Thread(target=lambda: asyncio.run(serve()))
    serving.start()
    assert is_ready.wait(120)
    try:
        with rxpump.open(uris[0]) as store:
            before = time.thread_time()
            with pytest.raises(TimeoutError):
                next(store.pipeline("ponies", timeout=1.5))
            assert time.thread_time() - before < 0.5
    finally:
        is_over.set()
        serving.join()
