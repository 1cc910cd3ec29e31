"""How exactly the server imitates what a real server does and its documentation does not promise."""

from __future__ import annotations

from enum import Enum


class Strictness(Enum):
    """Choice between the safe and the real behavior where a real server is unsafe for its clients.

    The server is lenient by default. With `REAL`, a test finds out whether a program works with a real server
    in spite of its shortcomings.
    """

    LENIENT = "lenient"
    """An append with ExpectedVersion.ANY is a repetition if its stream holds the ids of its events in their order.

    If it holds them in another order, the answer is WrongExpectedVersion. The prefix of a filter is compared
    character by character.
    """

    REAL = "real"
    """An append with ExpectedVersion.ANY is a repetition only if its stream is the first that got the ids.

    If the stream holds them in another order, there is no answer at all. The prefix of a filter is compared by the
    rules of a culture, so that a filter misses names that continue the last character of its prefix.
    """
