"""budnet drill"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from budnet.cli.output import format_option, load, name_option, print_json, style, table, taking_options, wrong
from budnet.cli.which_twin import twin_for

if TYPE_CHECKING:
    from budnet.probe.parts import Part
    from budnet.twin.lab import Twin

_TITLES = ["part", "what happens", "away s", "requests", "failed", "first failure", "last failure", "well again", "as before"]


@click.command()
@click.argument("arguments", nargs=-1, metavar="[FILE]")
@click.option(
    "--part",
    "nodes",
    multiple=True,
    metavar="NODE[+NODE]",
    help="Take this away: a gateway or an endpoint, or several at once. Repeatable.",
)
@click.option("--rate", type=click.IntRange(1, 2000), default=200, show_default=True, help="Requests a second, over all clients.")
@click.option("--away", type=click.FloatRange(1.5, 60), default=2.0, show_default=True, help="Seconds until the part is given back.")
@name_option
@format_option
@taking_options
def command(arguments: Sequence[str], nodes: Sequence[str], rate: int, away: float, name: str, form: str) -> None:
    """Take parts of the twin away, one at a time and under load, and bring them back. Exit 1 if a promise of the design is broken.

    Without --part: of each VPN the first gateway at either end, and all gateways of one end; a balancer of each load balancer;
    each resolver. Requests follow the flows that cross
    the part; each begins at its time, whatever became of others, and has a second. A process is killed and later started again,
    what has none loses its wire. What the design promises is read off the file: with `replicas: 2` the other one stands in.

    Uses the twin that is up, if it was made of the same; where none is, one for the purpose. Ctrl-C brings the part back.

    \b
    Examples:
      budnet drill
      budnet drill catalog/everything --rate 500
      budnet drill --part control-plane/data/postgresql --away 5
      budnet drill catalog/five-ways --part control/vpn-to-azure-1+control/vpn-to-azure-2
      budnet drill --format json
    """
    from budnet.probe import parts

    if len(arguments) > 1:
        raise click.UsageError("one FILE at most")
    file = arguments[0] if arguments else None
    network = load(file).network
    assert network is not None
    chosen = parts.parts(network) if not nodes else []
    for node in nodes:
        found = parts.part(network, node)
        if found is None:
            wrong(
                f"there is no '{node}' to take away: `budnet ps --all` lists nodes; with + they are gateways of one VPN or of one service"
            )
        if not found.requests:
            wrong(f"no flow over TCP leads to '{node}', so nobody would miss it")
        chosen.append(found)
    with twin_for("drill", network, file, name) as twin:
        accounts = [(p, _one(twin, p, rate, away, form)) for p in chosen]
    rows = [_row(p, a) for p, a in accounts]
    if form == "json":
        print_json("drill", {"rate": rate, "deadline": parts.DEADLINE, "away": away, "parts": rows})
    else:
        _print(rows, rate)
    sys.exit(0 if all(r["kept"] for r in rows) else 1)


def _one(twin: Twin, part: Part, rate: int, away: float, form: str) -> dict[str, Any]:
    from budnet.probe.parts import DEADLINE

    said: dict[str, Any] = {}
    for said in twin.drill(part.nodes, part.requests, rate=rate, away=away, deadline=DEADLINE, patience=part.back + 2):
        if "phase" in said and form != "json" and sys.stderr.isatty():
            click.echo(f"{part.name}: {said['phase']['name']}", err=True)
    return said


def _row(part: Part, account: dict[str, Any]) -> dict[str, Any]:
    broken = part.broken(account)
    about = {
        "part": part.name,
        "kind": part.kind,
        "promise": part.promise,
        "origin": str(part.origin),
        "kept": not broken,
        "broken": broken,
    }
    return about | {k: v for k, v in account.items() if k not in ("end", "part")}


def _print(rows: Iterable[dict[str, Any]], rate: int) -> None:
    rows = list(rows)
    table(
        _TITLES,
        (
            (
                r["part"], r["how"], f"{r['away']:.1f}", r["requests"], r["failed"], _after(r["first_failure"], "the loss"),
                _after(r["last_failure"], "the loss"), _after(*_well(r)), _after(r["restored_after_return"], "the return"),
            )
            for r in rows
        ),
    )  # fmt: skip
    for r in rows:
        word = style("kept", "green", True) if r["kept"] else style("BROKEN", "red", True)
        click.echo(f"{word}  {r['kind']} {r['part']} ({r['origin']}) {r['promise']}")
        if r["broken"]:
            click.echo(f"      {r['broken']}; {', '.join(f'{n} times {error}' for error, n in r['errors']) or 'no errors'}")
    click.echo(f"{sum(r['kept'] for r in rows)} of {len(rows)} promises kept, at {rate} requests a second")


def _well(row: dict[str, Any]) -> tuple[float | None, str]:
    """When what it carries was well again: where others stand in, after the loss."""
    if row["promise"].startswith("keeps"):
        return row["recovered_after_loss"], "the loss"
    return row["recovered_after_return"], "the return"


def _after(seconds: float | None, what: str) -> str:
    if seconds is not None and seconds < 0:
        return f"on its way at {what}"
    return "none" if seconds is None else f"{seconds:.2f} s after {what}"
