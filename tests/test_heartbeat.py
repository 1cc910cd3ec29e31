"""The heartbeat of a connection. The tests pass the time in."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from rxpump.heartbeat import Heartbeat, Pulse


def watch() -> Heartbeat:
    return Heartbeat(interval=2.0, timeout=1.0, now=100.0)


def test_nothing_happens_before_the_deadline() -> None:
    heartbeat = watch()
    assert heartbeat.deadline == 102.0
    assert heartbeat.tick(101.999) is None
    assert heartbeat.pulse is Pulse.LISTENING


def test_silence_after_a_request_ends_the_connection() -> None:
    heartbeat = watch()
    assert heartbeat.tick(102.0) is Pulse.ASKED
    assert heartbeat.deadline == 103.0
    assert heartbeat.tick(102.5) is None, "asked once"
    assert heartbeat.tick(103.0) is Pulse.DEAD
    assert heartbeat.deadline == math.inf
    assert heartbeat.tick(1000.0) is None, "it dies once"


def test_received_bytes_begin_a_new_interval() -> None:
    heartbeat = watch()
    heartbeat.note_bytes()
    heartbeat.note_bytes()
    assert heartbeat.tick(102.0) is None
    assert heartbeat.deadline == 104.0
    assert heartbeat.tick(104.0) is Pulse.ASKED, "earlier bytes count only for their own interval"


def test_received_bytes_are_a_reply() -> None:
    heartbeat = watch()
    heartbeat.tick(102.0)
    heartbeat.note_bytes()
    assert heartbeat.tick(103.0) is None
    assert heartbeat.pulse is Pulse.LISTENING
    assert heartbeat.deadline == 105.0


def test_a_late_tick_asks_first() -> None:
    """If the event loop was blocked, the client must not conclude that the peer was silent."""
    heartbeat = watch()
    assert heartbeat.tick(160.0) is Pulse.ASKED
    assert heartbeat.deadline == 161.0


def test_an_infinite_timeout_asks_in_each_interval() -> None:
    heartbeat = Heartbeat(2.0, math.inf, 100.0)
    ticks = [heartbeat.tick(now) for now in (102.0, 103.0, 104.0, 106.0)]
    assert ticks == [Pulse.ASKED, None, Pulse.ASKED, Pulse.ASKED]
    heartbeat.note_bytes()
    assert [heartbeat.tick(now) for now in (108.0, 110.0)] == [None, Pulse.ASKED]


def test_bytes_at_a_known_time_start_the_interval_at_that_time() -> None:
    heartbeat = watch()
    heartbeat.note_bytes(101.5)
    assert heartbeat.tick(102.0) is None
    assert heartbeat.deadline == 103.5
    assert heartbeat.tick(103.5) is Pulse.ASKED
    heartbeat.note_bytes(103.6)
    assert heartbeat.tick(104.5) is None
    assert heartbeat.deadline == 105.6


def test_the_repr_shows_the_state() -> None:
    heartbeat = watch()
    heartbeat.tick(102.0)
    assert repr(heartbeat) == "<Heartbeat asked, every 2 s, 1 s to answer>"


@given(st.lists(st.tuples(st.floats(0.0, 5.0), st.booleans()), max_size=40))
def test_a_connection_with_a_reply_is_never_dead(steps: list[tuple[float, bool]]) -> None:
    heartbeat, now, silent_since = watch(), 100.0, 100.0
    for pause, is_heard in steps:
        if is_heard:
            heartbeat.note_bytes()
            silent_since = now
        now += pause
        if heartbeat.tick(now) is Pulse.DEAD:
            assert now - silent_since >= heartbeat.timeout
            assert not is_heard
            return
        assert heartbeat.deadline >= now - heartbeat.interval
