"""The command `rxpump cluster`, which lists the nodes of a cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import click

from rxpump.cli.exits import ending_in_order
from rxpump.cli.loop import run
from rxpump.cli.output import Output
from rxpump.cli.store_command import DEFAULT_URI, json_option
from rxpump.discovery import DiscoveryFailed, Endpoint
from rxpump.discovery.choosing import Verdict
from rxpump.discovery.discovery import Discovery
from rxpump.grpc.dialer import Dialer
from rxpump.grpc.nodes import GrpcClusterNodes
from rxpump.settings import Settings
from rxpump.tcp.cluster_resolver import ClusterResolver
from rxpump.uri import Address, ClusterAddress, GrpcAddress, TcpAddress, parse

_COLUMNS: Final = ("node", "state", "alive", "address", "epoch", "written", "version", "chosen", "reason")


@click.command()
@click.argument("uri", envvar="RXPUMP_URI", default=DEFAULT_URI)
@json_option
def cluster(uri: str, is_json: bool | None) -> None:
    """List the nodes of a cluster, and show which one a client uses.

    URI is a connection string such as tcp+discover://node1:2113,node2:2113 or kurrentdb+discover://node1,node2, with
    the options that a client has. The default is the variable RXPUMP_URI. With tcp://HOST the request goes to the
    port of the option http_port of that node. Nodes that do not answer are listed on standard error. If a client
    cannot connect to any node, the exit status is 5.
    """
    with ending_in_order():
        discovery = _discovery(*parse(uri))
        failure = run(_ask(discovery))
        rows = list(_rows(discovery))
        Output(is_json).rows(rows, _shown_columns(rows))
        for answer in discovery.view.answers:
            if answer.gossip is None:
                click.echo(f"No answer from {answer}", err=True)
        if failure is not None:
            raise failure


def _discovery(address: Address, settings: Settings) -> Discovery:
    match address:
        case GrpcAddress():
            return GrpcClusterNodes(address, Dialer.to(address, settings), settings).discovery
        case ClusterAddress():
            return ClusterResolver(address, settings).discovery
        case TcpAddress():
            seeds = ClusterAddress(((address.host, settings.http_port),))
            return ClusterResolver(seeds, settings).discovery
        case _:
            raise click.UsageError(
                f"{address} is not a cluster; use tcp+discover://HOST:PORT, tcp://HOST or kurrentdb+discover://HOST"
            )


async def _ask(discovery: Discovery) -> DiscoveryFailed | None:
    """Request gossip from the seeds, then from all nodes that they named, and choose a node.

    The second round is necessary because the description that a node sends of itself is the most exact one.

    Returns:
        The error if no node can be used, otherwise None.
    """
    await discovery.refresh()
    try:
        await discovery.find()
    except DiscoveryFailed as error:
        return error
    return None


def _shown_columns(rows: list[dict[str, Any]]) -> list[str]:
    """Return the columns in which some node has a value."""
    return [column for column in _COLUMNS if not rows or any(row[column] is not None for row in rows)]


def _rows(discovery: Discovery) -> Iterator[dict[str, Any]]:
    for member, verdict in () if discovery.choice is None else discovery.choice.verdicts:
        address = discovery.view.address_of(member)
        yield {
            "node": str(member.external_http),
            "state": str(member.state),
            "alive": member.is_alive,
            "address": None if address is None else str(Endpoint(*address)),
            "epoch": member.epoch if member.epoch >= 0 else None,
            "written": member.written if member.written >= 0 else None,
            "version": member.version,
            "chosen": verdict is Verdict.CHOSEN,
            "reason": verdict.value,
        }
