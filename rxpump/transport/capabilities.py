"""Optional features of a protocol."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Capability(Enum):
    """A feature that only some protocols have. The value is its name in the message of NotSupported."""

    PING = "ping"
    TRANSACTIONS = "explicit transactions"
    MULTI_STREAM_APPEND = "atomic appends to several streams"
    INDEXES = "secondary indexes"
    GROUPS_ON_ALL = "consumer groups on $all"
    GROUP_INFO = "information about consumer groups"
    REPLAY_PARKED = "replay of parked events"
    REPLAY_SOME_PARKED = "replay of a number of parked events"
    TRUNCATE_PARKED = "removal of parked events"
    RESTART_GROUPS = "restart of consumer groups"
    SCAVENGE = "scavenging"
    STOP_SCAVENGE = "stopping a scavenge"
    SERVER_INFO = "version and features of the server"
    MEMBERS = "members of the cluster"
    STATISTICS = "statistics of the server"
    USERS = "management of users"
    PROJECTIONS = "management of projections"


@dataclass(frozen=True, slots=True)
class Lack:
    """Reason why a protocol lacks a capability, with an alternative.

    Attributes:
        reason: Clause that follows "because".
        alternative: Clause with an alternative, and with the version of the server that has the feature.
    """

    reason: str
    alternative: str
