"""From JSON text to a model: which library makes an instance of a class.

It depends on the class alone, never on what else is installed:

    pydantic models and dataclasses                       pydantic
    dataclasses, TypedDicts, attrs classes and Structs    msgspec, which the extra `models` installs

msgspec reads every field by its annotation and coerces nothing: "5" is no int. Names that a class does not know are
left out.
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
"""Makes a model of JSON text, or raises what says why it cannot."""


def reader(model: Any) -> Read:
    """Return the function that makes instances of `model`.

    Raises:
        InvalidArgument: `model` is no model, has a field that cannot be read from JSON, or needs msgspec, which is
            not installed.
    """
    if hasattr(model, "model_validate_json"):
        return model.model_validate_json  # type: ignore[no-any-return]
    if hasattr(model, "__pydantic_validator__"):
        return model.__pydantic_validator__.validate_json  # type: ignore[no-any-return]
    if not _is_plain_model(get_origin(model) or model):
        raise InvalidArgument("model", model, "a dataclass, TypedDict, attrs class, pydantic model or msgspec Struct")
    if msgspec is None:
        raise InvalidArgument("model", model, "a pydantic model without msgspec; pip install 'rxpump[models]'")
    try:
        return msgspec.json.Decoder(model).decode
    except TypeError as error:
        raise InvalidArgument("model", model, f"made of types that msgspec reads ({error})") from error


def _is_plain_model(model: Any) -> bool:
    return isinstance(model, type) and (
        is_dataclass(model)
        or is_typeddict(model)
        or hasattr(model, "__struct_fields__")
        or hasattr(model, "__attrs_attrs__")
    )
