"""Find a node of a cluster: gossip documents, the rules of choosing, and photon-pump's selectors."""

from rxpump.discovery.choosing import Choice, NodePreference, Verdict, choose
from rxpump.discovery.gossip import Gossip, MalformedGossip, merge, parse_gossip
from rxpump.discovery.member import Endpoint, Member, NodeState
from rxpump.discovery.selectors import Selector, prefer_master, prefer_replica, select_random

__all__ = [
    "Choice",
    "Endpoint",
    "Gossip",
    "MalformedGossip",
    "Member",
    "NodePreference",
    "NodeState",
    "Selector",
    "Verdict",
    "choose",
    "merge",
    "parse_gossip",
    "prefer_master",
    "prefer_replica",
    "select_random",
]
