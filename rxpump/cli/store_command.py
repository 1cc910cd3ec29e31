"""The common parts of commands that use a store: the options URI and output format, and the exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, Final, ParamSpec

import click

from rxpump.blocking import BlockingClient
from rxpump.blocking import open as open_store
from rxpump.cli.decorators import Decorator
from rxpump.cli.exits import ending_in_order
from rxpump.cli.output import Output

DEFAULT_URI: Final = "tcp://127.0.0.1:1113"

P = ParamSpec("P")

uri_option: Decorator = click.option(
    "--uri",
    envvar="RXPUMP_URI",
    default=DEFAULT_URI,
    show_default=True,
    show_envvar=True,
    help="Connection string of the event store. A password in the variable is not shown in lists of processes.",
)
json_option: Decorator = click.option(
    "--json/--table",
    "is_json",
    default=None,
    help="Write JSON lines or readable text. Default: text if the output is a terminal.",
)
yes_option: Decorator = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


def store_command(function: Callable[Concatenate[BlockingClient, Output, P], None]) -> Callable[..., None]:
    """Return a command that calls `function` with a connected store, its output, and the arguments of the command."""

    @wraps(function)
    def command(uri: str, is_json: bool | None, *args: P.args, **kwargs: P.kwargs) -> None:
        with ending_in_order(), open_store(uri) as store:
            function(store, Output(is_json), *args, **kwargs)

    return uri_option(json_option(command))


def confirm(question: str, is_confirmed: bool) -> None:
    """Ask a question on the terminal, unless it was confirmed before by `--yes`.

    Raises:
        UsageError: There is no terminal to ask on.
        Abort: The answer is no.
    """
    if is_confirmed:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Pass --yes to confirm.")
    click.confirm(question, abort=True, err=True)
