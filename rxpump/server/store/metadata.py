"""The keys of a stream's metadata that the server uses: limits and permissions (docs/protocol/tcp.md, section 4.9).

Users can store any metadata; the server uses a few keys. It parses the JSON leniently (`rxpump.model.lenient_json`),
but if the value of one of these keys is wrong, it ignores all metadata of the stream. A limit of zero or less is no
limit. A summary of the used keys is stored with each stream, so that reads need no parsing.
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
"""Roles by permission (`$r`, `$w`, ...). For a permission that is missing the default applies."""

_PERMISSIONS: Final = frozenset({"$r", "$w", "$d", "$mr", "$mw"})
_MAX_AGE: Final = MAX_EVENT_NUMBER // 10_000_000  # seconds, because a real server counts ticks of 100 ns
_ACL: Final = b'"$acl": '  # the last key of a summary; the keys before it have numbers
_CACHED_BYTES: Final = 16 * 1024  # longer summaries are not cached, so that the cache stays small


@dataclass(frozen=True, slots=True)
class Metadata:
    """Limits on the visible events of a stream, and its permissions.

    Attributes:
        max_count: Number of the last events that are visible; None for no limit.
        max_age: Age in seconds up to which events are visible; None for no limit.
        truncate_before: Number of the first event that can be visible.
        acl: Access control list of the stream; None if it has none.
    """

    max_count: int | None = None
    max_age: int | None = None
    truncate_before: int = 0
    acl: AccessList | None = None

    @property
    def is_deleted(self) -> bool:
        """Whether the metadata mark the stream as soft-deleted."""
        return self.truncate_before == MAX_EVENT_NUMBER

    def first_kept(self, last: int) -> int:
        """Return the lowest visible number of a stream whose last event has the number `last`."""
        by_count = 0 if self.max_count is None else last - self.max_count + 1
        return max(0, by_count, self.truncate_before)


NO_METADATA: Final = Metadata()
OF_A_METASTREAM: Final = Metadata(max_count=1)
DELETED: Final = b'{"$tb":%d}' % MAX_EVENT_NUMBER
"""Metadata that a soft delete writes."""


def described_by(stream: str) -> str | None:
    """Return the stream whose metadata `stream` holds.

    Returns:
        The name of that stream; None if `stream` is no metadata stream that the server uses.
    """
    original = stream.removeprefix(METADATA_PREFIX)
    return None if original in (stream, "") or original.startswith(METADATA_PREFIX) else original


def summary(data: bytes) -> bytes | None:
    """Return the summary of metadata as they were written; None if the server uses nothing of them."""
    try:
        read = _read(parse_object(data).value)
    except ValueError:
        return None
    acl = None if read.acl is None else {key: sorted(roles) for key, roles in read.acl.items()}
    keys = {"$maxCount": read.max_count, "$maxAge": read.max_age, "$tb": read.truncate_before or None, "$acl": acl}
    used = {key: value for key, value in keys.items() if value is not None}
    return json.dumps(used).encode() if used else None


def metadata(stored: bytes | None) -> Metadata:
    """Return the metadata of a summary."""
    if stored is None:
        return NO_METADATA
    return _cached(stored) if len(stored) <= _CACHED_BYTES else _read(json.loads(stored))


def limits(stored: bytes | None) -> Metadata:
    """Return the metadata of a summary without the access control list, which can have megabytes."""
    end = -1 if stored is None else stored.find(_ACL)
    if stored is None or end < 0:
        return metadata(stored)
    return _cached(stored[:end].rstrip(b", ") + b"}")


def undeleted(data: bytes, first: int) -> bytes | None:
    """Return metadata that make a soft-deleted stream visible from event `first` on, with all other keys of `data`.

    Returns:
        The metadata as JSON. None if `data` are no JSON object, because then they do not delete the stream; or if
            more text follows the object, because a real server does not change such metadata.
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
    except UnicodeEncodeError:  # half a surrogate pair cannot be encoded in UTF-8
        return json.dumps(whole, separators=(",", ":")).encode()


def read_access_list(value: Any) -> AccessList:
    """Return the access control list in a JSON value.

    Raises:
        ValueError: The value is no access control list.
    """
    if not isinstance(value, dict) or not value.keys() <= _PERMISSIONS:
        raise ValueError(f"an access control list must be an object of permissions, got {value!r}")
    return {key: _roles(roles) for key, roles in value.items()}


def _roles(value: Any) -> frozenset[str]:
    roles = [value] if isinstance(value, str) else value
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise ValueError(f"roles must be a string or a list of strings, got {value!r}")
    return frozenset(roles)


def _read(whole: Mapping[str, Any]) -> Metadata:
    max_count, max_age = _integer(whole, "$maxCount"), _integer(whole, "$maxAge")
    _integer(whole, "$cacheControl")
    if not isinstance(whole.get("$tmp", False), bool):
        raise ValueError("$tmp must be true or false")
    return Metadata(
        max_count=max_count if max_count > 0 else None,
        max_age=min(max_age, _MAX_AGE) if max_age > 0 else None,
        truncate_before=max(0, _integer(whole, "$tb")),
        acl=read_access_list(whole["$acl"]) if "$acl" in whole else None,
    )


def _integer(whole: Mapping[str, Any], key: str) -> int:
    value = whole.get(key, 0)
    if type(value) is not int or abs(value) > MAX_EVENT_NUMBER:  # a bool is an int, but not here
        raise ValueError(f"{key} must be an integer of 64 bits, got {value!r}")
    return value


@lru_cache(maxsize=1024)
def _cached(stored: bytes) -> Metadata:
    return _read(json.loads(stored))
