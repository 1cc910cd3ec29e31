"""Readers of JSON text for model classes, each created by the library of the class.

The library depends on the class only, never on the packages that are installed:

    pydantic models and dataclasses                       pydantic
    dataclasses, TypedDicts, attrs classes and Structs    msgspec, which the extra `models` installs

msgspec checks every field against its annotation and converts no types: "5" is not an int. Fields that the class does
not have are ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import is_dataclass
from typing import Any, get_origin, is_typeddict

from rxpump.errors import InvalidArgument

try:
    import msgspec
except ImportError:
    msgspec = None  # type: ignore[assignment]

Read = Callable[[bytes], Any]
"""A function that returns a model made from JSON text. It raises an exception if the text does not fit."""


def reader(model: Any) -> Read:
    """Return a function that makes an instance of `model` from JSON text.

    Raises:
        InvalidArgument: `model` is not a model class, has a field that cannot be read from JSON, or needs msgspec,
            which is not installed.
    """
    if hasattr(model, "model_validate_json"):
        return model.model_validate_json  # type: ignore[no-any-return]
    if hasattr(model, "__pydantic_validator__"):
        return model.__pydantic_validator__.validate_json  # type: ignore[no-any-return]
    if not _is_plain_model(get_origin(model) or model):
        raise InvalidArgument("model", model, "a dataclass, TypedDict, attrs class, pydantic model or msgspec Struct")
    if msgspec is None:
        raise InvalidArgument(
            "model", model, "a pydantic model; other models need msgspec: pip install 'rxpump[models]'"
        )
    try:
        return msgspec.json.Decoder(model).decode
    except TypeError as error:
        raise InvalidArgument("model", model, f"a class whose fields msgspec can read ({error})") from error


def _is_plain_model(model: Any) -> bool:
    return isinstance(model, type) and (
        is_dataclass(model)
        or is_typeddict(model)
        or hasattr(model, "__struct_fields__")
        or hasattr(model, "__attrs_attrs__")
    )
