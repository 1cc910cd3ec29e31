"""The `rxpump` command and its subcommands."""

import click

from rxpump.cli.append import append
from rxpump.cli.check import check
from rxpump.cli.cluster import cluster
from rxpump.cli.copy import copy
from rxpump.cli.delete import delete, metadata, scavenge
from rxpump.cli.overview import info, streams
from rxpump.cli.read import read
from rxpump.cli.serve import serve
from rxpump.cli.tail import tail


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rxpump")
def rxpump() -> None:
    """Read, follow and write the streams of an event store, and manage it."""


for _command in (read, tail, append, copy, streams, info, delete, metadata, scavenge, cluster, serve, check):
    rxpump.add_command(_command)
