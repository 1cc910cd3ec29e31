from __future__ import annotations

from itertools import repeat

from rxpump.server.groups.measurement import Latencies


def latencies(*units: int) -> Latencies:
    """Return latencies of events that were settled after `units` of 10 µs, one after another."""
    measured = Latencies(iter([each / 100_000 for unit in units for each in (0, unit)]).__next__)
    for number in range(len(units)):
        measured.begin(b"%d" % number)
        measured.end(b"%d" % number)
    return measured


def test_the_summary_is_that_of_a_real_server() -> None:
    """These are the numbers of a consumer in the recording persistent-info-list of version 23.10."""
    assert latencies(118_250, 117_635).summary() == [
        ("Mean", 117_942),
        ("Median", 118_250),
        ("Fastest", 117_635),
        ("Quintile 1", 117_635),
        ("Quintile 2", 117_635),
        ("Quintile 3", 117_635),
        ("Quintile 4", 118_250),
        ("Quintile 5", 118_250),
        ("90%", 118_250),
        ("95%", 118_250),
        ("99%", 118_250),
        ("99.5%", 118_250),
        ("99.9%", 118_250),
        ("Highest", 118_250),
    ]


def test_a_consumer_that_has_settled_nothing_has_no_latencies() -> None:
    measured = Latencies(repeat(0.0).__next__)
    measured.begin(b"in flight")
    measured.end(b"another")
    assert list(measured.summary()) == []
    assert repr(measured) == "<Latencies of 0 events>"


def test_only_the_last_1000_latencies_are_kept() -> None:
    summary = dict(latencies(*range(1_500)).summary())
    assert (summary["Fastest"], summary["Median"], summary["99.9%"], summary["Highest"]) == (500, 1_000, 1_499, 1_499)
