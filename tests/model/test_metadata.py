from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from rxpump.errors import InvalidArgument
from rxpump.model.acl import Acl
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.metadata import StreamMetadata
from rxpump.model.system_names import ADMINS, EVERYONE

WHOLE = StreamMetadata(
    max_count=10,
    max_age=3600,
    truncate_before=4,
    cache_control=5,
    acl=Acl(read=[EVERYONE], write="ops", delete=[], metadata_read=(ADMINS, "ops")),
    custom={"owner": "Applejack", "tags": [1, None]},
)


def stored(metadata: StreamMetadata) -> bytes:
    return json.dumps(metadata.to_json()).encode()


def test_metadata_are_stored_with_the_keys_of_the_server() -> None:
    assert WHOLE.to_json() == {
        "$maxCount": 10,
        "$maxAge": 3600,
        "$tb": 4,
        "$cacheControl": 5,
        "$acl": {"$r": ["$all"], "$w": ["ops"], "$d": [], "$mr": ["$admins", "ops"]},
        "owner": "Applejack",
        "tags": [1, None],
    }
    assert StreamMetadata().to_json() == {}


@pytest.mark.parametrize(
    "metadata", [WHOLE, StreamMetadata(), StreamMetadata(truncate_before=0), StreamMetadata(acl=Acl())]
)
def test_stored_metadata_are_equal_when_parsed(metadata: StreamMetadata) -> None:
    assert StreamMetadata.from_json(stored(metadata)) == metadata
    assert StreamMetadata.from_json(b"\xef\xbb\xbf" + stored(metadata)) == metadata, "with a byte order mark"


def test_replacing_one_field_keeps_the_others() -> None:
    changed = replace(WHOLE, max_count=20)
    assert changed.to_json() == WHOLE.to_json() | {"$maxCount": 20}


def test_times_are_seconds_or_timedeltas() -> None:
    assert StreamMetadata(max_age=timedelta(hours=1), cache_control=5.0) == StreamMetadata(
        max_age=3600, cache_control=5
    )


def test_metadata_do_not_change() -> None:
    with pytest.raises(AttributeError):
        WHOLE.max_count = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        WHOLE.custom["owner"] = "Rarity"  # type: ignore[index]


def test_metadata_show_a_soft_delete() -> None:
    assert StreamMetadata.from_json(b'{"$tb":9223372036854775807}').is_soft_deleted
    assert not WHOLE.is_soft_deleted


@pytest.mark.parametrize("limit", ["$maxCount", "$maxAge", "$cacheControl", "$tb"])
def test_limits_are_parsed_as_strictly_as_by_a_server(limit: str) -> None:
    """A null or any other wrong value makes all metadata invalid. Zero or less is no limit.

    See docs/protocol/tcp.md, section 4.9.
    """
    for wrong in (1.5, 3.0, "3", None, True, [3], 2**63):
        with pytest.raises(InvalidArgument, match=r"\$"):
            StreamMetadata.from_json(json.dumps({limit: wrong}).encode())
    for none in (-1, -(2**62), *([] if limit == "$tb" else [0])):
        assert StreamMetadata.from_json(json.dumps({limit: none, "mine": 1}).encode()) == StreamMetadata(
            custom={"mine": 1}
        )


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"7", b"{", b'{"$acl":{"$x":"a"}}', b'{"$acl":"a"}', b'{"$acl":{"$r":7}}', b'{"$acl":{"$r":null}}',
     b'{"$acl":{"$r":["a",7]}}', b'{"$tmp":1}', b"[" * 100_000, b'{"a":"\xff"}'],
)  # fmt: skip
def test_metadata_that_servers_ignore_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidArgument):
        StreamMetadata.from_json(content)


def test_an_age_above_the_longest_is_the_longest() -> None:
    longest = StreamMetadata.from_json(b'{"$maxAge":9223372036854775807}').max_age
    assert longest == MAX_EVENT_NUMBER // 10**7
    assert StreamMetadata(max_age=longest).max_age == longest


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"max_count": 0}, "max_count"),
        ({"max_count": 1.0}, "max_count"),
        ({"max_count": True}, "max_count"),
        ({"max_age": 0.5}, "max_age"),
        ({"max_age": timedelta(milliseconds=1500)}, "max_age"),
        ({"max_age": "3600"}, "max_age"),
        ({"max_age": float("nan")}, "max_age"),
        ({"max_age": float("inf")}, "max_age"),
        ({"max_age": True}, "max_age"),
        ({"truncate_before": -1}, "truncate_before"),
        ({"cache_control": -1}, "cache_control"),
        ({"acl": {"$r": "ops"}}, "acl"),
        ({"custom": {"$maxCount": 3}}, "custom"),
        ({"custom": {3: 3}}, "custom"),
        ({"custom": "mine"}, "custom"),
    ],
)
def test_a_value_that_servers_would_ignore_is_refused(given: dict[str, Any], argument: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        StreamMetadata(**given)
    assert raised.value.argument == argument
