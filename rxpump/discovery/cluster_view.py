"""The client's knowledge of the members of a cluster, and the choice of a node.

A view exists longer than a connection. It has the seeds that the user named and the members of the last gossip. It
combines the gossip with the client's own experience (`NodeMemory`), and chooses a node.

The view uses no event loop and no clock. Callers pass the time in seconds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from rxpump.discovery.choosing import Choice, Verdict, choose
from rxpump.discovery.gossip import Gossip, merge
from rxpump.discovery.member import Address, Endpoint, Member, NodeState
from rxpump.discovery.node_memory import NodeMemory
from rxpump.discovery.selectors import Selector
from rxpump.errors import InvalidArgument
from rxpump.model.nodes import NodePreference

_MOST_ASKED: Final = 64
"""Largest number of members to which one round sends requests besides the seeds. Clusters have a handful of nodes."""

MAX_LAG_SECONDS: Final = 5.0
"""Seconds by which a follower may be behind the leader before the client looks for another node."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Result of a request for gossip to one node.

    Attributes:
        endpoint: HTTP address to which the request was sent.
        gossip: Gossip of the node, or None if it did not answer.
        problem: Reason why it did not answer; empty if it did.
    """

    endpoint: Endpoint
    gossip: Gossip | None = None
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.text}"

    @property
    def text(self) -> str:
        """Description of the members that the node named, or the reason why it did not answer."""
        if self.gossip is None:
            return self.problem
        return ", ".join(map(str, self.gossip.members)) or "no members"


AddressOf = Callable[[Member], Address | None]
"""A function that returns the address of a member for one protocol, or None if it has none."""


def tcp_address(member: Member) -> Address | None:
    """Return the address of a member for clients over TCP without TLS."""
    return (member.external_tcp.address, member.external_tcp.port) if member.external_tcp.port else None


def secure_tcp_address(member: Member) -> Address | None:
    """Return the address of a member for clients over TCP with TLS."""
    at = member.external_tcp
    return (at.address, at.secure_port) if at.secure_port else None


def http_address(member: Member) -> Address | None:
    """Return the address of a member for clients over HTTP and gRPC."""
    at = member.external_http
    return (at.address, at.port) if at.port else None


@dataclass(slots=True)
class ClusterView:
    """The client's knowledge of a cluster.

    Attributes:
        seeds: HTTP addresses that the user named.
        preference: The kind of node that is wanted.
        selector: Function of the user that chooses a node instead of `preference`, or None.
        address_of: Address of a member for the protocol of the connection.
        gossip_address_of: Address of a member to which requests for gossip are sent.
        chance: Random generator that decides between equal nodes.
        memory: Experience with each node.
        members: Every node that the last answers named.
        answers: The last round of answers.
        senders: Addresses of the members that sent the answers, as `address_of` returns them.
    """

    seeds: Sequence[Endpoint]
    preference: NodePreference = NodePreference.LEADER
    selector: Selector | None = None
    address_of: AddressOf = tcp_address
    gossip_address_of: AddressOf = http_address
    chance: random.Random = field(default_factory=random.Random)
    memory: NodeMemory = field(default_factory=NodeMemory)
    members: tuple[Member, ...] = ()
    answers: tuple[Answer, ...] = ()
    senders: frozenset[Address] = frozenset()
    _progress: dict[Address, tuple[float, int]] = field(default_factory=dict)
    """For each follower, a time and the end of the leader's log at that time, which the follower has not reached."""

    def candidates(self) -> list[Endpoint]:
        """Return the addresses for requests for gossip, in random order: the seeds and up to _MOST_ASKED members."""
        known = [Endpoint(*at) for member in self.members if (at := self.gossip_address_of(member)) is not None]
        self.chance.shuffle(known)
        addresses = list(dict.fromkeys((*self.seeds, *known[:_MOST_ASKED])))
        self.chance.shuffle(addresses)
        return addresses

    def note_answers(self, answers: Sequence[Answer], now: float) -> None:
        """Update the members from one round of answers. A node that answered is no longer distrusted."""
        self.answers = tuple(answers)
        documents = [self._attributed(answer.gossip, answer.endpoint) for answer in answers if answer.gossip]
        senders = [self.address_of(document.answerer) for document in documents if document.answerer is not None]
        self.senders = frozenset(at for at in senders if at is not None)
        for at in self.senders:
            self.memory.note_answer(at)
        if any(document.members for document in documents):
            self.members = merge(documents)
            self._note_progress(now)

    def _attributed(self, gossip: Gossip, endpoint: Endpoint) -> Gossip:
        """Return gossip with the address of the node that sent it, if it does not name the node by an address.

        A node does not know the addresses that replace its own for this client.
        """
        if gossip.answerer is not None:
            return gossip
        asked = (endpoint.address, endpoint.port)
        sender = next((member for member in gossip.members if self.gossip_address_of(member) == asked), None)
        return gossip if sender is None else replace(gossip, source=sender.external_http)

    def member_at(self, address: Address) -> Member | None:
        """Return the member that has this address for the protocol of the connection."""
        return next((member for member in self.members if self.address_of(member) == address), None)

    def is_silent(self, address: Address) -> bool:
        """Return whether the member at an address did not answer in the last round, although others did."""
        has_silence = any(answer.gossip is None for answer in self.answers)
        return has_silence and bool(self.senders) and address not in self.senders

    def choose(self, now: float) -> Choice:
        """Choose the node to connect to now. A follower that lags behind comes after all others."""
        choice = choose(
            self.members,
            self.preference if self.selector is None else NodePreference.RANDOM,
            distrusted=lambda member: self.memory.is_distrusted(self._key(member), now),
            suspected=lambda member: self.memory.is_suspected(self._key(member), now) or self._lags(member, now),
            is_reachable=lambda member: self.address_of(member) is not None,
            chance=self.chance,
        )
        return choice if self.selector is None else _select(choice, self.selector)

    def reason_to_leave(self, address: Address, now: float) -> str:
        """Return the reason to leave the connected node for another one; an empty text if there is none.

        There is no reason while no other node is better, or while no node has answered.
        """
        choice = self.choose(now)
        best = choice.member
        if best is None:
            return ""
        member = self.member_at(address)
        if member is None:
            return f"{Endpoint(*address)} is not a member of the cluster"
        match dict(choice.verdicts)[member]:
            case Verdict.CHOSEN | Verdict.EQUAL:
                return ""
            case _ if self._lags(member, now):
                return f"{member.external_http} is more than {MAX_LAG_SECONDS:g} s behind the leader"
            case Verdict.WORSE if self.selector is not None:
                return ""
            case Verdict.WORSE | Verdict.NOT_WANTED:
                return f"{best} is preferred to {member}"
            case verdict:
                return f"{member} is {verdict.value}"

    def _note_progress(self, now: float) -> None:
        """Update for each follower whether it has reached the end that the leader's log had at an earlier time."""
        leader = next((each for each in self.members if each.is_alive and each.state is NodeState.LEADER), None)
        progress: dict[Address, tuple[float, int]] = {}
        for member in self.members if leader is not None else ():
            earlier = self._progress.get(self._key(member))
            if leader is not None and member.written < leader.written:
                still_behind = earlier is not None and member.written < earlier[1]
                progress[self._key(member)] = earlier if earlier and still_behind else (now, leader.written)
        self._progress = progress

    def _lags(self, member: Member, now: float) -> bool:
        """Return whether a follower lacks bytes that the leader had written MAX_LAG_SECONDS ago."""
        progress = self._progress.get(self._key(member))
        return progress is not None and member.state is not NodeState.LEADER and now - progress[0] > MAX_LAG_SECONDS

    def _key(self, member: Member) -> Address:
        return self.address_of(member) or (member.external_http.address, member.external_http.port)

    def __repr__(self) -> str:
        return f"<ClusterView {len(self.seeds)} seeds, {len(self.members)} members, {self.memory!r}>"


def _select(choice: Choice, selector: Selector) -> Choice:
    """Return the choice of the user's function among the eligible members."""
    fit = {Verdict.CHOSEN, Verdict.EQUAL, Verdict.WORSE}
    eligible = [member for member, verdict in choice.verdicts if verdict in fit]
    chosen = selector(eligible) if eligible else None
    if chosen is not None and chosen not in eligible:
        raise InvalidArgument("result of selector", chosen, "one of the members that it was given, or None")

    def verdict_of(member: Member, verdict: Verdict) -> Verdict:
        if verdict not in fit:
            return verdict
        return Verdict.CHOSEN if member == chosen else Verdict.WORSE

    return Choice(chosen, tuple((member, verdict_of(member, verdict)) for member, verdict in choice.verdicts))
