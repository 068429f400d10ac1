"""budnet logs"""

from __future__ import annotations

import click

from budnet.cli.output import name_option
from budnet.twin.lab import Twin


@click.command()
@name_option
@click.argument("node")
def command(name: str, node: str) -> None:
    """Print what the real server at NODE wrote.

    \b
    Example:
      budnet logs postgresql
    """
    twin = Twin(name)
    servers = [s["id"] for s in twin.status()["servers"]]
    full = next((s for s in servers if node in (s, s.rpartition("/")[2])), node)
    click.echo(twin.logs(full), nl=False)
