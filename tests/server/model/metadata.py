"""Metadata of streams (docs/protocol/tcp.md, section 4.9)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from tests.server.model.log import MAX64, Log, Record

ACL_KEYS = ("$r", "$w", "$d", "$mr", "$mw")


@dataclass
class Metadata:
    """Metadata of a stream; `acl` maps permissions to roles, and a missing permission has its default."""

    max_count: int | None = None
    max_age: int | None = None
    truncate_before: int = 0
    acl: dict[str, frozenset[str]] = field(default_factory=dict)


class _Invalid(Exception):
    pass


def is_metastream(stream: str) -> bool:
    return stream.startswith("$$")


def metadata_of(log: Log, stream: str) -> Metadata:
    if is_metastream(stream):
        return Metadata(max_count=1)
    event = log.last_event(f"$${stream}")
    if event is None or event.data_content_type != 1 or stream in log.tombstoned:
        return Metadata()
    try:
        return _parse(json.loads(event.data.decode("utf-8-sig")))
    except (ValueError, _Invalid):
        return Metadata()


def is_soft_deleted(log: Log, stream: str) -> bool:
    return metadata_of(log, stream).truncate_before == MAX64


def first_readable(log: Log, stream: str) -> int:
    """Return the lowest visible number (`min` in docs/protocol/tcp.md, section 4.6)."""
    metadata = metadata_of(log, stream)
    by_count = 0 if metadata.max_count is None else log.last(stream) - metadata.max_count + 1
    return max(0, by_count, metadata.truncate_before)


def is_expired(log: Log, record: Record) -> bool:
    max_age = metadata_of(log, record.stream).max_age
    return max_age is not None and record.created < log.now - max_age * 1_000_000_000


def with_truncate_before(data: bytes, number: int) -> bytes | None:
    """Return the metadata JSON with another `$tb`; None if it is no JSON object."""
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    return json.dumps(document | {"$tb": number}, separators=(",", ":")).encode()


def parse_acl(value: Any) -> dict[str, frozenset[str]]:
    if not isinstance(value, dict) or not set(value) <= set(ACL_KEYS):
        raise _Invalid
    return {key: _roles(roles) for key, roles in value.items()}


def _parse(document: Any) -> Metadata:
    if not isinstance(document, dict):
        raise _Invalid
    numbers = {key: document[key] for key in ("$maxCount", "$maxAge", "$tb", "$cacheControl") if key in document}
    if not all(type(number) is int for number in numbers.values()):
        raise _Invalid
    max_count, max_age = (numbers[key] if numbers.get(key, 0) > 0 else None for key in ("$maxCount", "$maxAge"))
    acl = parse_acl(document["$acl"]) if "$acl" in document else {}
    return Metadata(max_count, max_age, max(0, numbers.get("$tb", 0)), acl)


def _roles(value: Any) -> frozenset[str]:
    roles = value if isinstance(value, list) else [value]
    if not all(isinstance(role, str) for role in roles):
        raise _Invalid
    return frozenset(roles)
