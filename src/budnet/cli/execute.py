"""budnet exec"""

from __future__ import annotations

import sys

import click

from budnet.cli.output import name_option, wrong
from budnet.source.diagnostic import suggest
from budnet.twin.lab import Twin


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@name_option
@click.argument("node")
@click.argument("cmd", nargs=-1, required=True, type=click.UNPROCESSED)
def command(name: str, node: str, cmd: tuple[str, ...]) -> None:
    """Run CMD at NODE, with its addresses, its routes, its resolver and search list. Exits as CMD does.

    NODE is an endpoint's id or its last part. Files and programs are the machine's own.

    \b
    Examples:
      budnet exec budapp-0 ip route
      budnet exec budapp-0 getent hosts postgresql
      budnet exec internet/client getent hosts api.example.com
      budnet exec internet/admins ssh -F /run/budnet/ssh/config nodes-0 hostname
    """
    twin = Twin(name)
    status = twin.status()
    ids = [s["id"] for s in status["spaces"]]
    found = [i for i in ids if node in (i, i.rpartition("/")[2])]
    if not found:
        wrong(f"there is no node '{node}'. {suggest(node, ids + [i.rpartition('/')[2] for i in ids])}".strip())
    if len(found) > 1:
        wrong(f"'{node}' could be {', '.join(found)}")
    sys.exit(twin.exec(found[0], cmd))
