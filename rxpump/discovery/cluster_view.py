"""The members of a cluster as the client knows them, and the choice of a node.

A view outlives connections. It knows the seeds that the user named and the members of the last gossip, and it
remembers which nodes have failed. Gossip alone is not enough, because the followers of a leader that hangs continue
to name it for a long time (`docs/protocol/tcp.md`, section 4.14). A node that failed is distrusted for a while,
unless it has answered for itself since.

The view uses no event loop and no clock. Callers pass the time in seconds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rxpump.discovery.choosing import READY, Choice, NodePreference, Verdict, choose
from rxpump.discovery.gossip import Gossip, merge
from rxpump.discovery.member import Endpoint, Member
from rxpump.discovery.selectors import Selector

DISTRUST_SECONDS: Final = 5.0
"""Seconds for which a node that failed is distrusted, unless it answers a request for gossip."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Result of a request for gossip to one node.

    Attributes:
        endpoint: HTTP address that was asked.
        gossip: Gossip of the node, or None if it did not answer.
        problem: Reason why it did not answer; empty if it did.
    """

    endpoint: Endpoint
    gossip: Gossip | None = None
    problem: str = ""

    def __str__(self) -> str:
        if self.gossip is None:
            return f"{self.endpoint}: {self.problem}"
        return f"{self.endpoint}: {', '.join(map(str, self.gossip.members)) or 'no members'}"


@dataclass(slots=True)
class ClusterView:
    """The client's knowledge of a cluster.

    Attributes:
        seeds: HTTP addresses that the user named.
        preference: The kind of node that is wanted.
        selector: Function of the user that chooses a node instead of `preference`, or None.
        is_reachable: Whether a member has an address for the kind of connection that is wanted.
        chance: Random generator that decides between equal nodes.
        members: Every node that the last answers named.
        answers: The last round of answers.
    """

    seeds: Sequence[Endpoint]
    preference: NodePreference = NodePreference.LEADER
    selector: Selector | None = None
    is_reachable: Callable[[Member], bool] = lambda member: True
    chance: random.Random = field(default_factory=random.Random)
    members: tuple[Member, ...] = ()
    answers: tuple[Answer, ...] = ()
    _failed_at: dict[str, float] = field(default_factory=dict)

    def candidates(self) -> list[Endpoint]:
        """Return the HTTP addresses to ask for gossip: the seeds and the members known, in random order."""
        known = [member.external_http for member in self.members if member.external_http.port]
        addresses = list(dict.fromkeys((*self.seeds, *known)))
        self.chance.shuffle(addresses)
        return addresses

    def note_answers(self, answers: Sequence[Answer]) -> None:
        """Update the members from one round of answers. A node that answered is no longer distrusted."""
        self.answers = tuple(answers)
        documents = [answer.gossip for answer in answers if answer.gossip is not None]
        for document in documents:
            if document.answerer is not None:
                self._failed_at.pop(_name(document.answerer), None)
        if documents:
            self.members = merge(documents)

    def note_failure(self, address: tuple[str, int], now: float) -> None:
        """Note that the node at a TCP address could not be connected to, or was lost."""
        member = self.member_at(address)
        if member is not None:
            self._failed_at[_name(member)] = now

    def note_success(self, address: tuple[str, int]) -> None:
        """Note that the node at a TCP address serves."""
        member = self.member_at(address)
        if member is not None:
            self._failed_at.pop(_name(member), None)

    def is_distrusted(self, address: tuple[str, int], now: float) -> bool:
        """Return whether the node at a TCP address failed a short time ago."""
        member = self.member_at(address)
        return member is not None and self._is_distrusted(member, now)

    def member_at(self, address: tuple[str, int]) -> Member | None:
        """Return the member that has this address for clients over TCP, with TLS or without."""
        return next((member for member in self.members if address in tcp_addresses(member)), None)

    def choose(self, now: float) -> Choice:
        """Decide which node to connect to now."""

        def distrusted(member: Member) -> bool:
            return self._is_distrusted(member, now)

        choice = choose(
            self.members,
            self.preference if self.selector is None else NodePreference.RANDOM,
            distrusted=distrusted,
            is_reachable=self.is_reachable,
            chance=self.chance,
        )
        return choice if self.selector is None else _select(choice, self.selector)

    def _is_distrusted(self, member: Member, now: float) -> bool:
        failed_at = self._failed_at.get(_name(member))
        return failed_at is not None and now - failed_at < DISTRUST_SECONDS

    def __repr__(self) -> str:
        return f"<ClusterView {len(self.seeds)} seeds, {len(self.members)} members, {len(self._failed_at)} failed>"


def tcp_addresses(member: Member) -> tuple[tuple[str, int], ...]:
    """Return the addresses of a member for clients over TCP."""
    at = member.external_tcp
    return tuple((at.address, port) for port in (at.port, at.secure_port) if port)


def _select(choice: Choice, selector: Selector) -> Choice:
    """Let the function of the user choose one of the eligible members."""
    fit = {Verdict.CHOSEN, Verdict.EQUAL, Verdict.WORSE}
    eligible = [member for member, verdict in choice.verdicts if verdict in fit]
    ready = [member for member in eligible if member.state in READY] or eligible
    chosen = selector(ready) if ready else None

    def verdict_of(member: Member, verdict: Verdict) -> Verdict:
        if verdict not in fit:
            return verdict
        return Verdict.CHOSEN if member is chosen else Verdict.WORSE

    return Choice(chosen, tuple((member, verdict_of(member, verdict)) for member, verdict in choice.verdicts))


def _name(member: Member) -> str:
    return str(member.external_http)
