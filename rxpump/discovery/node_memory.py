"""The experience of a client with each node of a cluster.

Gossip alone is not enough to choose a node, because the followers of a leader that hangs continue to name it for a
long time (`docs/protocol/tcp.md`, section 4.14). So a node that failed is distrusted for some time. A node that is
not the leader although another node named it as such is distrusted as a leader for a shorter time, because nodes can
name each other during an election.

Times are in seconds, on a clock of the caller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from rxpump.discovery.member import Address, Endpoint

DISTRUST_SECONDS: Final = 5.0
"""Longest time in seconds for which a node that failed is distrusted, unless it answers a request for gossip."""

FIRST_DISTRUST_SECONDS: Final = 2.0
"""Seconds for which a node is distrusted after its first failure. It doubles with each further failure in a row, up
to DISTRUST_SECONDS.
"""

ELECTION_SECONDS: Final = 1.0
"""Seconds for which a node that turned out not to be the leader is distrusted as a leader."""

RECENT_SECONDS: Final = 60.0
"""Seconds after which an experience is no longer mentioned in errors."""

_MOST: Final = 64
"""Largest number of nodes whose last experience is stored. The oldest entry is removed first."""


@dataclass(frozen=True, slots=True)
class _Experience:
    """The last experience with one node.

    Attributes:
        text: Description for errors.
        noted_at: Time of the experience.
        failed_at: Time at which the node failed, or None.
        has_answered: Whether the node has answered a request for gossip since it failed.
        refused_at: Time at which the node turned out not to be the leader or not to be ready, or None.
    """

    text: str
    noted_at: float
    failed_at: float | None = None
    failures: int = 0
    has_answered: bool = False
    refused_at: float | None = None


class NodeMemory:
    """The experience with each node, by the address at which it is connected to."""

    def __init__(self) -> None:
        self._nodes: dict[Address, _Experience] = {}

    def __len__(self) -> int:
        """Return the number of nodes whose last experience is stored."""
        return len(self._nodes)

    def note_failure(self, address: Address, reason: str, now: float) -> None:
        """Record that a node could not be connected to, or that its connection was lost. It is then distrusted."""
        known = self._nodes.get(address)
        failures = 1 if known is None else known.failures + 1
        self._note(address, _Experience(reason, now, failed_at=now, failures=failures))

    def note_refusal(self, address: Address, reason: str, now: float) -> None:
        """Record that a node refused a request because it is not the leader or not ready."""
        known = self._nodes.get(address, _Experience(reason, now))
        self._note(address, replace(known, text=reason, noted_at=now, refused_at=now))

    def note_answer(self, address: Address) -> None:
        """Record that a node has answered a request for gossip. If it failed before, it is then only suspected."""
        if address in self._nodes:
            self._nodes[address] = replace(self._nodes[address], has_answered=True)

    def note_success(self, address: Address) -> None:
        """Record that a node serves requests, so that earlier failures no longer count."""
        self._nodes.pop(address, None)

    def is_distrusted(self, address: Address, now: float) -> bool:
        """Return whether a node failed a short time ago, and has not answered a request for gossip since."""
        known = self._nodes.get(address)
        return known is not None and not known.has_answered and _has_failed(known, now)

    def is_suspected(self, address: Address, now: float) -> bool:
        """Return whether a node failed a short time ago, even if it has answered requests for gossip since."""
        known = self._nodes.get(address)
        return known is not None and _has_failed(known, now)

    def may_lead(self, address: Address, now: float) -> bool:
        """Return whether to follow a hint that this node is the leader."""
        known = self._nodes.get(address)
        return not self.is_distrusted(address, now) and (
            known is None or not _is_recent(known.refused_at, now, ELECTION_SECONDS)
        )

    def _note(self, address: Address, experience: _Experience) -> None:
        self._nodes.pop(address, None)
        self._nodes[address] = experience
        while len(self._nodes) > _MOST:
            del self._nodes[next(iter(self._nodes))]

    def recent(self, now: float) -> str:
        """Return the recent experience with each node as a part of an error message; empty if there is none."""
        return "; ".join(
            f"{Endpoint(*address)}: {known.text}"
            for address, known in self._nodes.items()
            if _is_recent(known.noted_at, now, RECENT_SECONDS)
        )

    def __repr__(self) -> str:
        return f"<NodeMemory of {len(self)} nodes>"


def _has_failed(known: _Experience, now: float) -> bool:
    """Return whether a node failed so short a time ago that another failure is likely."""
    doubled = FIRST_DISTRUST_SECONDS * 2.0 ** min(known.failures - 1, 10)
    return _is_recent(known.failed_at, now, min(doubled, DISTRUST_SECONDS))


def _is_recent(time: float | None, now: float, seconds: float) -> bool:
    return time is not None and now - time < seconds
