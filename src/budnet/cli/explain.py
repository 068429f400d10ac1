"""budnet explain"""

from __future__ import annotations

import sys
from typing import Any

import click

from budnet.cli import asked
from budnet.cli.output import format_option, literal_option, network, print_json, style
from budnet.cli.reach import best_trace
from budnet.reach import relay
from budnet.reach.engine import Engine
from budnet.reach.invoke import invoke
from budnet.reach.trace import origin_of, rules_behind


@click.command()
@click.argument("source")
@click.argument("destination")
@click.argument("port")
@click.option("-f", "--file", type=click.Path(dir_okay=False), help="The topology.")
@format_option
@literal_option
def command(source: str, destination: str, port: str, file: str | None, form: str) -> None:
    """Every filter on the way, with the rule that lets the flow pass or the fact that none does. Exit 1 if it does not pass.

    All blockers are named, not only the first: each has to go before the flow is delivered.

    \b
    Examples:
      budnet explain budapp postgresql sql
      budnet explain internet postgresql 5432/tcp
      budnet explain budapp cas-bridge.xethub.hf.co 443/tcp
      budnet explain budapp budcluster mesh
    """
    engine = Engine(network(file))
    question = asked.who(engine, source, destination)
    if question.note:
        click.echo(question.note, err=True)
    protocol, number = asked.port(engine, port, question.destinations)
    best = best_trace(engine, question, protocol, number)
    best = invoke(engine, best) if port == asked.MESH else best
    way, bit = relay.way(engine, best.source, best.destination, beyond=True, call=question.call), engine.alphabet.bit(protocol, number)
    rows: list[dict[str, Any]] = []
    for gate, passed in best.steps:
        rules = [{"rule": name, "origin": str(origin)} for name, origin in rules_behind(engine, way, gate, bit)] if passed else []
        origin = origin_of(engine, gate)
        rows.append({"layer": gate.layer, "object": gate.object, "answer": gate.answer, "passes": passed,
                     "code": gate.code, "rules": rules, "origin": str(origin) if origin.line else None})  # fmt: skip
    if form == "json":
        print_json(
            "explain", {"reachable": best.verdict.reachable, "disposition": best.verdict.disposition.value, "gates": rows, "hops": way.hops}
        )
    else:
        click.echo(f"{best.source.label} -> {best.destination.label} {number}/{protocol.name.lower()}: {best.verdict.disposition.value}")
        for row in rows:
            _print(row)
        blockers = [r for r in rows if not r["passes"]]
        if blockers:
            click.echo(f"\n{len(blockers)} blocker{'s' * (len(blockers) > 1)}; all of them would have to go")
        elif not best.verdict.reachable:
            click.echo(f"\nnothing blocks it, and nobody listens at {best.verdict.reason.object}")
    sys.exit(0 if best.verdict.reachable else 1)


def _print(row: dict[str, Any]) -> None:
    word = style("pass", "green") if row["passes"] else style("STOP", "red", True)
    click.echo(f"  {word}  {'answer ' if row['answer'] else 'request'}  {row['layer']} {row['object']}  {row['origin'] or ''}")
    for rule in row["rules"]:
        click.echo(f"          by {rule['rule']}  {rule['origin']}")
    if not row["passes"]:
        click.echo(f"          no rule lets it pass  [{row['code']}]")
