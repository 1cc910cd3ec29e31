"""The list of subcommands of the `rxpump` command."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from rxpump.cli.commands import MODULES, rxpump
from tests.cli.processes import run_here


@pytest.mark.parametrize("name", MODULES)
def test_a_subcommand_has_help_for_each_option(name: str) -> None:
    command = rxpump.get_command(click.Context(rxpump), name)
    assert command is not None
    assert (command.name, bool(command.help)) == (name, True)
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("group", [(), ("groups",), ("groups", "parked"), ("metadata",)])
def test_no_summary_of_a_command_is_cut(group: tuple[str, ...]) -> None:
    _, commands, summaries = run_here(*group, "--help", COLUMNS="80").stdout.decode().partition("Commands:")
    assert commands
    assert "..." not in summaries


def test_an_unknown_subcommand_is_refused() -> None:
    done = subprocess.run([sys.executable, "-m", "rxpump", "reed"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "No such command 'reed'" in done.stderr


def test_a_command_loads_no_server() -> None:
    program = "import sys; import rxpump.cli.read; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "rxpump.cli.read" in loaded
    assert {"rxpump.server", "rxpump.cli.serve"} & loaded == set()
