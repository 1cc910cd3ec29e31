"""Find a node of a cluster: the members, selectors and the retry policy for programs.

The names here are those that programs use. The modules of this package contain the rules that transports use.
"""

from rxpump.discovery.member import Endpoint, Member, NodeState
from rxpump.discovery.retry_policy import KEEP_RETRYING, DiscoveryRetryPolicy
from rxpump.discovery.selectors import Selector, prefer_master, prefer_replica, select_random
from rxpump.errors import DiscoveryFailed
from rxpump.model.nodes import NodePreference

__all__ = [
    "KEEP_RETRYING",
    "DiscoveryFailed",
    "DiscoveryRetryPolicy",
    "Endpoint",
    "Member",
    "NodePreference",
    "NodeState",
    "Selector",
    "prefer_master",
    "prefer_replica",
    "select_random",
]
