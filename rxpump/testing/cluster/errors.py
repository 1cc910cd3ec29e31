"""Errors of a cluster for tests."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors import RxPumpError


@dataclass(eq=False)
class NoQuorum(RxPumpError):
    """No leader can be elected, because too few nodes reach each other.

    Attributes:
        reachable: Number of nodes that reach each other.
        size: Number of nodes of the cluster that can lead.
    """

    reachable: int
    size: int

    def __str__(self) -> str:
        needed = self.size // 2 + 1
        return f"an election needs {needed} of {self.size} nodes that reach each other, got {self.reachable}"


class NoLeader(RxPumpError):
    """The cluster has no leader, because it was killed or because an election was started."""

    def __str__(self) -> str:
        return "the cluster has no leader; call elect()"
