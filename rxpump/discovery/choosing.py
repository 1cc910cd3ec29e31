"""Choose a node of a cluster.

`choose` is a pure function from members to a decision. It ranks the members by the states that a preference asks
for, passes over those that are dead or distrusted, and lets chance decide between equals.

    preference          order of states
    leader              leader
    follower            follower, leader, read-only replica
    read_only_replica   read-only replica, follower, leader
    random              leader, follower and read-only replica alike

Where none of these is there, every preference but leader falls back on a node that is not ready (a clone, or one
that is catching up); a client that asks for the leader waits for an election instead.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rxpump.discovery.member import Member, NodeState
from rxpump.model.nodes import NodePreference


class Verdict(StrEnum):
    """The reason why a member was chosen or not."""

    CHOSEN = "chosen"
    EQUAL = "as good as the chosen one"
    WORSE = "not as good as the chosen one"
    NOT_WANTED = "in a state that is not wanted"
    NOT_READY = "not ready"
    NOT_ALIVE = "not alive"
    UNREACHABLE = "has no address for this kind of connection"
    DISTRUSTED = "failed a short time ago"


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision, and the reasons for it.

    Attributes:
        member: The node to connect to, or None if no member will do.
        verdicts: Each member, with the reason why it was chosen or not.
    """

    member: Member | None
    verdicts: tuple[tuple[Member, Verdict], ...]

    def __str__(self) -> str:
        return "; ".join(f"{member}: {verdict}" for member, verdict in self.verdicts) or "the gossip has no members"


READY: Final = frozenset({NodeState.LEADER, NodeState.FOLLOWER, NodeState.READ_ONLY_REPLICA})
"""States in which a node knows all of the log but for a short lag."""

_ORDERS: Final[Mapping[NodePreference, tuple[Collection[NodeState], ...]]] = {
    NodePreference.LEADER: ({NodeState.LEADER},),
    NodePreference.FOLLOWER: ({NodeState.FOLLOWER}, {NodeState.LEADER}, {NodeState.READ_ONLY_REPLICA}),
    NodePreference.READ_ONLY_REPLICA: (
        {NodeState.READ_ONLY_REPLICA},
        {NodeState.READ_ONLY_LEADERLESS},
        {NodeState.FOLLOWER},
        {NodeState.LEADER},
    ),
    NodePreference.RANDOM: (READY,),
}
_LAST: Final = 100
"""Added to the rank of a member that failed a short time ago."""


def choose(
    members: Iterable[Member],
    preference: NodePreference = NodePreference.LEADER,
    *,
    distrusted: Callable[[Member], bool] = lambda member: False,
    suspected: Callable[[Member], bool] = lambda member: False,
    is_reachable: Callable[[Member], bool] = lambda member: True,
    chance: random.Random | None = None,
) -> Choice:
    """Choose the best member.

    Args:
        members: The nodes of the cluster, as `merge` returns them.
        preference: The kind of node that is wanted.
        distrusted: Whether a member failed so short a time ago that gossip alone is not believed.
        suspected: Whether a member failed a short time ago, but has answered for itself since.
        is_reachable: Whether a member has an address for the kind of connection that is wanted.
        chance: Source of chance between equals. By default that of the module `random`.

    Returns:
        The decision, and the reason for each member.
    """

    def rank_of(member: Member) -> int | Verdict:
        if not member.is_alive:
            return Verdict.NOT_ALIVE
        if not is_reachable(member):
            return Verdict.UNREACHABLE
        if distrusted(member):
            return Verdict.DISTRUSTED
        rank = _rank_of_state(member.state, preference)
        if rank is None:
            return Verdict.NOT_WANTED if member.state in READY else Verdict.NOT_READY
        return rank + _LAST if suspected(member) else rank

    ranked = [(member, rank_of(member)) for member in members]
    ranks = [rank for _, rank in ranked if isinstance(rank, int)]
    best = min(ranks, default=None)
    equals = [member for member, rank in ranked if best is not None and rank == best]
    chosen = (chance or random).choice(equals) if equals else None

    def verdict(member: Member, rank: int | Verdict) -> Verdict:
        if isinstance(rank, Verdict):
            return rank
        if member is chosen:
            return Verdict.CHOSEN
        return Verdict.EQUAL if rank == best else Verdict.WORSE

    return Choice(chosen, tuple((member, verdict(member, rank)) for member, rank in ranked))


def _rank_of_state(state: NodeState, preference: NodePreference) -> int | None:
    """Return the place of a state in the order of a preference, 0 the best; None if such a node is not chosen."""
    return next((rank for rank, states in enumerate(_ORDERS[preference]) if state in states), None)
