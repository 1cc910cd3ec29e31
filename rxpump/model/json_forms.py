"""How Python objects that JSON lacks are written as JSON.

Each form is what msgspec and pydantic read back for a field that is annotated with the type:

    datetime, date, time     text in ISO format
    timedelta                text in ISO format, a number of seconds after "PT"
    UUID, Decimal            text
    bytes within a value     text in base64
    set, frozenset           an array
    a member of an enum      its value
    dataclass, attrs class   an object with the fields as names
    pydantic model           what the model itself writes in JSON mode, by alias
    msgspec Struct           what msgspec writes
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
"""Returns what is written in place of an object. Raises TypeError for an object that it does not know."""


def json_form(value: Any) -> Any:
    """Return what is written as JSON in place of an object that JSON lacks.

    Raises:
        TypeError: There is no form for objects of this type.
    """
    for kind, form in _FORMS:
        if isinstance(value, kind):
            return form(value)
    model = type(value)
    if hasattr(model, "__struct_fields__"):
        return sys.modules["msgspec"].to_builtins(value)  # it made the class, so it is there
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
    """Return a function that asks `encoder` for the form of an object that `json_form` does not know."""

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
