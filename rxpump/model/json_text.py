"""JSON as events carry it: by orjson where that is installed (the extra `speed`), else by the standard library.

Both give the same values and refuse the same things, for what orjson would do otherwise is left to the standard
library, which is slower and always right:

    reading    NaN and Infinity, numbers over the range of floats, lone surrogates, UTF-16, a byte order mark and
               deep nesting, all of which orjson refuses; and whole numbers of more than 64 bits, which it would
               round to floats
    writing    names that are no strings, whole numbers of more than 64 bits, subclasses of what JSON knows and
               deep nesting, all of which orjson refuses; and NaN and infinity, for which it would write null,
               and which are refused

Of a name that comes twice in an object, the last counts. `rxpump.model.json_forms` shows what is written for objects that
the json module does not know, such as dataclasses and times. One difference is left, which no reader sees: how the
exponent of a very small number is spelled, 1e-07 or 1e-7.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rxpump.model.json_forms import Encoder, json_form, json_form_or

try:
    import orjson
except ImportError:
    orjson = None


_scan = json.JSONDecoder().raw_decode
# Something that holds itself is nested too deep to be written: it needs no looking out for.
_options: dict[str, Any] = {
    "ensure_ascii": False, "allow_nan": False, "check_circular": False, "separators": (",", ":"),
}  # fmt: skip
_encode = json.JSONEncoder(**_options, default=json_form).encode


def plain_decode(content: bytes) -> Any:
    """Decode with the standard library. Raises ValueError, RecursionError."""
    try:
        # Half the time of json.loads, which looks for other encodings and for white space first.
        text = content.decode()
        value, end = _scan(text)
        if end == len(text):
            return value
    except ValueError:
        pass
    return json.loads(content)


def plain_encode(value: Any) -> bytes:
    """Encode with the standard library, without blanks. Raises TypeError, ValueError, RecursionError."""
    return _encode(value).encode()


def encode_with(value: Any, encoder: Encoder) -> bytes:
    """Encode with the standard library, and ask `encoder` for the form of objects that `json_form` does not know.

    Raises:
        TypeError, ValueError, RecursionError: The value holds what JSON cannot.
        Exception: What `encoder` raises.
    """
    return json.JSONEncoder(**_options, default=json_form_or(encoder)).encode(value).encode()


def _with_orjson(orjson: Any) -> tuple[Callable[[bytes], Any], Callable[[Any], bytes]]:
    loads, dumps = orjson.loads, orjson.dumps
    option = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
    # Looking for a run of 19 digits, fewer of which always fit 64 bits, is cheapest where all digits are one.
    one_digit, too_long = bytes.maketrans(b"123456789", b"0" * 9), b"0" * 19

    def decode(content: bytes) -> Any:
        if content.translate(one_digit).find(too_long) < 0:
            try:
                return loads(content)
            except ValueError:
                pass
        return plain_decode(content)

    def encode(value: Any) -> bytes:
        try:
            encoded: bytes = dumps(value, json_form, option)
        except TypeError:
            return plain_encode(value)
        return encoded if encoded.find(b"null") < 0 else plain_encode(value)  # it may have been a NaN

    return decode, encode


decode: Callable[[bytes], Any]
encode: Callable[[Any], bytes]
decode, encode = (plain_decode, plain_encode) if orjson is None else _with_orjson(orjson)
