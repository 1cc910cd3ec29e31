"""The `rxpump` command and its subcommands."""

import click

from rxpump.cli.append import append
from rxpump.cli.check import check
from rxpump.cli.cluster import cluster
from rxpump.cli.completion import completion
from rxpump.cli.copy import copy
from rxpump.cli.delete import delete, metadata, scavenge
from rxpump.cli.groups import groups
from rxpump.cli.overview import info, streams
from rxpump.cli.read import read
from rxpump.cli.serve import serve
from rxpump.cli.tail import tail
from rxpump.cli.watching import stats, top


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rxpump")
def rxpump() -> None:
    """Read, follow and write the streams of an event store, and manage it."""


_COMMANDS = (
    *(read, tail, append, copy),
    *(streams, info, stats, top, groups, cluster),
    *(delete, metadata, scavenge),
    *(serve, check, completion),
)
for _command in _COMMANDS:
    rxpump.add_command(_command)
