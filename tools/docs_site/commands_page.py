"""The page of all commands of the command line."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Final

import click

from rxpump.cli.commands import rxpump
from tools.docs_site.tables import code, table

_INTRODUCTION: Final = """\
# Commands

`rxpump COMMAND --help` shows the same in a terminal. [The command line](../command-line.md) has examples, the
format of the output, and the meaning of the exit statuses.
"""


def render() -> str:
    """Return the page in Markdown."""
    return "\n".join([_INTRODUCTION, *(_section(name, command) for name, command in commands())])


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its full name, such as "rxpump groups list"."""
    yield from _subcommands("rxpump", rxpump)


def _subcommands(name: str, group: click.Group) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for each in group.list_commands(context):
        command = group.get_command(context, each)
        assert command is not None, each
        yield f"{name} {each}", command
        if isinstance(command, click.Group):
            yield from _subcommands(f"{name} {each}", command)


def _section(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    records = [record for each in command.params if (record := each.get_help_record(context))]
    rows = [[code(names), " ".join(text.split())] for names, text in records if text]  # arguments have no text
    parts = [
        f"{'#' * name.count(' ')}# {name}",
        f"```text\n{usage}\n```",
        _paragraphs(command.help or ""),
        table(["Option", "Meaning"], rows) if rows else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _paragraphs(text: str) -> str:
    """Return a help text without the marks of click for paragraphs that keep their lines."""
    kept = inspect.cleandoc(text.partition("\f")[0])
    return re.sub(r"\x08\n((?:.+\n?)+)", lambda match: f"```text\n{match[1].rstrip()}\n```", kept)
