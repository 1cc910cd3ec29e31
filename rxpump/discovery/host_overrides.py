"""Replace advertised addresses that the client cannot reach, for example because of NAT."""

from __future__ import annotations

from collections.abc import Mapping

from rxpump.discovery.member import Address, Endpoint
from rxpump.model.nodes import split_host


def overridden(address: Address, overrides: Mapping[str, str]) -> Address:
    """Return the address to connect to for an advertised one.

    Args:
        address: Host and port that gossip or a node has named.
        overrides: `host` or `host:port` as advertised, and the `host` or `host:port` to use instead. An entry with
            a port has priority over one without.
    """
    host, port = address
    instead = overrides.get(str(Endpoint(host, port))) or overrides.get(host)
    if instead is None:
        return address
    reachable, other_port = split_host(instead)
    return reachable, port if other_port is None else other_port
