"""Random sequences of actions on batches. Each is settled once, never in flight twice, and sent in order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rxpump.backoff import Backoff
from rxpump.errors import AccessDenied, ClientClosed, ConnectionClosed, NotLeader, RxPumpError
from rxpump.grpc.appends.pending_batches import PendingBatch, PendingBatches
from rxpump.grpc.calls.batch_append import Batch, correlation_id
from rxpump.grpc.messages import status, streams
from rxpump.model.new_events import NewEvent
from rxpump.transport.deadline import Deadline

MAX_IN_FLIGHT = 4
ENDS: list[RxPumpError] = [
    ConnectionClosed("node", "cut"),
    NotLeader("Streams.BatchAppend"),
    AccessDenied("write to", "s"),
]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.sampled_from([None, 1.0, 5.0])),
        st.tuples(st.just("withdraw"), st.integers(0, 20)),
        st.tuples(st.just("open"), st.none()),
        st.tuples(st.just("take"), st.sampled_from([1, 1 << 20])),
        st.tuples(st.just("succeed"), st.integers(0, 20)),
        st.tuples(st.just("refuse"), st.integers(0, 20)),
        st.tuples(st.just("end"), st.sampled_from(ENDS)),
        st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 3.0])),
    ),
    max_size=60,
)


class History:
    """A PendingBatches object, and a record of the requests and results of its batches."""

    def __init__(self) -> None:
        self.machine = PendingBatches(
            Backoff(min_delay=0.5, max_delay=1.0, attempts=3), 4.0, MAX_IN_FLIGHT, Backoff(), lambda: ""
        )
        self.batches: list[PendingBatch] = []
        self.settled: list[PendingBatch] = []
        self.requests: dict[int, PendingBatch] = {}  # batches in flight, by number
        self.last_sent = 0  # sequence number of the last batch that the call sent
        self.now = 0.0

    def note(self, settled: list[PendingBatch]) -> None:
        assert all(each.is_settled for each in settled)
        self.settled += settled
        self.requests = {number: each for number, each in self.requests.items() if not each.is_settled}

    def submit(self, timeout: float | None) -> None:
        deadline = None if timeout is None else Deadline(timeout, self.now)
        batch = Batch("s", [NewEvent("happened")], -2)
        self.batches.append(self.machine.submit(batch, None, deadline))

    def withdraw(self, index: int) -> None:
        open_batches = [each for each in self.batches if not each.is_settled]
        if open_batches:
            pending = open_batches[index % len(open_batches)]
            self.machine.withdraw(pending)
            self.note([pending])

    def open(self, _: None) -> None:
        if not self.requests:
            self.machine.opened()
            self.last_sent = 0

    def take(self, most_bytes: int) -> None:
        by_sequence = {each.sequence: each for each in self.batches}
        for encoded in self.machine.take(self.now, most_bytes):
            number = correlation_id(streams.BatchAppendRequest.FromString(encoded))
            pending = next(each for each in by_sequence.values() if each.number == number)
            assert pending not in self.requests.values()
            assert not pending.is_settled
            was_refused = pending.refusal is not None
            assert pending.sequence > self.last_sent or was_refused
            self.last_sent = max(self.last_sent, pending.sequence)
            self.requests[number] = pending
        assert len(self.requests) <= MAX_IN_FLIGHT

    def succeed(self, index: int) -> None:
        self._answer(index, success={"current_revision": 0, "no_position": {}})

    def refuse(self, index: int) -> None:
        self._answer(index, error=status.Status(message="Server Is Not Ready"))

    def end(self, error: RxPumpError) -> None:
        interrupted, self.requests = self.requests, {}
        settled = self.machine.ended(error, self.now)
        assert set(map(id, settled)) <= set(map(id, interrupted.values()))
        self.note(settled)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.note(self.machine.tick(self.now))
        assert self.machine.deadline > self.now

    def _answer(self, index: int, **fields: object) -> None:
        if not self.requests:
            return
        number = sorted(self.requests)[index % len(self.requests)]
        response = streams.BatchAppendResponse(
            correlation_id={"structured": {"least_significant_bits": number}}, **fields
        )
        settled = self.machine.receive(response, self.now)
        self.requests.pop(number)
        self.note([] if settled is None else [settled])
        assert self.machine.receive(response, self.now) is None


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_every_history_settles_each_batch_once(steps: list[tuple[str, object]]) -> None:
    history = History()
    for name, argument in steps:
        getattr(history, name)(argument)
        assert len(history.machine) == sum(not each.is_settled for each in history.batches)
    history.note(history.machine.close(ClientClosed("node", "closed")))
    assert sorted(each.sequence for each in history.settled) == list(range(1, len(history.batches) + 1))
    assert len(history.machine) == 0
