"""budnet graph"""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem

from budnet.cli.output import file_argument, taking_options, wrong
from budnet.cli.source import network, source_option
from budnet.errors import OutputError


def _views(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from budnet.questions.picture import VIEWS as REACH_VIEWS
    from budnet.render.diagram import VIEWS

    names = (view.removesuffix("NAME").removesuffix("PLACE") for view in (*REACH_VIEWS, *(() if context.params.get("source") else VIEWS)))
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command()
@file_argument
@source_option
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    required=True,
    help="Where to: .svg, .png, .mmd (Mermaid), .dot (Graphviz), .txt, or - for text on standard output.",
)
@click.option(
    "--view",
    shell_complete=_views,
    help="Of FILE `architecture` (the default), `cross-cluster`, `service:NAME`; of both, and of --from by default, `reach` or `reach:PLACE`.",
)
@taking_options
def command(file: str | None, source: str | None, output: Path, view: str | None) -> None:
    """Draw FILE: the network's architecture, what crosses between clusters, or one service's flows. Or who reaches whom.

    `reach` shows namespaces (of FILE: subnets), in them everybody who fares alike as one class, and a table of classes: what
    each may open to each. `reach:PLACE` is about who is in one namespace or subnet.

    \b
    Examples:
      budnet graph -o architecture.svg
      budnet graph --view cross-cluster -o cross-cluster.png
      budnet graph --view service:budapp -o budapp.mmd
      budnet graph --from kubernetes:manifests -o cluster.svg
      budnet graph --from kubernetes:manifests --view reach:shop -o -
    """
    from budnet.questions import picture
    from budnet.render import diagram

    kind = "txt" if str(output) == "-" else output.suffix.removeprefix(".")
    if kind not in diagram.FORMATS:
        wrong(f"'{output.name}' ends in none of {', '.join('.' + f for f in diagram.FORMATS)}")
    view = view or ("reach" if source else "architecture")
    found = network(file, source)
    if source and not picture.is_reach(view):
        wrong(f"of a network that budnet did not write there are the views {', '.join(picture.VIEWS)}")
    try:
        drawn = (
            picture.picture(found, view, _ALL if kind == "txt" else picture.MOST)
            if picture.is_reach(view)
            else diagram.scene_of(found, view)
        )
        data = diagram.written(drawn, kind)
    except ValueError as reason:
        wrong(str(reason))
    if str(output) == "-":
        click.echo(data.decode(), nl=False)
        return
    try:
        output.write_bytes(data)
    except OSError as refused:
        raise OutputError(f"cannot write {output}: {refused.strerror}") from refused
    click.echo(f"wrote {output}")


_ALL = 1_000_000
"""Text has room for every class."""
