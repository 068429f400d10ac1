"""budnet graph"""

from __future__ import annotations

from pathlib import Path

import click

from budnet.cli.output import file_argument, network, taking_options, wrong
from budnet.errors import OutputError


@click.command()
@file_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="Where to: .svg, .png, .mmd (Mermaid) or .dot (Graphviz).",
)
@click.option("--view", default="architecture", show_default=True, help="`architecture`, `cross-cluster`, or `service:NAME`.")
@taking_options
def command(file: str | None, output: Path, view: str) -> None:
    """Draw FILE: the network's architecture, what crosses between clusters, or one service's flows.

    \b
    Examples:
      budnet graph -o architecture.svg
      budnet graph --view cross-cluster -o cross-cluster.png
      budnet graph --view service:budapp -o budapp.mmd
    """
    from budnet.render import diagram

    kind = output.suffix.removeprefix(".")
    if kind not in diagram.FORMATS:
        wrong(f"'{output.name}' ends in none of {', '.join('.' + f for f in diagram.FORMATS)}")
    found = network(file)
    try:
        data = diagram.draw(found, view, kind)
    except ValueError as reason:
        wrong(str(reason))
    try:
        output.write_bytes(data)
    except OSError as refused:
        raise OutputError(f"cannot write {output}: {refused.strerror}") from refused
    click.echo(f"wrote {output}")
