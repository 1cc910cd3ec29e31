"""Where an event stands in the whole database."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple


class Position(NamedTuple):
    """A place in `$all`: (commit, prepare), ordered as such (docs/protocol/tcp.md, section 4.1).

    Only ever use positions that the server handed out: an event's own, or a page's next.
    """

    commit: int
    prepare: int


class Edge(Enum):
    """Either end of a stream or of `$all`, wherever it is when it is asked for."""

    START = "start"
    END = "end"


START: Final = Edge.START
END: Final = Edge.END

FIRST_POSITION: Final = Position(0, 0)
"""Before every event."""

LAST_POSITION: Final = Position(-1, -1)
"""After every event; the server puts its own end in its place."""
