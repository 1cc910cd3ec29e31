"""Find the node of a cluster to connect to, for any protocol.

A transport calls `find` before each attempt to connect, and reports how the attempt ended (`memory`). While it is
connected, it calls `check` from time to time.

    discovery = Discovery(seeds, settings, tcp_address)
    node = await discovery.find()               # DiscoveryFailed: wait `pause()` seconds, then try again
    discovery.memory.note_failure(node.address, "connection refused", now)
    reason = await discovery.check(node.address)  # empty: stay
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from rxpump.discovery.asking import ask_all, resolve
from rxpump.discovery.choosing import Choice
from rxpump.discovery.cluster_view import AddressOf, Answer, ClusterView, http_address
from rxpump.discovery.host_overrides import overridden
from rxpump.discovery.member import Address, Endpoint, Member
from rxpump.discovery.node_memory import NodeMemory
from rxpump.discovery.retry_policy import KEEP_RETRYING, DiscoveryRetryPolicy
from rxpump.discovery.selectors import Selector
from rxpump.errors import DiscoveryFailed
from rxpump.model.nodes import NodePreference
from rxpump.model.status import Discovered, NodeAnswer, NodeVerdict
from rxpump.settings import Settings

Ask = Callable[[Sequence[Endpoint], float], Awaitable[Sequence[Answer]]]
"""A function that requests gossip from the nodes at the given addresses. Each must answer in the given seconds."""


@dataclass(frozen=True, slots=True)
class ChosenNode:
    """The node to connect to.

    Attributes:
        address: Host and port for the protocol of the connection.
        member: The node as gossip describes it.
    """

    address: Address
    member: Member


class Discovery:
    """Finds nodes of one cluster.

    Args:
        seeds: Hosts that the user named, with the ports on which they answer requests for gossip.
        settings: Settings of the client.
        address_of: Function that returns the advertised address of a member for the protocol of the connection.
        tls: Context for gossip over HTTPS, or None for HTTP.
        selector: Function of the user that chooses a node instead of the preference of the settings, or None.
        retry_policy: Pauses between rounds. By default they follow the settings.
        ask: Function that requests gossip. The default requests it over HTTP.

    Attributes:
        name: Description of the cluster for errors.
        memory: Experience with each node, by the address at which it is connected to.
        view: Members of the cluster as of the last round.
        choice: Last choice, with the reason for each member; None before the first.
    """

    def __init__(
        self,
        seeds: Sequence[Endpoint],
        settings: Settings,
        address_of: AddressOf,
        *,
        tls: ssl.SSLContext | None = None,
        selector: Selector | None = None,
        retry_policy: DiscoveryRetryPolicy | None = None,
        ask: Ask | None = None,
    ) -> None:
        self.name: str = f"the cluster at {', '.join(map(str, seeds))}"
        self._settings = settings
        self._tls = tls
        self._ask = ask or self._ask_over_http
        self._policy = retry_policy or _policy_of(settings)
        self._rounds = 0
        self._timeout = settings.gossip_timeout
        self.choice: Choice | None = None
        self.view: ClusterView = ClusterView(
            seeds,
            NodePreference(settings.node_preference),
            selector,
            address_of=self._reachable(address_of),
            gossip_address_of=self._reachable(http_address),
        )

    @property
    def memory(self) -> NodeMemory:
        """Experience with each node, by the address at which it is connected to."""
        return self.view.memory

    @property
    def intervals(self) -> tuple[float, float]:
        """Seconds between two requests for gossip while connected, and least seconds between two rounds."""
        return self._settings.node_check_interval, self._settings.gossip_interval

    async def find(self) -> ChosenNode:
        """Request gossip from all known nodes, and choose one.

        Raises:
            DiscoveryFailed: No node can be used now. `pause` returns the time to wait.
        """
        await self.refresh()
        self.choice = choice = self.view.choose(_now())
        address = None if choice.member is None else self.view.address_of(choice.member)
        if choice.member is None or address is None:
            self._rounds += 1
            raise DiscoveryFailed(self.name, self._rounds, self.explain() or "it has no nodes")
        self._rounds = 0
        return ChosenNode(address, choice.member)

    def pause(self) -> float | None:
        """Return the seconds to wait after a round without a usable node; None if the client gives up."""
        return self._policy.delay(max(self._rounds, 1))

    async def check(self, address: Address) -> str:
        """Request gossip from all known nodes while there is a connection.

        Args:
            address: Address of the connected node.

        Returns:
            The reason to connect to another node; empty to stay connected.
        """
        await self.refresh()
        return self.view.reason_to_leave(address, _now())

    async def refresh(self) -> Sequence[Answer]:
        """Request gossip from all known nodes, and update the view. Return the answers.

        If no node answers, the nodes have twice as long in the next round, because all of them can be far away.
        """
        answers = await self._ask(self.view.candidates(), self._timeout)
        self.view.note_answers(answers, _now())
        least, most = self._settings.gossip_timeout, self._settings.connect_timeout
        has_answer = any(answer.gossip is not None for answer in answers)
        self._timeout = least if has_answer else max(least, min(2 * self._timeout, most))
        return answers

    def reachable(self, address: Address) -> Address:
        """Return the address to connect to instead of an advertised one, by the setting `host_overrides`."""
        return overridden(address, self._settings.host_overrides)

    def explain(self) -> str:
        """Return a text for errors: why each member cannot be used, and each answer. Empty before the first round."""
        problems = [str(answer) for answer in self.view.answers if answer.gossip is None]
        members = [str(self.choice)] if self.choice is not None and len(problems) < len(self.view.answers) else []
        experience = [recent] if (recent := self.memory.recent(_now())) else []
        return "; ".join((*members, *problems, *experience))

    def report(self, address: str | None) -> Discovered:
        """Return a status that describes the last round of requests for gossip.

        Args:
            address: Address of the chosen node as the transport writes it; None if there is none.
        """
        verdicts = () if self.choice is None else self.choice.verdicts
        return Discovered(
            address,
            tuple(NodeAnswer(str(answer.endpoint), answer.text) for answer in self.view.answers),
            tuple(
                NodeVerdict(str(member.external_http), str(member.state), verdict.value)
                for member, verdict in verdicts
            ),
        )

    async def _ask_over_http(self, endpoints: Sequence[Endpoint], timeout: float) -> Sequence[Answer]:
        targets, problems = await resolve(endpoints, timeout=timeout)
        name = self._settings.tls_server_name
        return [*problems, *await ask_all(targets, timeout=timeout, tls=self._tls, server_name=name)]

    def _reachable(self, address_of: AddressOf) -> AddressOf:
        def reachable_address_of(member: Member) -> Address | None:
            advertised = address_of(member)
            return None if advertised is None else self.reachable(advertised)

        return reachable_address_of

    def __repr__(self) -> str:
        return f"<Discovery of {self.name}, {self.view!r}>"


def for_leader(settings: Settings) -> Settings:
    """Return the settings of the second connection, which is for requests that only the leader serves."""
    return replace(settings, node_preference=NodePreference.LEADER, require_leader=True)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _policy_of(settings: Settings) -> DiscoveryRetryPolicy:
    """Return a policy whose pauses are about as long as the discovery interval of the settings."""
    interval = settings.gossip_interval
    return DiscoveryRetryPolicy(
        KEEP_RETRYING if settings.gossip_attempts is None else settings.gossip_attempts,
        retry_interval=interval,
        jitter=interval / 4,
        multiplier=1.0,
        max_interval=interval,
    )
