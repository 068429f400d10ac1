"""budnet explain"""

from __future__ import annotations

import sys
from typing import Any

import click

from budnet.cli.output import ROWS, forms, print_answer, style, taking_options
from budnet.cli.source import place, source_option
from budnet.ir.address import spelt_one
from budnet.questions.explain import answer, explain
from budnet.reach.disposition import Disposition
from budnet.reach.engine import Engine
from budnet.reach.remedy import Remedy


@click.command()
@click.argument("src", metavar="SOURCE")
@click.argument("destination")
@click.argument("port")
@click.option("-f", "--file", type=click.Path(dir_okay=False), help="The topology.")
@source_option
@forms()
@taking_options
def command(src: str, destination: str, port: str, file: str | None, source: str | None, form: str) -> None:
    """Every filter on the way, with the rule that lets the flow pass or the fact that none does. Exit 1 if it does not pass.

    All blockers are named, not only the first: each has to go before the flow is delivered. Behind them is the smallest
    change that opens the flow, as it would be written and as it was tried: rows of FILE, or rules of a cluster's policies.

    \b
    Examples:
      budnet explain budapp postgresql sql
      budnet explain internet postgresql 5432/tcp
      budnet explain budapp cas-bridge.xethub.hf.co 443/tcp
      budnet explain budapp budcluster mesh
      budnet explain bastion postgresql icmp
      budnet explain shop/web shop/db 5432/tcp --from kubernetes:manifests
      budnet explain budapp postgresql sql --format markdown
    """
    asked = place(file, source)
    found = explain(Engine(asked.network), src, destination, port, asked.loaded)
    if found.note:
        click.echo(found.note, err=True)
    best = found.best
    if form in ROWS:
        print_answer(answer(found), form)
    else:
        what = spelt_one(best.protocol, best.port)
        click.echo(f"{best.source.label} -> {best.destination.label} {what}: {best.verdict.disposition.value}")
        click.echo("way:    " + " > ".join(found.hops))
        for row in found.gates:
            _print(row)
        blockers = [r for r in found.gates if r["passes"] is False]
        if blockers:
            click.echo(
                "\n1 blocker; it would have to go" if len(blockers) == 1 else f"\n{len(blockers)} blockers; all of them would have to go"
            )
            _changes(found.changes)
            if found.unopened:
                click.echo(f"\n{found.unopened}")
        elif best.verdict.disposition is Disposition.UNKNOWN:
            click.echo("\nnothing that is known blocks it, and what becomes of it where ???? stands is not known")
        elif not best.verdict.reachable:
            click.echo(f"\nnothing blocks it, and nobody listens at {best.verdict.reason.object}")
    sys.exit(0 if best.verdict.reachable else 1)


def _changes(changes: list[Remedy]) -> None:
    for change in changes:
        click.echo(f"\n{change.summary}")
        click.echo("\n".join(f"    {line}" for line in change.write.splitlines()))


def _print(row: dict[str, Any]) -> None:
    word = {True: style("pass", "green"), False: style("STOP", "red", True), None: style("????", "yellow", True)}[row["passes"]]
    side = f" ({row['direction']})" if row["direction"] else ""
    click.echo(
        f"  {word}  {'answer ' if row['answer'] else 'request'}  {row['layer']} {row['object']}{side}  {row['origin'] or ''}".rstrip()
    )
    tiers = row["tiers"]
    if len(tiers) > 1 or any(t["tier"] != "network-policy" for t in tiers):
        _tiers(tiers)
        return
    for rule in row["rules"]:
        click.echo(f"          by {rule['rule']}  {rule['origin']}")
    if row["why"]:
        click.echo(f"          {row['why']}")
    if row["passes"] is False:
        click.echo(f"          no rule lets it pass  [{row['code']}]")


def _tiers(tiers: list[dict[str, Any]]) -> None:
    """What each tier says, in the order in which they are asked; the first that accepts or denies decides."""
    decided = False
    for tier in tiers:
        word, rules = tier["verdict"], tier["rules"]
        behind = " (not asked any more)" if decided else ""
        click.echo(f"          {tier['tier']}: {_SAID.get(word, word)}{behind}" + ("" if rules else f", by {', '.join(tier['policies'])}"))
        for rule in rules:
            click.echo(f"            {rule['action']} by {rule['rule']}  {rule['origin'] or ''}".rstrip())
        decided = decided or word in ("Accept", "Deny", "unknown")


_SAID = {"Accept": "lets it pass", "Deny": "denies it", "Pass": "passes it on", "undecided": "no rule is about it", "unknown": "not known"}
