"""What a stream's metadata says about it: how much of it is kept, and who may do what.

See docs/protocol/tcp.md, section 4.9.

Metadata is whatever its writer makes of it; the server looks at a few keys. The JSON itself is read leniently (see
rxpump.model.lenient_json), but the keys strictly: one that is not what it should be, and the whole counts as empty. A limit
of zero or less is no limit. What they come to is kept with the stream, so that a read needs no second look.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from rxpump.model.lenient_json import parse_object
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.system_names import METADATA_PREFIX

AccessList = Mapping[str, frozenset[str]]
"""Roles by permission (`$r`, `$w`, ...); a permission that is missing is left to the default."""

_PERMISSIONS: Final = frozenset({"$r", "$w", "$d", "$mr", "$mw"})
_LONGEST_AGE: Final = MAX_EVENT_NUMBER // 10_000_000  # seconds: a real server counts ticks of 100 ns
_ACL: Final = b'"$acl": '  # only numbers stand before it in a summary
_CACHED_BYTES: Final = 16 * 1024  # what is longer is read each time, so that the cache stays small


@dataclass(frozen=True, slots=True)
class Metadata:
    """What of a stream is shown: its last `max_count` events, none older than `max_age` seconds, none
    below number `truncate_before`; and `acl`, its own access control list."""

    max_count: int | None = None
    max_age: int | None = None
    truncate_before: int = 0
    acl: AccessList | None = None

    @property
    def is_deleted(self) -> bool:
        """Whether it says that the stream is soft-deleted."""
        return self.truncate_before == MAX_EVENT_NUMBER

    def first_kept(self, last: int) -> int:
        """Give the lowest number that is shown of a stream that ends with number `last`."""
        by_count = 0 if self.max_count is None else last - self.max_count + 1
        return max(0, by_count, self.truncate_before)


NO_METADATA: Final = Metadata()
OF_A_METASTREAM: Final = Metadata(max_count=1)
DELETED: Final = b'{"$tb":%d}' % MAX_EVENT_NUMBER
"""The metadata that a soft delete writes."""


def described_by(stream: str) -> str | None:
    """Tell whose metadata `stream` holds, if it is a stream of metadata that anybody heeds."""
    original = stream.removeprefix(METADATA_PREFIX)
    return None if original in (stream, "") or original.startswith(METADATA_PREFIX) else original


def summary(data: bytes) -> bytes | None:
    """Reduce metadata as it was written to what the server heeds; None if that is nothing."""
    try:
        told = _read(parse_object(data).value)
    except ValueError:
        return None
    acl = None if told.acl is None else {key: sorted(roles) for key, roles in told.acl.items()}
    limits = {"$maxCount": told.max_count, "$maxAge": told.max_age, "$tb": told.truncate_before or None, "$acl": acl}
    heeded = {key: value for key, value in limits.items() if value is not None}
    return json.dumps(heeded).encode() if heeded else None


def metadata(stored: bytes | None) -> Metadata:
    """Read a summary."""
    if stored is None:
        return NO_METADATA
    return _cached(stored) if len(stored) <= _CACHED_BYTES else _read(json.loads(stored))


def limits(stored: bytes | None) -> Metadata:
    """Read of a summary what is shown, and not the access control list, which may be megabytes and stands last."""
    end = -1 if stored is None else stored.find(_ACL)
    if stored is None or end < 0:
        return metadata(stored)
    return _cached(stored[:end].rstrip(b", ") + b"}")


def undeleted(data: bytes, first: int) -> bytes | None:
    """Make metadata for a stream that begins anew at number `first`, all else as `data` says it.

    None where `data` is no JSON object: then it does not say that the stream is deleted. None too where there is more
    text after the object, because a real server does not change such metadata.
    """
    try:
        whole, rest = parse_object(data)
    except ValueError:
        return None
    if rest.strip():
        return None
    whole["$tb"] = first
    try:
        return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair has no place in UTF-8
        return json.dumps(whole, separators=(",", ":")).encode()


def read_access_list(value: Any) -> AccessList:
    """Read an access control list. Raises ValueError where it is none."""
    if not isinstance(value, dict) or not value.keys() <= _PERMISSIONS:
        raise ValueError(f"{value!r} is no access control list")
    return {key: _roles(roles) for key, roles in value.items()}


def _roles(value: Any) -> frozenset[str]:
    roles = [value] if isinstance(value, str) else value
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise ValueError(f"{value!r} are no roles")
    return frozenset(roles)


def _read(whole: Mapping[str, Any]) -> Metadata:
    max_count, max_age = _integer(whole, "$maxCount"), _integer(whole, "$maxAge")
    _integer(whole, "$cacheControl")
    if not isinstance(whole.get("$tmp", False), bool):
        raise ValueError("$tmp is neither true nor false")
    return Metadata(
        max_count=max_count if max_count > 0 else None,
        max_age=min(max_age, _LONGEST_AGE) if max_age > 0 else None,
        truncate_before=max(0, _integer(whole, "$tb")),
        acl=read_access_list(whole["$acl"]) if "$acl" in whole else None,
    )


def _integer(whole: Mapping[str, Any], key: str) -> int:
    value = whole.get(key, 0)
    if type(value) is not int or abs(value) > MAX_EVENT_NUMBER:  # a bool is an int, but not here
        raise ValueError(f"{key} is no integer of 64 bits")
    return value


@lru_cache(maxsize=1024)
def _cached(stored: bytes) -> Metadata:
    return _read(json.loads(stored))
