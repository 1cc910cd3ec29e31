"""The selectors of photon-pump: functions that choose one of the eligible members.

A program can pass any function of this kind as `connect(selector=...)`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from rxpump.discovery.member import Member, NodeState

Selector = Callable[[Sequence[Member]], Member | None]
"""A function that is given the members that are alive and ready, and returns one of them, or None."""


def prefer_master(members: Sequence[Member]) -> Member:
    """Return the leader, or the best other member if there is no leader."""
    return max(members, key=lambda member: member.state)


def prefer_replica(members: Sequence[Member]) -> Member:
    """Return a member at random that is not the leader, or the leader if there is no other."""
    return random.choice([member for member in members if member.state is not NodeState.LEADER] or list(members))


def select_random(members: Sequence[Member]) -> Member:
    """Return a member at random."""
    return random.choice(list(members))
