"""The command `rxpump cluster`, which prints the nodes of a cluster."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Final

import click

from rxpump.cli.loop import run
from rxpump.discovery import DiscoveryFailed, Endpoint, Member
from rxpump.discovery.discovery import Discovery
from rxpump.errors import RxPumpError
from rxpump.grpc.dialer import Dialer
from rxpump.grpc.nodes import GrpcClusterNodes
from rxpump.settings import Settings
from rxpump.tcp.cluster_resolver import ClusterResolver
from rxpump.uri import Address, ClusterAddress, GrpcAddress, TcpAddress, parse

_UNUSABLE: Final = 1
_UNANSWERED: Final = 2


@click.command()
@click.argument("uri")
def cluster(uri: str) -> None:
    """Print the nodes of a cluster, and the node that a client with this URI connects to.

    URI is a connection string such as tcp+discover://node1:2113,node2:2113 or kurrentdb+discover://node1,node2, with
    the options that a client has. With tcp://HOST the node is asked at the port of the option http_port. The exit
    status is 0 if a client can connect, 1 if no node can be used now, and 2 if no node answers.
    """
    try:
        discovery = _discovery(*parse(uri))
        chosen = run(_choose(discovery))
    except RxPumpError as error:
        raise click.ClickException(str(error)) from error
    if discovery.view.members:
        for line in _aligned([*_rows(discovery, chosen)]):
            click.echo(line)
    for answer in discovery.view.answers:
        if answer.gossip is None:
            click.echo(f"No answer from {answer}")
    sys.exit(_status(discovery, chosen))


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


async def _choose(discovery: Discovery) -> Member | None:
    """Ask the seeds, then every node that they named, because a node knows itself best. Return the chosen node."""
    await discovery.refresh()
    try:
        return (await discovery.find()).member
    except DiscoveryFailed:
        return None


def _rows(discovery: Discovery, chosen: Member | None) -> Iterator[Sequence[str]]:
    """Yield the rows of the table, the titles of the columns first."""
    yield "node", "state", "address", "epoch", "written", "version", "chosen"
    for member, verdict in () if discovery.choice is None else discovery.choice.verdicts:
        address = discovery.view.address_of(member)
        yield (
            str(member.external_http),
            str(member.state) if member.is_alive else f"{member.state}, not alive",
            "none" if address is None else str(Endpoint(*address)),
            _number(member.epoch),
            _number(member.written),
            member.version or "",
            "yes" if member is chosen else f"no: {verdict.value}",
        )


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows as lines with aligned columns. Lines can be longer than the terminal is wide."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _number(value: int) -> str:
    return "" if value < 0 else f"{value:,}"


def _status(discovery: Discovery, chosen: Member | None) -> int:
    if chosen is not None:
        return 0
    has_answer = any(answer.gossip is not None for answer in discovery.view.answers)
    return _UNUSABLE if has_answer else _UNANSWERED
