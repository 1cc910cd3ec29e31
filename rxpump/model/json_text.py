"""Encode and decode JSON with orjson if it is installed (extra `speed`), otherwise with the standard library.

Both accept the same texts and values, because the cases in which orjson differs go to the standard library:

    decoding    orjson refuses NaN and Infinity, numbers beyond the range of floats, lone surrogates, UTF-16, a byte
                order mark and deep nesting; it rounds integers of more than 64 bits to floats
    encoding    orjson refuses keys that are not strings, integers of more than 64 bits, subclasses of built-in types
                and deep nesting, and it writes null for NaN and infinity, which must be refused

If an object contains a key twice, the last value counts. `rxpump.model.json_forms` lists the forms of objects that
the json module does not write, such as dataclasses and times. The two libraries only spell the exponents of small
numbers differently: 1e-07 and 1e-7.
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
# A value that contains itself fails as nested too deeply, so a check for circles is not needed.
_options: dict[str, Any] = {
    "ensure_ascii": False, "allow_nan": False, "check_circular": False, "separators": (",", ":"),
}  # fmt: skip
_encode = json.JSONEncoder(**_options, default=json_form).encode


def plain_decode(content: bytes) -> Any:
    """Decode with the standard library.

    Raises:
        ValueError: The content is not JSON.
        RecursionError: It is nested too deeply.
    """
    try:
        # This takes half the time of json.loads, which detects the encoding and skips white space first.
        text = content.decode()
        value, end = _scan(text)
        if end == len(text):
            return value
    except ValueError:
        pass
    return json.loads(content)


def plain_encode(value: Any) -> bytes:
    """Encode with the standard library, without white space.

    Raises:
        TypeError, ValueError: JSON cannot represent the value.
        RecursionError: It is nested too deeply.
    """
    return _encode(value).encode()


def encode_with(value: Any, encoder: Encoder) -> bytes:
    """Encode with the standard library, and call `encoder` for objects that have no form in `json_form`.

    Raises:
        TypeError, ValueError: JSON cannot represent the value.
        RecursionError: It is nested too deeply.
        Exception: Any exception of `encoder`.
    """
    return json.JSONEncoder(**_options, default=json_form_or(encoder)).encode(value).encode()


def _with_orjson(orjson: Any) -> tuple[Callable[[bytes], Any], Callable[[Any], bytes]]:
    loads, dumps = orjson.loads, orjson.dumps
    option = orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
    # Integers of 19 digits may not fit into 64 bits. They are found fastest if all digits are first replaced by 0.
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
        return encoded if encoded.find(b"null") < 0 else plain_encode(value)  # The null may be a NaN.

    return decode, encode


decode: Callable[[bytes], Any]
encode: Callable[[Any], bytes]
decode, encode = (plain_decode, plain_encode) if orjson is None else _with_orjson(orjson)
