"""budnet down"""

from __future__ import annotations

import click

from budnet.cli.output import name_option
from budnet.errors import NoTwin
from budnet.twin.lab import Twin


@click.command()
@name_option
def command(name: str) -> None:
    """Take the twin down. Where none is up, there is nothing to do.

    \b
    Example:
      budnet down --name other
    """
    try:
        Twin(name).down()
    except NoTwin:
        click.echo(f"no twin named {name} is up")
        return
    click.echo(f"{name} is down: nothing is left")
