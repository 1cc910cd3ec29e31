"""Metadata of streams, and the system settings, which apply to streams without an Acl of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final

from rxpump.errors import InvalidArgument
from rxpump.model.acl import Acl
from rxpump.model.lenient_json import parse_object
from rxpump.model.limits import MAX_EVENT_NUMBER
from rxpump.model.system_names import ACL_KEY, CACHE_CONTROL_KEY, MAX_AGE_KEY, MAX_COUNT_KEY, TRUNCATE_BEFORE_KEY

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_MAX_SECONDS: Final = 922_337_203_685
"""Longest time span in seconds, because servers count units of 100 ns in 64 bits."""
_SECONDS: Final = f"a whole number of seconds from 1 to {_MAX_SECONDS}, or a timedelta of as many"


@dataclass(frozen=True, slots=True)
class _Fields:
    max_count: int | None
    max_age: int | None
    truncate_before: int | None
    cache_control: int | None
    acl: Acl | None
    custom: Mapping[str, Any]


class StreamMetadata(_Fields):
    """Metadata of a stream (docs/protocol/tcp.md, section 4.9). A field that is None is not stored.

    Attributes:
        max_count: Number of events that stay visible, counted from the last one.
        max_age: Seconds for which an event is visible; can be given as a timedelta.
        truncate_before: Number of the first visible event.
        cache_control: Seconds for which HTTP caches may keep the stream; can be given as a timedelta.
        acl: Access control list of the stream.
        custom: Keys of the application with their values, which must be JSON. The server ignores them.

    Raises:
        InvalidArgument: The server would ignore a value, or a custom key has a field of its own.
    """

    __slots__ = ()

    def __init__(
        self,
        max_count: int | None = None,
        max_age: float | timedelta | None = None,
        truncate_before: int | None = None,
        cache_control: float | timedelta | None = None,
        acl: Acl | None = None,
        custom: Mapping[str, Any] = _NOTHING,
    ) -> None:
        if acl is not None and not isinstance(acl, Acl):
            raise InvalidArgument("acl", acl, "an Acl")
        super().__init__(
            _number("max_count", max_count, 1),
            _seconds("max_age", max_age),
            _number("truncate_before", truncate_before, 0),
            _seconds("cache_control", cache_control),
            acl,
            _custom(custom),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by arguments, because the read-only view of `custom` supports neither."""
        given = (self.max_count, self.max_age, self.truncate_before, self.cache_control, self.acl, dict(self.custom))
        return type(self), given

    @property
    def is_soft_deleted(self) -> bool:
        """Whether the stream was soft-deleted; it exists again once it is written."""
        return self.truncate_before == MAX_EVENT_NUMBER

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that is stored."""
        said = {key: value for name, key in _NUMBERS.items() if (value := getattr(self, name)) is not None}
        acl = {} if self.acl is None else {ACL_KEY: self.acl.to_json()}
        return {**said, **acl, **self.custom}

    @classmethod
    def from_json(cls, content: bytes) -> StreamMetadata:
        """Read stored metadata, with the rules of the server.

        A limit of zero or less is read as None.

        Raises:
            InvalidArgument: The content is not a JSON object, or a key of the server has a value that is not allowed.
                The server treats such metadata as empty.
        """
        whole = read_object("metadata", content)
        if not isinstance(whole.get("$tmp", False), bool):
            raise InvalidArgument("$tmp", whole["$tmp"], "true or false")
        acl = Acl.from_json(whole[ACL_KEY]) if ACL_KEY in whole else None
        max_age, cache_control = _limit(whole, MAX_AGE_KEY), _limit(whole, CACHE_CONTROL_KEY)
        return cls(
            _limit(whole, MAX_COUNT_KEY),
            max_age and min(max_age, _MAX_SECONDS),
            _limit(whole, TRUNCATE_BEFORE_KEY, least=0),
            cache_control and min(cache_control, _MAX_SECONDS),
            acl,
            {key: value for key, value in whole.items() if key not in _RESERVED},
        )


@dataclass(frozen=True, slots=True)
class MetadataResult:
    """Result of reading the metadata of a stream.

    Attributes:
        stream: Name of the stream.
        metadata: The metadata; empty if the stored content is malformed.
        version: Expected version for setting the metadata next; -1 if they were never set.
        raw: Stored content.
    """

    stream: str
    metadata: StreamMetadata
    version: int
    raw: bytes = b""


_NUMBERS: Final = {
    "max_count": MAX_COUNT_KEY,
    "max_age": MAX_AGE_KEY,
    "truncate_before": TRUNCATE_BEFORE_KEY,
    "cache_control": CACHE_CONTROL_KEY,
}
_RESERVED: Final = frozenset({*_NUMBERS.values(), ACL_KEY})


def read_object(what: str, content: bytes) -> dict[str, Any]:
    """Parse a JSON object as leniently as the server does.

    Raises:
        InvalidArgument: There is no JSON object.
    """
    try:
        return parse_object(content).value
    except ValueError as error:
        raise InvalidArgument(what, content, f"a JSON object ({error})") from error


def _limit(whole: Mapping[str, Any], key: str, *, least: int = 1) -> int | None:
    value = whole.get(key, least - 1)
    # `isinstance` would accept a bool, which is an int, too.
    if type(value) is not int or abs(value) > MAX_EVENT_NUMBER:
        raise InvalidArgument(key, value, "a whole number of 64 bits")
    return value if value >= least else None


def _number(argument: str, value: object, least: int) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not least <= value <= MAX_EVENT_NUMBER:
        raise InvalidArgument(argument, value, f"a whole number from {least}")
    return value


def _seconds(argument: str, value: object) -> int | None:
    if value is None:
        return None
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(number, (int, float)) or isinstance(number, bool):
        raise InvalidArgument(argument, value, _SECONDS)
    if not 1 <= number <= _MAX_SECONDS or number != int(number):
        raise InvalidArgument(argument, value, _SECONDS)
    return int(number)


def _custom(given: object) -> Mapping[str, Any]:
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise InvalidArgument("custom", given, "names with their values")
    if taken := sorted(_RESERVED & given.keys()):
        raise InvalidArgument("custom", ", ".join(taken), "names that have no argument of their own")
    return MappingProxyType(dict(given))


@dataclass(frozen=True, slots=True)
class SystemSettings:
    """Access control lists of streams that have none of their own (docs/protocol/tcp.md, section 4.10).

    Attributes:
        user_stream_acl: List of streams whose names do not begin with `$`. None allows everything to every user.
        system_stream_acl: List of streams whose names begin with `$`. None allows everything to admins only.

    Raises:
        InvalidArgument: A value is not an Acl.
    """

    user_stream_acl: Acl | None = None
    system_stream_acl: Acl | None = None

    def __post_init__(self) -> None:
        for name in _KEYS:
            if getattr(self, name) is not None and not isinstance(getattr(self, name), Acl):
                raise InvalidArgument(name, getattr(self, name), "an Acl")

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that is stored."""
        return {key: acl.to_json() for name, key in _KEYS.items() if (acl := getattr(self, name)) is not None}

    @classmethod
    def from_json(cls, content: bytes) -> SystemSettings:
        """Read stored settings.

        Raises:
            InvalidArgument: The content is not a JSON object, or an access control list in it is malformed.
        """
        whole = read_object("settings", content)
        return cls(**{name: Acl.from_json(whole[key]) for name, key in _KEYS.items() if key in whole})


_KEYS: Final = {"user_stream_acl": "$userStreamAcl", "system_stream_acl": "$systemStreamAcl"}
