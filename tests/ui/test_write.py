"""`/api/write`: append an event, delete a stream, set metadata."""

from __future__ import annotations

import json
from typing import Any

import pytest

import rxpump
from rxpump.errors import StreamDeleted, StreamNotFound
from rxpump.ui import request_body
from tests.ui.harness import Browser


def headers(writer: Browser) -> dict[str, str]:
    return {"x-rxpump-token": writer.context.token, "origin": str(writer.http.base_url).rstrip("/")}


async def test_an_event_is_appended(writer: Browser, client: rxpump.Client) -> None:
    body = {"stream": "ponies", "type": "Jumped", "data": ' {"n": 1}\n', "metadata": '{"user":"zoë"}'}
    reply = (await writer.post("/api/write/append", body)).json()
    event = await client.get_event("ponies", 0)
    assert (reply["number"], reply["id"]) == (0, str(event.id))
    assert (event.type, event.data, event.is_json) == ("Jumped", b' {"n": 1}\n', True)
    assert event.json_metadata() == {"user": "zoë"}


async def test_an_event_that_is_no_json_is_appended(writer: Browser, client: rxpump.Client) -> None:
    body = {"stream": "ponies", "type": "Said", "data": "grüß dich {", "is_json": False}
    assert (await writer.post("/api/write/append", body)).status_code == 200
    event = await client.get_event("ponies")
    assert (event.data.decode(), event.is_json, event.metadata) == ("grüß dich {", False, b"")


@pytest.mark.parametrize("version", ["any", "exists", 0])
async def test_a_right_expected_version_is_accepted(version: Any, writer: Browser, client: rxpump.Client) -> None:
    await client.publish_event("ponies", "T")
    body = {"stream": "ponies", "type": "T", "data": "{}", "expected_version": version}
    assert (await writer.post("/api/write/append", body)).json()["number"] == 1


@pytest.mark.parametrize("version", ["no_stream", 7])
async def test_a_wrong_expected_version_writes_nothing(version: Any, writer: Browser, client: rxpump.Client) -> None:
    await client.publish_event("ponies", "T")
    reply = await writer.post(
        "/api/write/append", {"stream": "ponies", "type": "T", "data": "{}", "expected_version": version}
    )
    assert reply.status_code == 409
    assert reply.json()["error"]["kind"] == "WrongExpectedVersion"
    assert reply.json()["error"]["current"] == 0
    assert (await client.get_event("ponies")).number == 0


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        ({"data": '{"a":'}, "data"),
        ({"data": ""}, "data"),
        ({"data": "NaN"}, "data"),
        ({"data": "[" * 100_000}, "data"),
        ({"data": {"a": 1}}, "data"),
        ({"data": '"\ud800"'}, "data"),
        ({"data": "\ud800", "is_json": False}, "data"),
        ({"metadata": "x"}, "metadata"),
        ({"type": ""}, "type"),
        ({"type": None}, "type"),
        ({"stream": ""}, "stream"),
        ({"stream": 5}, "stream"),
        ({"is_json": "yes"}, "is_json"),
        ({"expected_version": -1}, "expected_version"),
        ({"expected_version": True}, "expected_version"),
        ({"expected_version": "none"}, "expected_version"),
        ({"expected_version": 2**70}, "expected_version"),
    ],
)
async def test_a_wrong_event_is_refused(
    change: dict[str, Any], argument: str, writer: Browser, client: rxpump.Client
) -> None:
    body = json.dumps({"stream": "ponies", "type": "T", "data": "{}"} | change)  # httpx does not encode half a pair
    reply = await writer.http.post("/api/write/append", content=body, headers=headers(writer))
    assert (reply.status_code, reply.json()["error"]["argument"]) == (400, argument)
    with pytest.raises(StreamNotFound):
        await client.get("ponies")


async def test_the_error_names_the_place_in_the_json(writer: Browser) -> None:
    reply = await writer.post("/api/write/append", {"stream": "s", "type": "T", "data": '{\n  "a": 1\n  "b": 2}'})
    assert "line 3 column 3" in reply.json()["error"]["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"5", b"{" * 100_000])
async def test_a_body_that_is_no_object_is_refused(body: bytes, writer: Browser) -> None:
    reply = await writer.http.post("/api/write/append", content=body, headers=headers(writer))
    assert (reply.status_code, reply.json()["error"]["argument"]) == (400, "body")


async def test_a_body_is_bounded(writer: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_body, "MOST_BYTES", 1000)
    reply = await writer.post("/api/write/append", {"stream": "s", "type": "T", "data": f'"{"x" * 1000}"'})
    assert (reply.status_code, reply.json()["error"]["kind"]) == (413, "BodyTooLarge")


async def test_a_stream_is_deleted(writer: Browser, client: rxpump.Client) -> None:
    await client.publish_event("ponies", "T")
    assert (await writer.post("/api/write/delete", {"stream": "ponies", "expected_version": 3})).status_code == 409
    assert (await writer.post("/api/write/delete", {"stream": "ponies", "expected_version": 0})).status_code == 200
    with pytest.raises(StreamNotFound):
        await client.get("ponies")


async def test_a_stream_is_tombstoned(writer: Browser, client: rxpump.Client) -> None:
    await client.publish_event("ponies", "T")
    assert (await writer.post("/api/write/delete", {"stream": "ponies", "tombstone": True})).status_code == 200
    with pytest.raises(StreamDeleted):
        await client.get("ponies")
    reply = await writer.post("/api/write/append", {"stream": "ponies", "type": "T", "data": "{}"})
    assert (reply.status_code, reply.json()["error"]["kind"]) == (410, "StreamDeleted")


async def test_metadata_are_set(writer: Browser, client: rxpump.Client) -> None:
    body = {"stream": "ponies", "metadata": '{"$maxCount": 5, "owner": "zoë"}', "expected_version": "no_stream"}
    assert (await writer.post("/api/write/metadata", body)).json()["version"] == 0
    result = await client.get_metadata("ponies")
    assert (result.metadata.max_count, dict(result.metadata.custom)) == (5, {"owner": "zoë"})
    assert (await writer.post("/api/write/metadata", body)).status_code == 409


@pytest.mark.parametrize("metadata", ["{", "[]", "5", '{"$maxCount": "x"}', '{"$acl": 5}'])
async def test_wrong_metadata_are_refused(metadata: str, writer: Browser, client: rxpump.Client) -> None:
    reply = await writer.post("/api/write/metadata", {"stream": "ponies", "metadata": metadata})
    assert reply.status_code == 400
    assert (await client.get_metadata("ponies")).version == -1
