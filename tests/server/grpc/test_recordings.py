"""Replay recorded conversations of real servers against ours: the same requests receive the same answers.

The recorded clients are a raw client, kurrentdbclient and @kurrent/kurrentdb-client. Generated ids, positions and
times may differ (see `tests.server.grpc.replay`). The calls in DIFFERENT differ for the given reasons.
"""

from __future__ import annotations

from typing import Any

import pytest

from rxpump.grpc.messages import streams
from rxpump.server import EmbeddedServer
from rxpump.server.strictness import Strictness
from tests.server.grpc.caller import ADMIN, calling, event, serving
from tests.server.grpc.replay import FIRST, HIDDEN, Recorded, Replay, load

RECORDINGS = {(server, case): each for server in ("23.10", "24.10", "26.1") for case, each in load(server).items()}

PACE = "the batches of the recording were late, or the call was cancelled before all were answered"
NO_SERVICE = "24.10 gives an unknown service a status"
ORDER = "23.10 lists the groups on all streams in the order of their creation, 24.10 and 26.1 list them first"
INSIDE = "23.10 reports a failed handler, and does not confirm the subscription before"
PAST_END = "23.10 sends events below a position past the end, too"
AT_COMMIT = "23.10 does not repeat the event at the commit position"

NO_ANSWER = "a real server never answers"

DIFFERENT = {
    ("persistent-create-refused", "1/39"): NO_ANSWER,
    ("read-options", "1/51"): NO_ANSWER,
    **{("users", f"1/{stream}"): NO_ANSWER for stream in range(1, 10, 2)},
    ("connect-unknown-path", "1/9"): "a real server has a web page at this path",
    ("tombstone", "1/71"): "ours lets nobody delete a stream of metadata, which can end a real server",
    ("batch-append", "1/1"): PACE,
    ("batch-append-malformed", "1/11"): "batches are answered in another order",
    ("batch-append-malformed", "1/17"): PACE,
    ("batch-append-malformed", "1/19"): PACE,
    ("batch-append-malformed", "1/27"): "a refused batch is answered once",
    ("batch-append-malformed", "1/31"): PACE,
    ("batch-append-malformed", "1/33"): PACE,
    ("node-persistent", "1/7"): "a retried event comes behind events that are on their way",
    **{("secure-credentials", f"1/{stream}"): "statistics are those of the process" for stream in (169, 171)},
    ("persistent-update-delete", "1/5"): "the real server has not read the first page yet",
    ("persistent-restart", "2/7"): "ours restarts at once",
}
"""Reason why a call is answered differently, by case and call."""

EARLIER = {
    **{("append-empty", f"1/{stream}"): "24.10 refuses empty appends to tombstoned streams" for stream in (47, 49)},
    ("batch-append-malformed", "1/15"): PACE,
    ("node-persistent-manage", "1/25"): ORDER,
    ("persistent-create", "1/47"): ORDER,
    ("persistent-create", "1/59"): "23.10 reads for a group that has no consumers yet",
    ("persistent-info-list", "1/35"): ORDER,
    **{("connect-unknown-path", f"1/{stream}"): NO_SERVICE for stream in (3, 11, 13)},
    ("projections-off", "1/1"): NO_SERVICE,
    ("projections-off", "1/3"): NO_SERVICE,
    **{("persistent-checkpoint", f"1/{stream}"): "24.10 gives checkpoints another type" for stream in (9, 11, 13)},
    **{("read-options", f"1/{stream}"): "26.1 adds the reason" for stream in (7, 11, 41)},
    **{("read-options", f"1/{stream}"): "26.1 quotes the name of the option otherwise" for stream in (3, 55)},
    **{("secure-anonymous", f"{conn}/73"): "23.10 knows no status for an unknown service" for conn in (2, 3, 4)},
    **{("secure-anonymous", f"{conn}/57"): "23.10 gives the users other full names" for conn in (3, 4)},
    **{("secure-credentials", f"1/{stream}"): "23.10 fails at bad Base64" for stream in (75, 87)},
    ("shutdown-signal", "1/11"): "24.10 ends consumers of a group when it shuts down",
    **{("subscribe-all-position", f"1/{stream}"): INSIDE for stream in (1, 3)},
    **{("subscribe-all-position", f"1/{stream}"): PAST_END for stream in (9, 11, 21, 23)},
    **{("subscribe-all-position", f"1/{stream}"): AT_COMMIT for stream in (13, 15)},
    ("subscribe-deleted", "1/3"): "23.10 confirms a subscription to a tombstoned stream from its end",
}
"""Reason why servers before 26.1 answer a call differently. Ours answers as 26.1, which it claims to be."""

LEFT_OUT = {
    "connect-features": "another test compares the methods; statistics are those of the process",
    "operations": "the scavenge of an empty store ends at once",
}


WRITTEN_BEFORE = {"node-append-errors": "ne", "read-cancel": "cancel"}
"""Streams whose events were written by a call that is left out, because it is too large, by case."""

SECURE = {case for _, case in RECORDINGS if case.startswith("secure-")}
"""Conversations with a server that checks credentials. They were encrypted; the stored data are decrypted."""


def replayed() -> list[tuple[str, str]]:
    return [(server, case) for server, case in RECORDINGS if case not in LEFT_OUT]


@pytest.mark.parametrize(("server", "case"), replayed())
async def test_a_real_conversation_gets_the_same_answers(server: str, case: str) -> None:
    recorded = RECORDINGS[server, case]
    async with serving(insecure=case not in SECURE, strictness=Strictness.REAL, persistent_tick=0.1) as ours:
        port = ours.grpc_port
        assert port is not None
        await write_before(ours, recorded)
        replay = Replay(recorded, lambda _: port)
        await replay.run()
    unexpected = [line for line in replay.differences() if not is_expected(server, case, line)]
    assert unexpected == []


SUBSCRIPTIONS = [
    "kpy-subscribe",
    "node-subscribe",
    "node-subscribe-all",
    "subscribe-all",
    "subscribe-all-filter",
    "subscribe-all-position",
    "subscribe-deleted",
    "subscribe-missing",
    "subscribe-stream",
]


@pytest.mark.parametrize("case", SUBSCRIPTIONS)
async def test_subscriptions_report_the_same_progress(case: str) -> None:
    async with serving(insecure=True, strictness=Strictness.REAL) as ours, calling(ours) as caller:
        port = ours.grpc_port
        assert port is not None
        await caller.append(HIDDEN, event())
        await write_before(ours, RECORDINGS["26.1", case])
        replay = Replay(RECORDINGS["26.1", case], lambda _: port, has_progress=True)
        await replay.run()
    assert [line for line in replay.differences() if not is_expected("26.1", case, line)] == []


async def write_before(server: EmbeddedServer, recorded: Recorded) -> None:
    """Write the first event of a real server, and the events of a call that the recording lacks."""
    stream = WRITTEN_BEFORE.get(recorded.case)
    async with calling(server, ADMIN) as caller:
        await caller.append(FIRST[0], event("$metadata", FIRST[1]))
        if stream is not None:
            await caller.append(stream, *events_of(recorded, stream))


def events_of(recorded: Recorded, stream: str) -> list[Any]:
    """Return events to write to a stream: those that the recording reads from it, or else three."""
    reads = {step[2] for step in recorded.steps if step[0] == "open" and step[3] == streams.READ.path}
    answers = [bytes.fromhex(step[3]) for step in recorded.steps if step[0] == "receive" and step[2] in reads]
    found = [streams.ReadResponse.FromString(answer).event.event for answer in answers]
    read = {each.id.string: each for each in found if each.stream_identifier.stream_name == stream.encode()}
    events = [
        event(each.metadata["type"], each.data, id={"string": id}, custom_metadata=each.custom_metadata)
        for id, each in read.items()
    ]
    return events or [event() for _ in range(3)]


def is_expected(server: str, case: str, line: str) -> bool:
    call, path, *_ = line.split()
    is_earlier = server != "26.1" and (case, call) in EARLIER
    return is_earlier or (case, call) in DIFFERENT or "GetSupportedMethods" in path


def test_the_differences_are_those_of_recordings() -> None:
    calls = {(case, f"{step[1]}/{step[2]}") for (_, case), each in RECORDINGS.items() for step in each.steps}
    assert not (DIFFERENT.keys() | EARLIER.keys()) - calls
    assert not DIFFERENT.keys() & EARLIER.keys()
    assert not LEFT_OUT.keys() - {case for _, case in RECORDINGS}
