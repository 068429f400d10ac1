"""budnet diff"""

from __future__ import annotations

import sys
from typing import Any

import click

from budnet.cli.output import forms, print_answer, print_sarif, style
from budnet.cli.source import either
from budnet.questions.diff import answer, between, is_now, listed, one_of, passes, reached, said, through, together
from budnet.questions.reach import trace_lines
from budnet.reach.difference import Difference


@click.command()
@click.argument("old")
@click.argument("new")
@forms("sarif")
def command(old: str, new: str, form: str) -> None:
    """What NEW opens and closes against OLD, flows and ways in, and which guarantees change. Exit 1 if they differ.

    Each is a FILE or a network that runs already, KIND:WHERE. Endpoints of two FILEs are known again by their ids; workloads of
    two clusters by namespace, name and kind; of a cluster beside a FILE by namespace and name, and only what both have is
    compared, whoever listens. Behind each change stands what made it: the object that differs and which part of it, the row
    or rule that only one of the two has, or what stops it in the other. Of ways in (load balancers, node ports, Ingresses, Gateways)
    it is said whom of the internet they let in, before and after.

    \b
    Examples:
      budnet diff old.yaml new.yaml
      budnet diff catalog/foundry budnet.yaml --format markdown
      budnet diff kubernetes:before kubernetes:after
      budnet diff kubernetes:dump.json budnet.yaml
      budnet diff main.yaml budnet.yaml --format sarif > diff.sarif
    """
    found = between(either(old).network, either(new).network)
    if form in ("json", "csv"):
        print_answer(answer(found), form)
    elif form == "sarif":
        print_sarif(said(found))
    elif form == "markdown":
        click.echo(markdown(found))
    else:
        _text(found)
    sys.exit(1 if found else 0)


_COLOUR = {"opened": "red", "closed": "green", "unknown": "yellow", "changed": "blue"}


def _text(found: Difference) -> None:
    for title, changes in listed(found):
        for row in together(changes):
            click.echo(f"{style(title, _COLOUR[title], True)}  {row.src} -> {row.dst}  {passes(row.change)}")
            for cause in row.change.causes:
                click.echo(f"        {cause}")
    for way in found.ways:
        one, what = one_of(way), is_now(way)
        click.echo(
            f"{style(what, _COLOUR[what], True)}  internet -> {one.called}  {one.port}  by {through(way)}:"
            f" {reached(way.after)}; was: {reached(way.before)}"
        )
        for cause in way.causes:
            click.echo(f"        {cause}")
    for each in found.guarantees:
        click.echo(f"{style('guarantee', 'yellow', True)}  {each.name}: {_status(each.before)} -> {_status(each.after)}")
        if each.proof and each.proof.trace:
            click.echo("\n".join(f"         {line}" for line in trace_lines(each.proof.trace)))
    if not found:
        click.echo("the same flows, the same ways in, the same guarantees")
    matched = found.matched
    click.echo(f"compared by {matched.by}: {matched.both} are in both")
    for where, names in (("the old one", matched.only_old), ("the new one", matched.only_new)):
        if names:
            click.echo(f"  only in {where}: {', '.join(names[:8])}" + (f" and {len(names) - 8} more" if len(names) > 8 else ""))


def markdown(found: Difference) -> str:
    """For a pull request's description."""
    if not found:
        return "No flow or way in is opened or closed, and no guarantee changes."
    unknown = f", {len(found.unknown)} unknown" if found.unknown else ""
    ways = f", {len(found.ways)} ways in changed" if found.ways else ""
    out = [f"**{len(found.opened)} opened, {len(found.closed)} closed{unknown}{ways}, {len(found.guarantees)} guarantees changed**", ""]
    if found.opened or found.closed or found.unknown:
        caused = any(c.causes for c in (*found.opened, *found.closed, *found.unknown))
        out += ["| | from | to | what |" + " because |" * caused, "|---|---|---|---|" + "---|" * caused]
        for title, changes in listed(found):
            for row in together(changes):
                why = f" {'; '.join(map(str, row.change.causes))} |" * caused
                out.append(f"| {title} | `{row.src}` | `{row.dst}` | {passes(row.change)} |{why}")
        out.append("")
    if found.ways:
        out += ["| | way in | to | is | was | because |", "|---|---|---|---|---|---|"]
        for way in found.ways:
            one = one_of(way)
            out.append(
                f"| {is_now(way)} | {through(way)} | `{one.called}` {one.port} | {reached(way.after)} | {reached(way.before)} |"
                f" {'; '.join(map(str, way.causes))} |"
            )
        out.append("")
    out += [f"- guarantee *{g.name}*: {_status(g.before)} -> **{_status(g.after)}**" for g in found.guarantees]
    return "\n".join(out)


def _status(status: Any) -> str:
    return status.value if status is not None else "not there"
