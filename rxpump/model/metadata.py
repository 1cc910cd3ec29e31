"""What a stream says of itself: how much of it is kept, who may do what with it, and whatever its owner adds."""

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

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_MAX_SECONDS: Final = 922_337_203_685  # more of them, in ticks of 100 ns, do not fit the server's 64 bits
_SECONDS: Final = f"a whole number of seconds from 1 to {_MAX_SECONDS}, or a timedelta of that"


@dataclass(frozen=True, slots=True, init=False, eq=True)
class StreamMetadata:
    """A stream's metadata (docs/protocol/tcp.md, section 4.9). None: not said.

    max_count:        only the last so many events are readable.
    max_age:          events older than so many seconds are not; also given as a timedelta.
    truncate_before:  events below this number are not.
    cache_control:    for how many seconds HTTP may cache; also given as a timedelta.
    acl:              who may do what.
    custom:           keys of your own, of which the server makes nothing, and their values, as JSON has them.

    Raises InvalidArgument for what the server would not heed.
    """

    max_count: int | None
    max_age: int | None
    truncate_before: int | None
    cache_control: int | None
    acl: Acl | None
    custom: Mapping[str, Any]

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
        set_field = object.__setattr__
        set_field(self, "max_count", _number("max_count", max_count, 1))
        set_field(self, "max_age", _seconds("max_age", max_age))
        set_field(self, "truncate_before", _number("truncate_before", truncate_before, 0))
        set_field(self, "cache_control", _seconds("cache_control", cache_control))
        set_field(self, "acl", acl)
        set_field(self, "custom", _custom(custom))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy by arguments, because the read-only view of `custom` supports neither."""
        given = (self.max_count, self.max_age, self.truncate_before, self.cache_control, self.acl, dict(self.custom))
        return type(self), given

    @property
    def is_soft_deleted(self) -> bool:
        """Whether the stream was deleted in a way that lets it be written again."""
        return self.truncate_before == MAX_EVENT_NUMBER

    def to_json(self) -> dict[str, Any]:
        """Give the object that is stored."""
        said = {key: value for name, key in _NUMBERS.items() if (value := getattr(self, name)) is not None}
        acl = {} if self.acl is None else {"$acl": self.acl.to_json()}
        return {**said, **acl, **self.custom}

    @classmethod
    def from_json(cls, content: bytes) -> StreamMetadata:
        """Read what is stored, as strictly as the server.

        A limit of zero or less is no limit. Raises InvalidArgument where a key that the server knows has a value that
        it does not take: to the server the whole is then as good as empty.
        """
        whole = read_object("metadata", content)
        if not isinstance(whole.get("$tmp", False), bool):
            raise InvalidArgument("$tmp", whole["$tmp"], "true or false")
        acl = Acl.from_json(whole["$acl"]) if "$acl" in whole else None
        max_age, cache_control = _limit(whole, "$maxAge"), _limit(whole, "$cacheControl")
        return cls(
            _limit(whole, "$maxCount"),
            max_age and min(max_age, _MAX_SECONDS),
            _limit(whole, "$tb", least=0),
            cache_control and min(cache_control, _MAX_SECONDS),
            acl,
            {key: value for key, value in whole.items() if key not in _RESERVED},
        )


@dataclass(frozen=True, slots=True)
class MetadataResult:
    """The metadata of `stream`.

    version:  what to expect of the metadata when it is set next: -1 where it was never set.
    raw:      as it was stored. Where that is no metadata to the server, `metadata` is empty.
    """

    stream: str
    metadata: StreamMetadata
    version: int
    raw: bytes = b""


_NUMBERS: Final = {
    "max_count": "$maxCount",
    "max_age": "$maxAge",
    "truncate_before": "$tb",
    "cache_control": "$cacheControl",
}
_RESERVED: Final = frozenset({*_NUMBERS.values(), "$acl"})


def read_object(what: str, content: bytes) -> dict[str, Any]:
    """Read a JSON object as leniently as the server does. Raises InvalidArgument."""
    try:
        return parse_object(content).value
    except ValueError as error:
        raise InvalidArgument(what, content, f"a JSON object ({error})") from error


def _limit(whole: Mapping[str, Any], key: str, *, least: int = 1) -> int | None:
    value = whole.get(key, least - 1)
    if type(value) is not int or abs(value) > MAX_EVENT_NUMBER:  # a bool is an int, but not here
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


SETTINGS_STREAM: Final = "$settings"


@dataclass(frozen=True, slots=True)
class SystemSettings:
    """The access control lists for streams without one of their own (docs/protocol/tcp.md, section 4.10).

    user_stream_acl:    for streams in general. None: everybody may do everything.
    system_stream_acl:  for those whose name begins with `$`. None: admins only.
    """

    user_stream_acl: Acl | None = None
    system_stream_acl: Acl | None = None

    def __post_init__(self) -> None:
        for name in _KEYS:
            if getattr(self, name) is not None and not isinstance(getattr(self, name), Acl):
                raise InvalidArgument(name, getattr(self, name), "an Acl")

    def to_json(self) -> dict[str, Any]:
        """Give the object that is stored."""
        return {key: acl.to_json() for name, key in _KEYS.items() if (acl := getattr(self, name)) is not None}

    @classmethod
    def from_json(cls, content: bytes) -> SystemSettings:
        """Read what is stored. Raises InvalidArgument."""
        whole = read_object("settings", content)
        return cls(**{name: Acl.from_json(whole[key]) for name, key in _KEYS.items() if key in whole})


_KEYS: Final = {"user_stream_acl": "$userStreamAcl", "system_stream_acl": "$systemStreamAcl"}
