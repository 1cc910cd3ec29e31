"""The choice of how exactly the server imitates undocumented behavior of a real server."""

from __future__ import annotations

from enum import Enum


class Strictness(Enum):
    """Choice between safe behavior and that of a real server, in cases where a real server can harm its clients.

    The default is `LENIENT`. Use `REAL` to test whether a program works with a real server.
    """

    LENIENT = "lenient"
    """The safe behavior.

    An append with ExpectedVersion.ANY is a repetition if its stream holds the ids of its events in their order. If
    the stream holds them in another order, the server replies WrongExpectedVersion. Filters compare prefixes
    character by character. The error of a malformed gRPC request names the reason.
    """

    REAL = "real"
    """The behavior of a real server.

    An append with ExpectedVersion.ANY is a repetition only if its stream was the first to receive the ids. If the
    stream holds them in another order, the server does not reply. Filters compare prefixes by the rules of a culture,
    so that a filter misses names that continue the last letter of its prefix, and finds names that have the same
    letters in other characters. gRPC calls without credentials are refused, also without TLS, except for the gossip,
    the features and the statistics of the server. The errors of malformed gRPC requests name no reason.
    """
