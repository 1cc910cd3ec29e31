"""The experience of a client with nodes. The tests pass the time as an argument."""

from __future__ import annotations

from rxpump.discovery.node_memory import DISTRUST_SECONDS, ELECTION_SECONDS, RECENT_SECONDS, NodeMemory

ONE, TWO = ("10.0.0.1", 1113), ("10.0.0.2", 1113)


def test_a_node_that_failed_is_distrusted_for_a_while() -> None:
    memory = NodeMemory()
    memory.note_failure(ONE, "connection refused", now=100)
    assert memory.is_distrusted(ONE, now=101)
    assert not memory.may_lead(ONE, now=101)
    assert not memory.is_distrusted(TWO, now=101)
    assert not memory.is_distrusted(ONE, now=100 + DISTRUST_SECONDS)
    assert memory.may_lead(ONE, now=100 + DISTRUST_SECONDS)


def test_each_failure_in_a_row_distrusts_the_node_longer() -> None:
    """A leader that was restarted soon leads again. One that hangs fails again and again."""
    memory = NodeMemory()
    lasts = []
    for _ in range(4):
        memory.note_failure(ONE, "connection refused", now=100)
        lasts.append(next(seconds for seconds in range(60) if not memory.is_distrusted(ONE, now=100 + seconds)))
    assert lasts == [2, 4, 5, 5]
    memory.note_success(ONE)
    memory.note_failure(ONE, "connection refused", now=100)
    assert not memory.is_distrusted(ONE, now=102)


def test_a_node_that_answers_is_only_suspected() -> None:
    memory = NodeMemory()
    memory.note_failure(ONE, "connection refused", now=100)
    memory.note_answer(ONE)
    memory.note_answer(TWO)
    assert memory.is_suspected(ONE, now=101)
    assert not memory.is_distrusted(ONE, now=101)
    memory.note_failure(ONE, "connection refused", now=102)
    assert memory.is_distrusted(ONE, now=103), "it failed again after its answer"


def test_a_node_that_refused_to_lead_is_no_leader_for_a_while() -> None:
    memory = NodeMemory()
    memory.note_refusal(ONE, "names 10.0.0.2:1113 as the leader", now=100)
    assert not memory.may_lead(ONE, now=100)
    assert not memory.is_suspected(ONE, now=100)
    assert memory.may_lead(ONE, now=100 + ELECTION_SECONDS)


def test_a_success_restores_trust() -> None:
    memory = NodeMemory()
    memory.note_failure(ONE, "connection refused", now=100)
    memory.note_success(ONE)
    assert memory.may_lead(ONE, now=100)
    assert repr(memory) == "<NodeMemory of 0 nodes>"


def test_recent_shows_the_last_failure_of_each_node() -> None:
    memory = NodeMemory()
    memory.note_failure(TWO, "connection refused", now=100)
    memory.note_refusal(ONE, "names 10.0.0.2:1113 as the leader", now=101)
    refused, named = "10.0.0.2:1113: connection refused", "10.0.0.1:1113: names 10.0.0.2:1113 as the leader"
    assert memory.recent(now=101) == f"{refused}; {named}"
    assert memory.recent(now=100 + RECENT_SECONDS) == named
    assert repr(memory) == "<NodeMemory of 2 nodes>"


def test_the_number_of_nodes_is_bounded() -> None:
    memory = NodeMemory()
    for number in range(200):
        memory.note_failure(("10.0.0.1", number), "connection refused", now=100)
    assert len(memory) == 64
    assert memory.is_distrusted(("10.0.0.1", 199), now=100)
