"""The keys of a stream's metadata that the server uses: limits and permissions (docs/protocol/tcp.md, section 4.9).

Users can store any metadata; the server uses a few keys, which `StreamMetadata.from_json` parses. If it refuses the
metadata, the server ignores all of them. A summary of the used keys is stored with each stream, so that reads need
no parsing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rxpump.errors import InvalidArgument
from rxpump.model.acl import Acl
from rxpump.model.lenient_json import parse_object
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.metadata import StreamMetadata
from rxpump.model.system_names import ACL_KEY, METADATA_PREFIX, TRUNCATE_BEFORE_KEY

AccessList = Mapping[str, frozenset[str]]
"""Roles by permission (`$r`, `$w`, ...). A missing permission has its default."""

_ACL: Final = f'"{ACL_KEY}": '.encode()
"""The last key in a summary of metadata. The earlier keys have numbers as values."""

_CACHED_BYTES: Final = 16 * 1024  # Longer summaries of metadata are not cached, so that the cache is bounded.


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
DELETED: Final = f'{{"{TRUNCATE_BEFORE_KEY}":{MAX_EVENT_NUMBER}}}'.encode()
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
        whole = StreamMetadata.from_json(data)
    except InvalidArgument:
        return None
    used = StreamMetadata(whole.max_count, whole.max_age, whole.truncate_before or None, acl=whole.acl).to_json()
    return json.dumps(used).encode() if used else None


def metadata(stored: bytes | None) -> Metadata:
    """Return the metadata of a summary."""
    if stored is None:
        return NO_METADATA
    return _cached(stored) if len(stored) <= _CACHED_BYTES else _parse(stored)


def limits(stored: bytes | None) -> Metadata:
    """Return the metadata of a summary without the access control list, which can have megabytes."""
    end = -1 if stored is None else stored.find(_ACL)
    if stored is None or end < 0:
        return metadata(stored)
    return _cached(stored[:end].rstrip(b", ") + b"}")


def undeleted(data: bytes, first: int) -> bytes | None:
    """Return metadata that make a soft-deleted stream visible from event `first` on, with all other keys of `data`.

    Returns:
        The metadata as JSON. None if `data` are not a JSON object, so that the stream is not deleted, or if more text
            follows the object, because a real server does not change such metadata.
    """
    try:
        whole, rest = parse_object(data)
    except ValueError:
        return None
    if rest.strip():
        return None
    whole[TRUNCATE_BEFORE_KEY] = first
    try:
        return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:  # A lone surrogate cannot be encoded in UTF-8.
        return json.dumps(whole, separators=(",", ":")).encode()


def access_list(acl: Acl | None) -> AccessList:
    """Return the roles by permission. None is treated like an empty list."""
    return {} if acl is None else {key: frozenset(roles) for key, roles in acl.to_json().items()}


def _parse(stored: bytes) -> Metadata:
    whole = StreamMetadata.from_json(stored)
    return Metadata(
        max_count=whole.max_count,
        max_age=whole.max_age,
        truncate_before=whole.truncate_before or 0,
        acl=None if whole.acl is None else access_list(whole.acl),
    )


_cached: Final = lru_cache(maxsize=1024)(_parse)
