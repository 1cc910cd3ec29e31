"""Writes that the store does not commit: each kind of call ends with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rxpump.grpc.messages import persistent_subscriptions as groups
from rxpump.grpc.messages import status, streams, streams_v2, users
from rxpump.grpc.messages.methods import Method
from rxpump.grpc.protocol.call_status import StatusCode
from rxpump.server.store.changes import NotCommitted, TimedOut
from tests.server.grpc.caller import ADMIN, Caller, calling, event, serving

STREAM = {"stream_identifier": {"stream_name": b"s"}}
RECORD = {"stream": "s", "schema": {"format": 1, "name": "t"}, "data": b"{}"}
WRITES: list[tuple[Method, list[dict[str, Any]]]] = [
    (streams.APPEND, [{"options": {**STREAM, "any": {}}}, {"proposed_message": event()}]),
    (streams.DELETE, [{"options": {**STREAM, "any": {}}}]),
    (streams.TOMBSTONE, [{"options": {**STREAM, "any": {}}}]),
    (streams_v2.APPEND_RECORDS, [{"records": [RECORD]}]),
    (streams_v2.APPEND_SESSION, [{"stream": "s", "records": [RECORD]}]),
    (users.CREATE, [{"options": {"login_name": "ouro", "password": "secret"}}]),
    (users.UPDATE, [{"options": {"login_name": "ops", "full_name": "Ops"}}]),
]


def refusing(monkeypatch: pytest.MonkeyPatch, server: Any, outcome: Any) -> None:
    """Let the store of a server answer each change with an outcome."""

    def submit(_: Any, settle: Callable[[Any], None]) -> None:
        settle(outcome)

    monkeypatch.setattr(server.store, "submit", submit)


async def ask(caller: Caller, method: Method, requests: list[dict[str, Any]]) -> Any:
    return await caller.ask(method, *(method.request(**fields) for fields in requests), metadata=ADMIN)


@pytest.mark.parametrize(("method", "requests"), WRITES)
async def test_a_call_names_the_reason(
    monkeypatch: pytest.MonkeyPatch, method: Method, requests: list[dict[str, Any]]
) -> None:
    async with serving() as server, calling(server) as caller:
        await caller.append("s", event())
        refusing(monkeypatch, server, NotCommitted("the disk is full"))
        answer = await ask(caller, method, requests)
        assert (answer.code, "the disk is full" in answer.status.message) == (StatusCode.INTERNAL, True)
        for stage in TimedOut:
            refusing(monkeypatch, server, NotCommitted("too slow", stage))
            answer = await ask(caller, method, requests)
            assert (answer.code, answer.status.message) == timeout_of(method, stage)
        monkeypatch.undo()


def timeout_of(method: Method, stage: TimedOut) -> tuple[StatusCode, str]:
    """Return the status of a call whose write took too long."""
    text = f"Operation timed out: {stage.value}"
    if "StreamsService" not in method.path:
        return StatusCode.ABORTED, text
    if stage is TimedOut.PREPARE:
        return StatusCode.INTERNAL, text
    name = "Append session" if method is streams_v2.APPEND_SESSION else "Append records"
    awaited = "for commit" if stage is TimedOut.COMMIT else "to be forwarded to the leader"
    text = f"Operation timed out: {name} timed out while waiting {awaited} Please try again after 5 seconds."
    return StatusCode.DEADLINE_EXCEEDED, text


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (NotCommitted("the disk is full"), "SERVER_MALFUNCTION"),
        (NotCommitted("too slow", TimedOut.COMMIT), "OPERATION_TIMEOUT"),
        (NotCommitted("too slow", TimedOut.FORWARD), "OPERATION_TIMEOUT"),
        (NotCommitted("too slow", TimedOut.PREPARE), "SERVER_MALFUNCTION"),
    ],
)
async def test_an_append_to_several_streams_has_details(
    monkeypatch: pytest.MonkeyPatch, outcome: NotCommitted, reason: str
) -> None:
    async with serving() as server, calling(server) as caller:
        refusing(monkeypatch, server, outcome)
        answer = await ask(caller, streams_v2.APPEND_RECORDS, [{"records": [RECORD]}])
        whole = status.Status.FromString(dict(answer.status.metadata)["grpc-status-details-bin"])
        assert (whole.code, whole.message) == (answer.code.value, answer.status.message)
        assert status.ErrorInfo.FromString(whole.details[0].value).reason == reason
        assert len(whole.details) == (2 if reason == "OPERATION_TIMEOUT" else 1)
        monkeypatch.undo()


async def test_a_batch_names_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving() as server, calling(server) as caller:
        batch = {
            "correlation_id": {"string": "00112233-4455-6677-8899-aabbccddeeff"},
            "options": {**STREAM, "any": {}},
            "proposed_messages": [event()],
            "is_final": True,
        }
        for outcome, code in (
            (NotCommitted("the disk is full"), StatusCode.INTERNAL),
            (NotCommitted("too slow", next(iter(TimedOut))), StatusCode.DEADLINE_EXCEEDED),
        ):
            refusing(monkeypatch, server, outcome)
            answer = await ask(caller, streams.BATCH_APPEND, [batch])
            assert answer.only.error.code == code.value
        monkeypatch.undo()


@pytest.mark.parametrize("source", ["stream_identifier", "all"])
async def test_a_group_that_is_not_saved_is_refused(monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    async with serving() as server, calling(server) as caller:
        refusing(monkeypatch, server, NotCommitted("the disk is full"))
        of = (
            {"stream": {**STREAM, "start": {}}}
            if source == "stream_identifier"
            else {"all": {"start": {}, "no_filter": {}}}
        )
        settings = {
            "message_timeout_ms": 1000,
            "live_buffer_size": 10,
            "read_batch_size": 5,
            "history_buffer_size": 10,
        }
        options = {**of, "group_name": "g", "settings": settings}
        answer = await ask(caller, groups.CREATE, [{"options": options}])
        assert answer.error == "persistent-subscription-failed"
        assert "the disk is full" in answer.status.message
        monkeypatch.undo()
