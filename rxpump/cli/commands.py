"""The `rxpump` command and its subcommands."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

MODULES: Final = {
    "read": "read",
    "tail": "tail",
    "append": "append",
    "copy": "copy",
    "streams": "overview",
    "info": "overview",
    "stats": "watching",
    "top": "watching",
    "groups": "groups",
    "cluster": "cluster",
    "delete": "delete",
    "metadata": "delete",
    "scavenge": "delete",
    "serve": "serve",
    "ui": "ui",
    "check": "check",
    "completion": "completion",
}
"""Subcommands in the order of the help, each with the module of this package that has a click command of its name."""


class Commands(click.Group):
    """A group that imports a subcommand when it is used, so that it does not wait for the modules of the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the subcommands."""
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a subcommand, None if there is none of this name."""
        module = MODULES.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(import_module(f"rxpump.cli.{module}"), cmd_name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rxpump")
def rxpump() -> None:
    """Read, follow and write the streams of an event store, and manage it."""
