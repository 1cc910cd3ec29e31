"""Find a node of a cluster: read gossip documents, and choose a node by rules or by photon-pump's selectors."""

from rxpump.discovery.choosing import Choice, Verdict, choose
from rxpump.discovery.cluster_view import Answer, http_address, secure_tcp_address, tcp_address
from rxpump.discovery.discovery import ChosenNode, Discovery, for_leader
from rxpump.discovery.gossip import Gossip, MalformedGossip, merge, parse_gossip
from rxpump.discovery.member import Address, Endpoint, Member, NodeState
from rxpump.discovery.node_memory import NodeMemory
from rxpump.discovery.retry_policy import KEEP_RETRYING, DiscoveryRetryPolicy
from rxpump.discovery.selectors import Selector, prefer_master, prefer_replica, select_random
from rxpump.errors import DiscoveryFailed
from rxpump.model.nodes import NodePreference

__all__ = [
    "KEEP_RETRYING",
    "Address",
    "Answer",
    "Choice",
    "ChosenNode",
    "Discovery",
    "DiscoveryFailed",
    "DiscoveryRetryPolicy",
    "Endpoint",
    "Gossip",
    "MalformedGossip",
    "Member",
    "NodeMemory",
    "NodePreference",
    "NodeState",
    "Selector",
    "Verdict",
    "choose",
    "for_leader",
    "http_address",
    "merge",
    "parse_gossip",
    "prefer_master",
    "prefer_replica",
    "secure_tcp_address",
    "select_random",
    "tcp_address",
]
