"""Choose a node of a cluster.

`choose` is a pure function from members to a decision. It ranks the members by the order of states of a preference,
skips members that are not alive or are distrusted, and chooses at random between equals.

    preference          order of states
    leader              leader
    follower            follower, leader, read-only replica
    read_only_replica   read-only replica, follower, leader
    random              leader, follower and read-only replica alike

If no node is in one of these states, every preference except leader accepts a node that is not ready (a clone, or a
node that is catching up). A client that prefers the leader waits for an election instead.
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
    """Reason why a member was chosen or not chosen."""

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
        member: The node to connect to, or None if no member can be used.
        verdicts: Each member, with the reason why it was chosen or not.
    """

    member: Member | None
    verdicts: tuple[tuple[Member, Verdict], ...]

    def __str__(self) -> str:
        return "; ".join(f"{member}: {verdict}" for member, verdict in self.verdicts) or "the gossip has no members"


READY: Final = frozenset({NodeState.LEADER, NodeState.FOLLOWER, NodeState.READ_ONLY_REPLICA})
"""States in which a node has the whole log, except for the events of the last moments."""

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
"""Number added to the rank of a member that failed a short time ago, so that it comes after all others."""


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
        distrusted: Function that returns whether a member failed a short time ago and has not answered since.
        suspected: Function that returns whether a member failed a short time ago. Such a member is chosen last.
        is_reachable: Function that returns whether a member has an address for the wanted kind of connection.
        chance: Random generator that chooses between equals. By default that of the module `random`.

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
    """Return the rank of a state for a preference, from 0 for the best; None if such a node is never chosen."""
    return next((rank for rank, states in enumerate(_ORDERS[preference]) if state in states), None)
