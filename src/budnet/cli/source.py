"""`--from KIND:WHERE`: a network that budnet did not write, in place of FILE."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from budnet.ir.network import Network
    from budnet.observe.kubernetes.cluster import Observed

KINDS = ("kubernetes",)

source_option = click.option(
    "--from", "source", metavar="KIND:WHERE", help="A network that runs already, in place of FILE: `kubernetes:DIR`, `kubernetes:FILE`, `kubernetes:-`."
)  # fmt: skip


def network(file: str | None, source: str | None) -> Network:
    """What FILE or `--from` means; of both one is asked for."""
    from budnet.cli import output

    if source and file:
        raise click.UsageError("FILE and --from are two networks: give one of them")
    return observed(source) if source else output.network(file)


def either(place: str) -> Network:
    """Of a command that takes several: a FILE, or a KIND:WHERE."""
    return network(None, place) if place.partition(":")[0] in KINDS else network(place, None)


def observed(source: str) -> Network:
    """The Network of what is there. What could not be read is printed; with nothing read the program ends with 3."""
    return read(source).network


def read(source: str) -> Observed:
    """The same, with what is known beside the Network."""
    kind, colon, where = source.partition(":")
    if kind not in KINDS or not colon or not where:
        raise click.UsageError(
            f"'{source}' is not KIND:WHERE; KIND is {' or '.join(KINDS)}, WHERE a folder, a file, or - for standard input"
        )
    from budnet.observe.kubernetes import cluster, sources
    from budnet.observe.kubernetes.fields import Problems

    problems = Problems()
    found = cluster.network(sources.objects(where, problems), problems)
    _report(problems)
    if not found.network.endpoints:
        click.echo(f"budnet: {where}: nothing in it sends or answers: there are no pods, and nothing that makes pods", err=True)
        sys.exit(3)
    return found


def _report(problems: object) -> None:
    from budnet.cli.output import colours
    from budnet.observe.kubernetes.fields import Problems
    from budnet.source.diagnostic import in_order
    from budnet.source.report import to_text

    assert isinstance(problems, Problems)
    if problems.found:
        click.echo(to_text(in_order(problems.found), {}, colours(sys.stderr)), err=True)
