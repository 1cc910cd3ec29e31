"""The `rxpump` command and its subcommands."""

import click

from rxpump.cli.check import check
from rxpump.cli.cluster import cluster
from rxpump.cli.serve import serve


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rxpump")
def rxpump() -> None:
    """Run and check an embedded event store that clients of Event Store can use."""


rxpump.add_command(serve)
rxpump.add_command(check)
rxpump.add_command(cluster)
