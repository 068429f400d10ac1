"""budnet diff"""

from __future__ import annotations

import sys
from typing import Any

import click

from budnet.cli.output import style
from budnet.cli.source import either
from budnet.questions.diff import answer, between, listed
from budnet.questions.reach import trace_lines
from budnet.reach.diff import Difference


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True, help="How to print.")
def command(old: str, new: str, form: str) -> None:
    """What NEW opens and closes against OLD, and which guarantees change. Exit 1 if they differ.

    Each is a FILE or a network that runs already, KIND:WHERE. Then workloads are compared, whoever listens, with the objects
    that made the difference; a cluster beside a FILE by namespace and name of what both have.

    \b
    Examples:
      budnet diff old.yaml new.yaml
      budnet diff catalog/foundry budnet.yaml --format markdown
      budnet diff kubernetes:before kubernetes:after
      budnet diff kubernetes:dump.json budnet.yaml
    """
    found = between(either(old).network, either(new).network)
    if form == "json":
        click.echo(answer(found).to_json())
    elif form == "markdown":
        click.echo(markdown(found))
    else:
        _text(found)
    sys.exit(1 if found else 0)


_COLOUR = {"opened": "red", "closed": "green", "unknown": "yellow"}


def _text(found: Difference) -> None:
    for title, changes in listed(found):
        for change in changes:
            click.echo(f"{style(title, _COLOUR[title], True)}  {change.src} -> {change.dst}  {change.allowed}")
            for cause in change.causes:
                click.echo(f"        {cause}")
    for each in found.guarantees:
        click.echo(f"{style('guarantee', 'yellow', True)}  {each.name}: {_status(each.before)} -> {_status(each.after)}")
        if each.proof and each.proof.trace:
            click.echo("\n".join(f"         {line}" for line in trace_lines(each.proof.trace)))
    if not found:
        click.echo("the same flows, the same guarantees")


def markdown(found: Difference) -> str:
    """For a pull request's description."""
    if not found:
        return "No flow is opened or closed, and no guarantee changes."
    unknown = f", {len(found.unknown)} unknown" if found.unknown else ""
    out = [f"**{len(found.opened)} opened, {len(found.closed)} closed{unknown}, {len(found.guarantees)} guarantees changed**", ""]
    if found.opened or found.closed or found.unknown:
        caused = any(c.causes for c in (*found.opened, *found.closed, *found.unknown))
        out += ["| | from | to | what |" + " because |" * caused, "|---|---|---|---|" + "---|" * caused]
        for title, changes in listed(found):
            out += [f"| {title} | `{c.src}` | `{c.dst}` | {c.allowed} |" + f" {'; '.join(c.causes)} |" * caused for c in changes]
        out.append("")
    out += [f"- guarantee *{g.name}*: {_status(g.before)} -> **{_status(g.after)}**" for g in found.guarantees]
    return "\n".join(out)


def _status(status: Any) -> str:
    return status.value if status is not None else "not there"
