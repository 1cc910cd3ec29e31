"""Dataclasses and TypedDicts from JSON values, by their annotations.

Fields may be, nested to any depth: what JSON has (str, int, float, bool, None, Any), list, tuple of one kind, set,
frozenset, dict with str keys, unions (the first member that fits), Literal, Enum by value, datetime, date and time
in ISO format, UUID, Decimal of a string or number, and dataclasses and TypedDicts.

Nothing is coerced: "5" is no int. Keys that a dataclass does not name are left out, in a TypedDict they are kept.
There is no more to it: for aliases, constraints and the like use pydantic or msgspec.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints, is_typeddict
from uuid import UUID

from rxpump.errors import InvalidArgument

Convert = Callable[[Any], Any]
"""Turns a value of JSON into one of the annotated type. Raises ValueError."""

_PLAIN: dict[Any, tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float: (float, int),
    bool: (bool,),
    NoneType: (NoneType,),
}
_PARSERS: dict[Any, Convert] = {
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    time: time.fromisoformat,
    UUID: UUID,
}
_COLLECTIONS = (list, tuple, set, frozenset)


def is_plain_model(model: Any) -> bool:
    """Whether this is a class that `converter` is for."""
    return isinstance(model, type) and (is_dataclass(model) or is_typeddict(model))


def converter(model: type) -> Convert:
    """Make what turns a dict into `model`. Raises InvalidArgument for a field of a type that JSON cannot be made."""
    return _Converters().of(model)


class _Converters:
    """Makes converters; a model that is met again, also within itself, is the same one."""

    def __init__(self) -> None:
        self._fields: dict[Any, dict[str, Convert]] = {}

    def of(self, kind: Any) -> Convert:
        base, arguments = get_origin(kind) or kind, get_args(kind)
        if kind is Any:
            return _as_it_is
        if base in _PLAIN:
            return _plain(base)
        if base in _PARSERS:
            return _parsed(base)
        if base is Decimal:
            return _decimal
        if base is Literal:
            return _one_of(arguments)
        if base in (Union, UnionType):
            return _first_that_fits([self.of(member) for member in arguments])
        if base is tuple and arguments[1:] not in ((), (...,)):
            raise InvalidArgument("model", kind, "without tuples of several kinds, which are dataclasses")
        if base in _COLLECTIONS:
            return _collection(base, self.of(arguments[0] if arguments else Any))
        if base is dict and arguments[:1] in ((), (str,)):
            return _dictionary(self.of(arguments[1] if arguments else Any))
        if is_plain_model(base):
            return self._model(base)
        if isinstance(base, type) and issubclass(base, Enum):
            return base
        raise InvalidArgument("model", kind, "made of the types that rxpump.operators.plain_models names")

    def _model(self, kind: Any) -> Convert:
        hints = get_type_hints(kind, include_extras=True)
        required = _required_keys(kind, hints) if is_typeddict(kind) else _required_fields(kind)
        if kind not in self._fields:
            converters = self._fields[kind] = {}
            for name in hints if is_typeddict(kind) else [field.name for field in fields(kind) if field.init]:
                hint = hints[name]
                converters[name] = self.of(get_args(hint)[0] if get_origin(hint) in (Required, NotRequired) else hint)
        return _model(kind, self._fields[kind], required)


def _required_keys(kind: Any, hints: dict[str, Any]) -> frozenset[str]:
    # The class itself does not see NotRequired where annotations are strings.
    return frozenset(name for name in kind.__required_keys__ if get_origin(hints[name]) is not NotRequired)


def _required_fields(kind: Any) -> frozenset[str]:
    return frozenset(
        field.name
        for field in fields(kind)
        if field.init and field.default is MISSING and field.default_factory is MISSING
    )


def _refuse(value: Any, wanted: str) -> ValueError:
    return ValueError(f"{value!r} is no {wanted}")


def _as_it_is(value: Any) -> Any:
    return value


def _plain(kind: type) -> Convert:
    allowed: Any = _PLAIN[kind]
    is_bool, is_float = kind is bool, kind is float

    def convert(value: Any) -> Any:
        if not isinstance(value, allowed) or (isinstance(value, bool) and not is_bool):
            raise _refuse(value, kind.__name__)
        return float(value) if is_float else value

    return convert


def _parsed(kind: Any) -> Convert:
    parse = _PARSERS[kind]

    def convert(value: Any) -> Any:
        if not isinstance(value, str):
            raise _refuse(value, f"{kind.__name__} as text")
        return parse(value)

    return convert


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise _refuse(value, "Decimal")
    try:
        return Decimal(str(value))
    except ArithmeticError:
        raise _refuse(value, "Decimal") from None


def _one_of(allowed: tuple[Any, ...]) -> Convert:
    def convert(value: Any) -> Any:
        if not any(value == each and type(value) is type(each) for each in allowed):
            raise _refuse(value, f"one of {allowed}")
        return value

    return convert


def _first_that_fits(members: list[Convert]) -> Convert:
    def convert(value: Any) -> Any:
        reasons = []
        for member in members:
            try:
                return member(value)
            except ValueError as error:
                reasons.append(str(error))
        raise ValueError(", and ".join(reasons))

    return convert


def _collection(kind: Any, member: Convert) -> Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, list):
            raise _refuse(value, "list")
        return kind(map(member, value))

    return convert


def _dictionary(member: Convert) -> Convert:
    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _refuse(value, "dict")
        return {name: member(each) for name, each in value.items()}

    return convert


def _model(kind: Any, converters: dict[str, Convert], required: frozenset[str]) -> Convert:
    is_dict = is_typeddict(kind)

    def convert(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _refuse(value, f"{kind.__name__} as a dict")
        if missing := required - value.keys():
            raise ValueError(f"{kind.__name__} lacks {', '.join(sorted(missing))}")
        made = {name: _field(name, converters[name], each) for name, each in value.items() if name in converters}
        return {**value, **made} if is_dict else kind(**made)

    return convert


def _field(name: str, convert: Convert, value: Any) -> Any:
    try:
        return convert(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
