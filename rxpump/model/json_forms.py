"""The JSON forms of Python objects that the json module does not write.

msgspec and pydantic read each form back if a field is annotated with the type:

    datetime, date, time     text in ISO format
    timedelta                text in ISO format, a number of seconds after "PT"
    UUID, Decimal            text
    bytes within a value     text in base64
    set, frozenset           an array
    member of an enum        its value
    dataclass, attrs class   an object with the fields as names
    pydantic model           the result of its `model_dump` in JSON mode, with aliases
    msgspec Struct           the result of `msgspec.to_builtins`
"""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

Encoder = Callable[[Any], Any]
"""Function that returns a JSON value for an object, and raises TypeError for any object that it cannot convert."""


def json_form(value: Any) -> Any:
    """Return the JSON value of an object that the json module does not write.

    Raises:
        TypeError: Objects of this type have no form.
    """
    for kind, form in _FORMS:
        if isinstance(value, kind):
            return form(value)
    model = type(value)
    if hasattr(model, "__struct_fields__"):
        return sys.modules["msgspec"].to_builtins(value)  # msgspec is imported already, because it created the class.
    if hasattr(model, "model_dump"):
        return value.model_dump(mode="json", by_alias=True)
    if hasattr(model, "__pydantic_serializer__"):  # a dataclass of pydantic
        return model.__pydantic_serializer__.to_python(value, mode="json", by_alias=True)
    if is_dataclass(model):
        return {field.name: getattr(value, field.name) for field in fields(model)}
    if hasattr(model, "__attrs_attrs__"):
        return {field.name: getattr(value, field.name) for field in model.__attrs_attrs__}
    raise TypeError(f"Object of type {model.__name__} is not JSON serializable")


def json_form_or(encoder: Encoder) -> Encoder:
    """Return a function that calls `json_form`, and `encoder` for objects that have no form in `json_form`."""

    def form(value: Any) -> Any:
        try:
            return json_form(value)
        except TypeError:
            return encoder(value)

    return form


def _duration(value: timedelta) -> str:
    seconds, microseconds = divmod(abs(value) // timedelta(microseconds=1), 1_000_000)
    return f"{'-' if value < timedelta() else ''}PT{seconds}.{microseconds:06}S"


_FORMS: tuple[tuple[type | tuple[type, ...], Encoder], ...] = (
    (UUID, str),
    (Decimal, str),
    ((date, time), lambda value: value.isoformat()),
    (timedelta, _duration),
    ((bytes, bytearray, memoryview), lambda value: b64encode(value).decode()),
    ((set, frozenset), list),
    (Enum, lambda value: value.value),
)
