"""Parse JSON as servers parse metadata, which accepts more than the standard (docs/protocol/tcp.md, section 4.9).

Servers also accept single quotes, names without quotes, numbers in octal (`02`), in hexadecimal and
without a digit before or after the point, NaN and Infinity, `undefined`, missing values and trailing commas, control
characters in strings, a byte order mark, and any text after the object. Comments are not accepted.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Final, NamedTuple

_SPACE: Final = re.compile(r"\s*")
_NAME: Final = re.compile(r"[\w$]+")
_NUMBER: Final = re.compile(r"[-.0-9][-+.0-9a-zA-Z]*")
_OCTAL: Final = re.compile(r"(-?)0([0-7]+)")
_HEXADECIMAL: Final = re.compile(r"(-?)0[xX]([0-9a-fA-F]+)")
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_DECIMAL: Final = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))?", re.DOTALL)
_STRINGS: Final = {quote: re.compile(rf"(?:[^{quote}\\]|\\.)*{quote}", re.DOTALL) for quote in "\"'"}
_ESCAPES: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", "\\": "\\", '"': '"', "'": "'", "/": "/"}
_WORDS: Final[dict[str, Any]] = {
    "true": True,
    "false": False,
    "null": None,
    "undefined": None,
    "NaN": math.nan,
    "Infinity": math.inf,
}


class Parsed(NamedTuple):
    """A parsed object.

    Attributes:
        value: The object.
        rest: Text after the object.
    """

    value: dict[str, Any]
    rest: str


def parse_object(content: bytes) -> Parsed:
    """Parse the JSON object at the beginning of `content`.

    Returns:
        The object and the text after it. If the object contains a key twice, the last value counts.

    Raises:
        ValueError: There is no object, or servers refuse it.
    """
    text = content.decode("utf-8-sig")
    try:
        value, rest = json.loads(text, parse_float=_finite), ""
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except ValueError:
        value, rest = _Scanner(text).scan()
    if not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    return Parsed(value, rest)


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def scan(self) -> tuple[Any, str]:
        try:
            value = self._value("")
        except RecursionError:
            raise ValueError("it is nested too deep") from None
        return value, self._text[self._at :]

    def _next(self) -> str:
        """Skip white space and return the next character without consuming it; an empty text at the end."""
        self._skip(_SPACE)
        return self._text[self._at : self._at + 1]

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError(f"character {self._at} is not expected")
        self._at = found.end()
        return found[0]

    def _take(self, character: str) -> None:
        if self._next() != character:
            raise ValueError(f"{character} is expected at character {self._at}")
        self._at += 1

    def _value(self, ends: str) -> Any:
        """Parse a value. A missing value before a character of `ends` is None."""
        first = self._next()
        match first:
            case "{":
                return self._object()
            case "[":
                return self._array()
            case '"' | "'":
                return self._string(first)
            case "" if not ends:
                raise ValueError("it is empty")
        if first and first in ends:
            return None
        if self._text.startswith("-Infinity", self._at):
            self._at += len("-Infinity")
            return -math.inf
        if first.isdigit() or first in ("-", "."):
            return _number(self._skip(_NUMBER))
        word = self._skip(_NAME)
        if word not in _WORDS:
            raise ValueError(f"{word} is no value")
        return _WORDS[word]

    def _object(self) -> dict[str, Any]:
        self._take("{")
        whole: dict[str, Any] = {}
        while (first := self._next()) != "}":
            name = self._string(first) if first in _STRINGS else self._skip(_NAME)
            self._take(":")
            whole[name] = self._value(",}")
            if self._next() != "}":
                self._take(",")
        self._take("}")
        return whole

    def _array(self) -> list[Any]:
        self._take("[")
        values: list[Any] = []
        while self._next() != "]":
            values.append(self._value(",]"))
            if self._next() != "]":
                self._take(",")
        self._take("]")
        return values

    def _string(self, quote: str) -> str:
        self._take(quote)
        text = _ESCAPE.sub(_unescaped, self._skip(_STRINGS[quote])[:-1])
        # two escapes can encode the two halves of one character
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    if escape[2] not in _ESCAPES:
        raise ValueError(f"{escape[0]} is no escape")
    return _ESCAPES[escape[2]]


def _number(text: str) -> float:
    if _INTEGER.fullmatch(text):
        return int(text)
    for pattern, base in ((_OCTAL, 8), (_HEXADECIMAL, 16)):
        if (found := pattern.fullmatch(text)) is not None:
            return int(found[1] + found[2], base)
    if _DECIMAL.fullmatch(text) is None or re.match(r"-?0[0-9]", text):
        raise ValueError(f"{text} is no number")
    return _finite(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is too large")
    return value
