"""How exactly the server imitates what a real server does and its documentation does not promise."""

from __future__ import annotations

from enum import Enum


class Strictness(Enum):
    """Choice between the safe and the real behavior where a real server is unsafe for its clients.

    The server is lenient by default. With `REAL`, a test finds out whether a program works with a real server
    in spite of its shortcomings.
    """

    LENIENT = "lenient"
    """An append with ExpectedVersion.ANY is a repetition if its stream holds the ids of its events."""

    REAL = "real"
    """An append with ExpectedVersion.ANY is a repetition only if its stream is the first that got the ids."""
