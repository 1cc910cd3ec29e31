"""The command line: one subcommand a file."""

import click

from rxpump.cli.check import check
from rxpump.cli.serve import serve


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rxpump")
def rxpump() -> None:
    """ReactiveX for Event Store."""


rxpump.add_command(serve)
rxpump.add_command(check)
