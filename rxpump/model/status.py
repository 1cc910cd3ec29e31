"""States of the connection of a client, as `client.status` emits them."""

from __future__ import annotations

from dataclasses import dataclass

from rxpump.errors import RxPumpError


@dataclass(frozen=True, slots=True)
class Idle:
    """`connect()` was not called yet."""


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """The answer of one node of a cluster to a request for gossip.

    Attributes:
        address: HTTP address to which the request was sent, as host:port.
        text: The nodes that it named with their states, or the reason why it did not answer.
    """

    address: str
    text: str


@dataclass(frozen=True, slots=True)
class NodeVerdict:
    """The reason why a node of a cluster was chosen or not chosen.

    Attributes:
        address: HTTP address of the node, as host:port.
        state: State of the node: "leader", "follower", "catching up", ...
        text: The reason.
    """

    address: str
    state: str
    text: str


@dataclass(frozen=True, slots=True)
class Discovered:
    """Gossip was requested from the nodes of a cluster, and one of them was chosen or none.

    Attributes:
        address: Address of the chosen node, as in `Connecting`; None if no node can be used now.
        answers: Answer of each node.
        verdicts: Why each node was chosen or not.
    """

    address: str | None
    answers: tuple[NodeAnswer, ...]
    verdicts: tuple[NodeVerdict, ...]


@dataclass(frozen=True, slots=True)
class Connecting:
    """A connection is being made.

    Attributes:
        address: Address of the node, as tcp://host:port or kurrentdb://host:port.
    """

    address: str


@dataclass(frozen=True, slots=True)
class Connected:
    """The connection is open, and requests are sent.

    Attributes:
        address: Address of the node, as tcp://host:port or kurrentdb://host:port.
    """

    address: str


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The connection was lost, and the client waits before the next attempt.

    Attributes:
        attempt: Number of the next attempt, from 1.
        delay: Seconds until that attempt.
        reason: Why the connection was lost, or why the last attempt failed.
    """

    attempt: int
    delay: float
    reason: RxPumpError


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection is closed, and no attempt follows.

    Attributes:
        reason: Why the client stopped trying to connect; None if the program closed the client.
    """

    reason: RxPumpError | None = None


Status = Idle | Discovered | Connecting | Connected | Reconnecting | Closed
