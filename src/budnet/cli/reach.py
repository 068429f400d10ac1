"""budnet reach"""

from __future__ import annotations

import sys

import click

from budnet.cli.output import ROWS, forms, print_answer, style, taking_options
from budnet.cli.source import network, source_option
from budnet.questions.reach import Reached, answer, reach, trace_lines
from budnet.reach.engine import Engine


@click.command()
@click.argument("src", metavar="SOURCE")
@click.argument("destination")
@click.argument("port", required=False)
@click.option("-f", "--file", type=click.Path(dir_okay=False), help="The topology.")
@source_option
@forms()
@taking_options
def command(src: str, destination: str, port: str | None, file: str | None, source: str | None, form: str) -> None:
    """Whether SOURCE reaches DESTINATION [on PORT], hop by hop, with what decided. Exit 1 if not.

    SOURCE and DESTINATION are services, endpoint ids, NETWORK/SUBNET, NAMESPACE/WORKLOAD, NAMESPACE/*, NAMESPACE?KEY=VALUE,
    addresses, or `internet`; DESTINATION may be a host name, which is looked up first and said in the TLS handshake. `mesh` as PORT asks for a call from sidecar to sidecar: the
    packets, and then whether the callee's sidecar accepts the caller's identity. Of several endpoints the first pair that
    is delivered is shown, else the first one that is not. What is unknown counts as no.

    \b
    Examples:
      budnet reach budapp postgresql sql
      budnet reach internet postgresql 5432/tcp
      budnet reach budapp budcluster mesh
      budnet reach budgateway inference
      budnet reach shop/web shop/db 5432/tcp --from kubernetes:manifests
      budnet reach budgateway api.openai.com 443/tcp
    """
    found = reach(Engine(network(file, source)), src, destination, port)
    if found.note:
        click.echo(found.note, err=True)
    if form in ROWS:
        print_answer(answer(found), form)
    else:
        click.echo("\n".join(trace_lines(found.best)))
        if found.allowed is not None:
            _over_all(found)
    sys.exit(0 if found.reachable else 1)


def _over_all(found: Reached) -> None:
    """Without a port: everything that is delivered, over all pairs."""
    if found.allowed or not found.unknown:
        word = style("yes", "green", True) if found.allowed else style("no", "red", True)
        click.echo(f"{word}: {found.allowed}")
    if found.unknown:
        click.echo(f"{style('unknown', 'yellow', True)}: {found.unknown}")
