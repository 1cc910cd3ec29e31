"""Deadlines of calls as the value of `grpc-timeout`."""

from __future__ import annotations

import math
import re
from typing import Final

from rxpump.errors import InvalidArgument

_VALUE: Final = re.compile(r"([0-9]{1,8})([HMSmun])").fullmatch
_SECONDS: Final = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "S": 1.0, "M": 60.0, "H": 3600.0}
_UNITS_TO_SEND: Final = ("m", "S", "M", "H")
_MOST: Final = 99_999_999
_LONGEST: Final = _MOST * _SECONDS["H"]
_SHORTEST: Final = 1e-7
"""Shortest timeout that is not ignored. It is the resolution of .NET, in which real servers are written."""


def format_timeout(seconds: float) -> str:
    """Return a timeout as the value of `grpc-timeout`, rounded up to a unit that fits into eight digits.

    Args:
        seconds: Seconds that the call may take, over 0 and at most about 11,000 years.

    Raises:
        InvalidArgument: The timeout is out of range.
    """
    if not 0 < seconds <= _LONGEST:
        raise InvalidArgument("timeout", seconds, f"a number of seconds over 0, up to {_LONGEST:,.0f}")
    counts = ((math.ceil(seconds / _SECONDS[unit]), unit) for unit in _UNITS_TO_SEND)
    return next(f"{count}{unit}" for count, unit in counts if count <= _MOST)


def parse_timeout(value: str) -> float | None:
    """Return the seconds of a `grpc-timeout` value, or None if it is malformed or too short to count.

    Malformed values are ignored, as real servers do.
    """
    match = _VALUE(value)
    if match is None:
        return None
    seconds = int(match[1]) * _SECONDS[match[2]]
    return seconds if seconds >= _SHORTEST else None
