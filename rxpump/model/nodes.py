"""Addresses of nodes, and the kinds of nodes that a client of a cluster can prefer."""

from __future__ import annotations

from enum import StrEnum


class NodePreference(StrEnum):
    """The kind of node to which a client connects."""

    LEADER = "leader"
    FOLLOWER = "follower"
    READ_ONLY_REPLICA = "read_only_replica"
    RANDOM = "random"


def split_host(text: str) -> tuple[str, int | None]:
    """Split `host`, `host:port`, `[::1]` or `[::1]:port`.

    Returns:
        The host without brackets, and the port or None.

    Raises:
        ValueError: The text is malformed, the host is empty, or the port is not from 1 to 65535.
    """
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(text)
        colon, port = rest[:1], rest[1:]
    else:
        host, colon, port = text.partition(":")
    if not host or any(sign in host for sign in "[]@/?# "):
        raise ValueError(text)
    if not colon:
        return host, None
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(text)
    return host, int(port)
