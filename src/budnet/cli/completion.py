"""budnet completion"""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    \b
    Example:
      budnet completion bash > ~/.local/share/bash-completion/completions/budnet
    """
    found = get_completion_class(shell)
    assert found is not None, "click has a class for each of its shells"
    click.echo(found(ctx.find_root().command, {}, "budnet", "_BUDNET_COMPLETE").source())
