"""From JSON text to a model: who makes an instance of a class.

It depends on the class alone, never on what else is installed:

    pydantic models           their own `model_validate_json`
    msgspec Structs           `msgspec.json`
    dataclasses, TypedDicts   `rxpump.operators.plain_models`, from the annotations
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

from rxpump.errors import InvalidArgument
from rxpump.operators.plain_models import converter, is_plain_model

Read = Callable[[bytes], Any]
"""Makes a model of JSON text, or raises what says why it cannot."""


def reader(model: Any) -> Read:
    """Find how `model` is made. Raises InvalidArgument for what is no model, or cannot be made from JSON."""
    if hasattr(model, "model_validate_json"):
        return model.model_validate_json  # type: ignore[no-any-return]
    if hasattr(model, "__struct_fields__"):
        msgspec = sys.modules["msgspec"]  # it made the class, so it is there
        return msgspec.json.Decoder(model).decode  # type: ignore[no-any-return]
    if is_plain_model(model):
        convert = converter(model)
        return lambda content: convert(json.loads(content))
    raise InvalidArgument("model", model, "a dataclass, a TypedDict, a pydantic model or a msgspec Struct")
