"""The values of a request: names in its path, numbers and texts in its query."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from rxpump.errors import InvalidArgument
from rxpump.model.positions import END, START, Edge, Position


class EncodedPaths:
    """Routes by the path as it was sent, so that a name can contain `/` as `%2F`.

    Args:
        app: Application whose routes receive encoded names; see `name_in`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its encoded path."""
        if scope["type"] == "http" and (sent := scope.get("raw_path")) is not None:
            scope = {**scope, "path": sent.partition(b"?")[0].decode("ascii", errors="replace")}
        await self._app(scope, receive, send)


_DOTS: Final = {"=.": ".", "=..": ".."}
"""Names that browsers remove from a path, also as `%2E`, by the text that stands for them there.

No other name is equal to such a text, because `encodeURIComponent` encodes the character `=` in names.
"""


def name_in(request: Request, part: str = "stream") -> str:
    """Return a name in the path of a request.

    Raises:
        InvalidArgument: It is not UTF-8.
    """
    encoded = request.path_params[part]
    if encoded in _DOTS:
        return _DOTS[encoded]
    try:
        return unquote(encoded, errors="strict")
    except UnicodeDecodeError:
        raise InvalidArgument(part, encoded, "percent-encoded UTF-8") from None


def number_in(request: Request, name: str, default: int, *, most: int, least: int = 0) -> int:
    """Return a number in the query of a request, or `default` if it has none.

    Raises:
        InvalidArgument: It is no number from `least` to `most`.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    number = whole_number(text)
    if number is None or not least <= number <= most:
        raise InvalidArgument(name, text, f"a number from {least} to {most}")
    return number


def flag_in(request: Request, name: str, default: bool = False) -> bool:
    """Return a flag in the query of a request: 1 or 0.

    Raises:
        InvalidArgument: It is another text.
    """
    text = request.query_params.get(name)
    if text is None:
        return default
    if text not in ("0", "1"):
        raise InvalidArgument(name, text, "0 or 1")
    return text == "1"


def texts_in(request: Request, name: str) -> tuple[str, ...]:
    """Return the texts of a list in the query, which is separated by commas and can be repeated."""
    return tuple(text for given in request.query_params.getlist(name) for text in given.split(",") if text)


def place(text: str, argument: str = "from") -> int | Position | Edge:
    """Return an event number, a position such as `120/120`, START or END.

    Raises:
        InvalidArgument: The text is none of these.
    """
    if text in _EDGES:
        return _EDGES[text]
    commit, slash, prepare = text.partition("/")
    first, second = whole_number(commit), whole_number(prepare)
    if first is None or (slash and second is None):
        raise InvalidArgument(argument, text, "an event number, a position such as 120/120, start or end")
    return first if second is None else Position(first, second)


_EDGES = {"start": START, "end": END}
_MOST_DIGITS = 19


def whole_number(text: str) -> int | None:
    """Return a number of at most 63 bits in decimal digits; None for any other text."""
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        return None
    number = int(text)
    return number if number < 2**63 else None
