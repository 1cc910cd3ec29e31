"""The keys of metadata that the server uses (docs/protocol/tcp.md, section 4.9)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from rxpump.server.store.metadata import (
    DELETED,
    NO_METADATA,
    Metadata,
    described_by,
    limits,
    metadata,
    summary,
    undeleted,
)

MAX64 = 2**63 - 1


def parsed_metadata(text: bytes | str) -> Metadata:
    return metadata(summary(text if isinstance(text, bytes) else text.encode()))


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ('{"$maxCount":3}', Metadata(max_count=3)),
        ('{"$maxAge":60,"mine":[1,{"$tb":2}]}', Metadata(max_age=60)),
        ('{"$tb":4,"$tmp":true,"$cacheControl":5}', Metadata(truncate_before=4)),
        ('\ufeff{"$maxCount":3}', Metadata(max_count=3)),
        ('{"$maxCount":0,"$maxAge":-1,"$tb":-5}', NO_METADATA),
        ('{"$maxCount":-3,"$tb":2}', Metadata(truncate_before=2)),
        ('{"$tb":9223372036854775807}', Metadata(truncate_before=MAX64)),
        ('{"$maxCount":1,"$maxCount":2}', Metadata(max_count=2)),
        ('{"$acl":{"$r":"a","$w":["b","c"]}}', Metadata(acl={"$r": frozenset("a"), "$w": frozenset("bc")})),
        ('{"$acl":{"$d":[],"$mr":""}}', Metadata(acl={"$d": frozenset(), "$mr": frozenset([""])})),
        ('{"$acl":{}}', Metadata(acl={})),
        ("{}", NO_METADATA),
        ('{"mine":NaN,"$maxCount":3}', Metadata(max_count=3)),
        ('{"mine":[-Infinity,Infinity,undefined],"$maxCount":3}', Metadata(max_count=3)),
        ('{"$maxCount":02}', Metadata(max_count=2)),
        ('{"$maxCount":010,"$tb":0x1F}', Metadata(max_count=8, truncate_before=31)),
        ('{"$maxCount":3,}', Metadata(max_count=3)),
        ("{'$maxCount':3}", Metadata(max_count=3)),
        ("{$maxCount:3, mine:'it\\'s'}", Metadata(max_count=3)),
        ('{"$maxCount":3}, and more', Metadata(max_count=3)),
        ('{"mine":,"$acl":{"$r":["a",]}}', Metadata(acl={"$r": frozenset("a")})),
    ],
)
def test_valid_metadata_are_used(text: str, meaning: Metadata) -> None:
    assert parsed_metadata(text) == meaning


@pytest.mark.parametrize(
    "spoilt",
    [
        '"$maxCount":1.5', '"$maxCount":"3"', '"$maxCount":null', '"$maxCount":true', '"$maxAge":1e3', '"$tb":[]',
        '"$tb":9223372036854775808', '"$tb":-9223372036854775809', '"$cacheControl":"x"', '"$tmp":1', '"$acl":"x"',
        '"$acl":null', '"$acl":{"$x":"a"}', '"$acl":{"$r":1}', '"$acl":{"$r":["a",1]}', '"$acl":{"$r":null}',
        '"mine":nan', '"mine":1e999', '"$maxAge":NaN', '"$maxAge":08', '"mine":/**/1', '"$tb":',
        '"mine":' + "[" * 100_000, '"mine"', "]",
    ],
)  # fmt: skip
def test_one_wrong_value_disables_all_metadata(spoilt: str) -> None:
    assert parsed_metadata('{"$maxCount":3,%s}' % spoilt) == NO_METADATA  # noqa: UP031


@pytest.mark.parametrize("text", [b"", b"[]", b"3", b"\xff\xfe", b'{"$maxCount":3', b"null", b"NaN"])
def test_metadata_must_be_a_json_object(text: bytes) -> None:
    assert parsed_metadata(text) == NO_METADATA
    assert undeleted(text, 3) is None


def test_metadata_too_long_for_the_cache_are_used() -> None:
    roles = [f"role-{number}" for number in range(10_000)]
    assert parsed_metadata(json.dumps({"$acl": {"$r": roles}})).acl == {"$r": frozenset(roles)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (DELETED.decode(), '{"$tb":3}'),
        ('{"$maxCount":5}', '{"$maxCount":5,"$tb":3}'),
        ('{"$tb":7, "ü":[1.5, "\\n"]}', '{"$tb":3,"ü":[1.5,"\\n"]}'),
        ('{"half":"\\ud800"}', '{"half":"\\ud800","$tb":3}'),
        ('\ufeff{"$maxCount":"all"}', '{"$maxCount":"all","$tb":3}'),
        ("{'mine':NaN,}", '{"mine":NaN,"$tb":3}'),
    ],
)
def test_an_undelete_keeps_the_other_keys(before: str, after: str) -> None:
    assert undeleted(before.encode(), 3) == after.encode()


@pytest.mark.parametrize(
    ("stream", "described"),
    [
        ("$$s", "s"),
        ("$$$settings", "$settings"),
        ("$$$$s", None),
        ("$$", None),
        ("s", None),
        ("$s", None),
        ("", None),
    ],
)
def test_a_metadata_stream_is_named_after_its_stream(stream: str, described: str | None) -> None:
    assert described_by(stream) == described


@pytest.mark.parametrize(
    ("limits", "first"),
    [
        (Metadata(), 0),
        (Metadata(max_count=3), 7),
        (Metadata(max_count=30), 0),
        (Metadata(truncate_before=4), 4),
        (Metadata(max_count=3, truncate_before=8), 8),
        (Metadata(truncate_before=50), 50),
    ],
)
def test_limits_determine_the_first_visible_number(limits: Metadata, first: int) -> None:
    assert limits.first_kept(9) == first


@pytest.mark.parametrize("keys", [{}, {"$maxCount": 3}, {"$maxCount": 3, "$maxAge": 9, "$tb": 2}])
@pytest.mark.parametrize("acl", [None, {}, {"$r": ['"$acl": ', "$all"]}, {"$w": ["x" * 100] * 1000}])
def test_limits_are_read_without_the_access_list(keys: dict[str, Any], acl: dict[str, Any] | None) -> None:
    whole = keys if acl is None else {"$acl": acl, **keys}
    stored = summary(json.dumps(whole).encode())
    assert limits(stored) == replace(metadata(stored), acl=None)


def test_metadata_with_more_text_after_them_are_not_changed() -> None:
    assert undeleted(b'{"$maxCount":3} and more', 3) is None
