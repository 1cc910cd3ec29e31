"""Events of hostile writers: they are described as text or bytes, whatever they contain."""

from __future__ import annotations

import json
from typing import Any

import pytest

import rxpump
from rxpump import NewEvent
from rxpump.ui.event_json import SHOWN_BYTES, content_values
from rxpump.ui.routes.live import SHOWN_BYTES as SHOWN_LIVE
from tests.ui.harness import Browser, events_until, until

SCRIPT = "<script>alert(1)</script>"
MARKS = "\u202eabc\u2066def\u200f"


async def shown(browser: Browser, client: rxpump.Client, event: NewEvent) -> dict[str, Any]:
    await client.publish("hostile", [event])
    (values,) = (await browser.get("/api/stream/hostile"))["events"]
    result: dict[str, Any] = values
    return result


async def test_markup_is_text_in_json(browser: Browser, client: rxpump.Client) -> None:
    event = NewEvent(SCRIPT, {"x": SCRIPT}, metadata={"$correlationId": SCRIPT})
    await client.publish(SCRIPT, [event])
    reply = await browser.http.get("/api/streams")
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-content-type-options"] == "nosniff"
    (values,) = (await browser.get("/api/stream/%3Cscript%3Ealert(1)%3C%2Fscript%3E"))["events"]
    assert (values["stream"], values["type"], values["correlation_id"]) == (SCRIPT, SCRIPT, SCRIPT)
    assert json.loads(values["data"]["text"]) == {"x": SCRIPT}


async def test_marks_of_direction_arrive_as_they_are(browser: Browser, client: rxpump.Client) -> None:
    values = await shown(browser, client, NewEvent(MARKS, {"x": MARKS}))
    assert (values["type"], values["data"]["text"]) == (
        MARKS,
        json.dumps({"x": MARKS}, ensure_ascii=False, separators=(",", ":")),
    )
    assert (await browser.http.get("/api/stream/hostile")).content.isascii()


async def test_data_that_are_not_utf_8_are_shown_as_bytes(browser: Browser, client: rxpump.Client) -> None:
    values = await shown(browser, client, NewEvent("X", b'{"a":"\xff"}', metadata=b"\xfe\xff", is_json=True))
    assert values["data"] == {"kind": "binary", "hex": b'{"a":"\xff"}'.hex(), "size": 9}
    assert values["metadata"] == {"kind": "binary", "hex": "feff", "size": 2}


async def test_data_that_are_wrongly_marked_as_json_are_text(browser: Browser, client: rxpump.Client) -> None:
    values = await shown(browser, client, NewEvent("X", b"{'a':1}", is_json=True))
    assert values["data"] == {"kind": "text", "text": "{'a':1}", "size": 7}


async def test_half_a_character_in_an_id_is_encoded(browser: Browser, client: rxpump.Client) -> None:
    values = await shown(browser, client, NewEvent("X", metadata=b'{"$correlationId":"\\ud800"}'))
    assert values["correlation_id"] == "\ud800"


@pytest.mark.parametrize("id", ["5", '{"a":1}', "[]", "null", '""', f'"{"x" * 300}"'])
async def test_an_id_that_is_no_short_text_is_left_out(id: str, browser: Browser, client: rxpump.Client) -> None:
    values = await shown(browser, client, NewEvent("X", metadata=f'{{"$causationId":{id}}}'.encode()))
    assert values["causation_id"] is None


async def test_nesting_without_end_is_text(browser: Browser, client: rxpump.Client) -> None:
    values = await shown(browser, client, NewEvent("X", b"[" * 60_000, metadata=b"[" * 60_000, is_json=True))
    assert values["data"]["kind"] == values["metadata"]["kind"] == "text"


async def test_a_large_event_is_cut_and_can_be_fetched_whole(browser: Browser, client: rxpump.Client) -> None:
    # about the largest event, which is 16 MiB less 10,000 bytes
    data = b'{"x":"' + "é".encode() * (8 * 1024 * 1024 - 6000) + b'"}'
    async with browser.messages("/api/live", stream="hostile") as messages:
        await until(messages, "checkpoint")
        values = await shown(browser, client, NewEvent("X", data, is_json=True))
        (live,) = await events_until(messages, 1)
    for cut, limit in ((values["data"], SHOWN_BYTES), (live["data"], SHOWN_LIVE)):
        assert (cut["kind"], cut["size"], cut["truncated"]) == ("json", len(data), True)
        assert limit - 3 <= len(cut["text"].encode()) <= limit
    whole = (await browser.get("/api/event/hostile/0"))["data"]
    assert whole == {"kind": "json", "text": data.decode(), "size": len(data)}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "text"),
        (b"a\tb\r\nc", "text"),
        ("\u200f\u2028\ufeff".encode(), "text"),
        (b"\x00", "binary"),
        (b"a\x1bb", "binary"),
        (b"\xed\xa0\x80", "binary"),  # half of a surrogate pair
        (b"\xc3", "binary"),
    ],
)
def test_content_that_is_not_json_is_text_or_binary(content: bytes, kind: str) -> None:
    values = content_values(content, is_json=False)
    assert (values["kind"], values["size"]) == (kind, len(content))


@pytest.mark.parametrize("before", range(4))
def test_a_cut_character_is_left_out(before: int) -> None:
    content = b"x" * before + "€".encode() * 10
    values = content_values(content, is_json=False, limit=12)
    assert values["kind"] == "text"
    assert content.decode().startswith(values["text"])
    assert len(values["text"].encode()) > 9


def test_invalid_bytes_at_a_cut_are_not_taken_for_a_cut_character() -> None:
    assert content_values(b"x" * 10 + b"\xff" + b"x" * 10, is_json=False, limit=11)["kind"] == "binary"
