"""Replay recorded conversations of real servers against ours: the same requests receive the same answers.

The recorded clients are a raw client, kurrentdbclient and @kurrent/kurrentdb-client. Generated ids, positions and
times may differ (see `tests.server.grpc.replay`). The calls in DIFFERENT differ for the given reasons.
"""

from __future__ import annotations

import pytest

from rxpump.server.strictness import Strictness
from tests.server.grpc.caller import serving
from tests.server.grpc.replay import Recorded, Replay, load

RECORDINGS = {(server, case): each for server in ("23.10", "24.10", "26.1") for case, each in load(server).items()}

PACE = "the batches of the recording were late, or the call was cancelled before all were answered"
CLEARER = "ours answers with a clearer error"
HUNGARIAN = "ours compares prefixes as Hungarian does, where cs and sz are letters"
ORDER = "23.10 lists the groups on all streams in the order of their creation, 24.10 and 26.1 list them first"
LAYOUT = "records have other sizes, so that a position inside one is elsewhere"

DIFFERENT = {
    ("append-empty", "1/47"): "26.1 answers an empty append to a tombstoned stream with success",
    ("append-empty", "1/49"): "26.1 answers an empty append to a tombstoned stream with success",
    ("append-names", "1/97"): "ours lets nobody write to a stream named $all",
    ("append-names", "1/99"): "ours lets nobody write to a stream named $all",
    ("tombstone", "1/71"): "ours lets nobody write to a stream named $all",
    ("v2-append-session-errors", "1/45"): "ours lets nobody write to a stream named $all",
    ("batch-append", "1/1"): PACE,
    ("batch-append-malformed", "1/11"): "batches are answered in another order",
    ("batch-append-malformed", "1/15"): PACE,
    ("batch-append-malformed", "1/17"): PACE,
    ("batch-append-malformed", "1/19"): PACE,
    ("batch-append-malformed", "1/27"): "a refused batch is answered once",
    ("batch-append-malformed", "1/31"): PACE,
    ("batch-append-malformed", "1/33"): PACE,
    ("node-append-errors", "1/11"): "the call that wrote the events is left out, because it is too large",
    ("node-persistent-manage", "1/25"): ORDER,
    ("persistent-info-list", "1/35"): ORDER,
    ("node-persistent", "1/7"): "a retried event comes behind events that are on their way",
    ("persistent-checkpoint", "1/9"): "checkpoints are written at other times, with another type",
    ("persistent-checkpoint", "1/11"): "checkpoints are written at other times, with another type",
    ("persistent-checkpoint", "1/13"): "checkpoints are written at other times, with another type",
    ("persistent-create", "1/47"): "the position of a group is text, which is not translated",
    ("persistent-create", "1/59"): "ours reads for a group only while it has consumers",
    ("persistent-create", "1/61"): "the position of a group is text, which is not translated",
    ("persistent-create-refused", "1/41"): CLEARER,
    ("persistent-create-refused", "1/73"): "the position of a group is text, which is not translated",
    ("persistent-parked-replay", "1/5"): "the recording knows the ids of parked links",
    ("persistent-parked-replay", "1/9"): "the recording knows the ids of parked links",
    ("persistent-parked-replay", "1/13"): "parked events count until their replay is completed",
    ("persistent-parked-replay", "1/17"): "parked events count until their replay is completed",
    ("persistent-parked-replay", "1/19"): "parked events stay in their stream until their replay is completed",
    ("persistent-parked-replay", "1/21"): "parked events stay in their stream until their replay is completed",
    ("persistent-restart", "2/7"): "ours restarts at once",
    ("read-all-backward", "1/13"): "the position is that of an event that only the real server has",
    **{("read-all-filter-culture", f"1/{stream}"): HUNGARIAN for stream in (73, 77, 101, 107, 113)},
    ("read-all-forward", "1/25"): "the real server has an event of its own",
    ("read-all-forward", "1/31"): "the real server has an event of its own",
    ("read-cancel", "1/1"): "the call that wrote the events is left out, because it is too large",
    ("read-cancel", "1/5"): "the call that wrote the events is left out, because it is too large",
    ("projections-off", "1/1"): CLEARER,
    ("projections-off", "1/3"): CLEARER,
    ("read-options", "1/3"): "24.10 quotes the name of the option with other characters",
    ("read-options", "1/55"): "24.10 quotes the name of the option with other characters",
    ("read-options", "1/7"): "24.10 and later add the reason",
    ("read-options", "1/11"): "24.10 and later add the reason",
    ("read-options", "1/41"): "24.10 and later add the reason",
    ("shutdown-signal", "1/11"): "24.10 ends consumers of a group when it shuts down",
    ("subscribe-deleted", "1/3"): "24.10 and later refuse a subscription to a tombstoned stream from its end",
    **{("subscribe-all-position", f"1/{stream}"): LAYOUT for stream in (1, 3, 5, 7, 9, 11, 13, 15, 21, 23)},
    ("subscribe-all-position", "2/5"): LAYOUT,
}
"""Reason why a call is answered differently, by case and call."""

LEFT_OUT = {
    "connect-features": "another test compares the methods; statistics are those of the process",
    "connect-unknown-path": "its requests are no calls",
    "operations": "the scavenge of an empty store ends at once",
    "secure-anonymous": "ours lets everyone use ordinary streams, as servers before 23.6",
    "secure-credentials": "ours lets everyone use ordinary streams, as servers before 23.6",
}


SECURE = {"secure-esnode", "secure-kpy", "secure-node"}
"""Conversations with a server that checks credentials. They were encrypted; the stored data are decrypted."""


def replayed() -> list[tuple[str, str]]:
    return [(server, case) for server, case in RECORDINGS if case not in LEFT_OUT]


@pytest.mark.parametrize(("server", "case"), replayed())
async def test_a_real_conversation_gets_the_same_answers(server: str, case: str) -> None:
    recorded = RECORDINGS[server, case]
    async with serving(insecure=case not in SECURE, strictness=Strictness.REAL) as ours:
        port = ours.grpc_port
        assert port is not None
        replay = Replay(recorded, lambda _: port)
        await replay.run()
    unexpected = [line for line in replay.differences() if not is_expected(recorded, line)]
    assert unexpected == []


def is_expected(recorded: Recorded, line: str) -> bool:
    call, path, *_ = line.split()
    return (recorded.case, call) in DIFFERENT or "GetSupportedMethods" in path


def test_the_differences_are_those_of_recordings() -> None:
    calls = {(case, f"{step[1]}/{step[2]}") for (_, case), each in RECORDINGS.items() for step in each.steps}
    assert not DIFFERENT.keys() - calls
    assert not LEFT_OUT.keys() - {case for _, case in RECORDINGS}
