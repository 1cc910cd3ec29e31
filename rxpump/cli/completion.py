"""The command `rxpump completion`, which writes a shell script that completes commands and options."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

COMPLETE_VARIABLE: Final = "_RXPUMP_COMPLETE"
"""Environment variable with which the shell script requests completions from the command."""


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Write a script that completes commands and options in SHELL.

    For bash: add eval "$(rxpump completion bash)" to ~/.bashrc. For zsh: add eval "$(rxpump completion zsh)" to
    ~/.zshrc. For fish: run rxpump completion fish > ~/.config/fish/completions/rxpump.fish
    """
    complete = get_completion_class(shell)
    assert complete is not None
    script = complete(context.find_root().command, {}, "rxpump", COMPLETE_VARIABLE).source()
    # The script for fish splits a line at each comma, so a description would end at its first one.
    click.echo(script.replace('string split "," ', 'string split --max 1 "," '))
