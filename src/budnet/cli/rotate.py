"""budnet rotate"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import click

from budnet.cli.output import file_argument, format_option, load, name_option, print_json, style, table, wrong
from budnet.cli.which_twin import twin_for

_TITLES = ["phase", "what happens", "from s", "for s", "requests", "failed"]


@click.command()
@click.argument("what", type=click.Choice(["leaf", "issuer", "root"]))
@file_argument
@click.option(
    "--layer", default="", metavar="LAYER", help="A row of the certificate table, `internal` or `links`: only its servers. Default: all."
)
@click.option("--rate", type=click.IntRange(1, 2000), default=200, show_default=True, help="Requests a second, over all servers.")
@name_option
@format_option
def command(what: str, file: str | None, layer: str, rate: int, name: str, form: str) -> None:
    """Replace certificates of the twin while requests flow, and show that none failed. Exit 1 if one did.

    \b
    WHAT   leaf     what each server presents; ACME servers are asked for theirs again
           issuer   the issuer of a layer, and every leaf below it
           root     the root of the internal CA, and everything below it

    Consumers are the endpoints that a flow lets reach a TLS server. Each has a trust file of its own and says by using it that
    it took a new one; a step begins when all have. At the end each tries once with the old alone, and must be refused.

    Uses the twin that is up, if it was made of the same; where none is, one for the purpose.

    \b
    Examples:
      budnet rotate root
      budnet rotate issuer --layer database --rate 500
      budnet rotate leaf --format json
    """
    from budnet.pki.plan import INTERNAL, LINKS
    from budnet.twin.consumers import pairs

    network = load(file).network
    assert network is not None
    layers = [*(c.id for c in network.certificates), INTERNAL, *([LINKS] if any(f.auth for f in network.fronts) else [])]
    if layer and layer not in layers:
        wrong(f"there is no layer '{layer}': choose from {', '.join(layers)}")
    if layer and what == "root":
        wrong("the root is that of every layer: `--layer` is for leaves and issuers")
    result: dict[str, Any] = {}
    with twin_for("rotate", network, file, name) as twin:
        for said in twin.rotate(what, layer, rate, pairs(network)):
            if "phase" in said and form != "json" and sys.stderr.isatty():
                click.echo(f"{said['phase']['name']} after {said['phase']['began']:.2f} s", err=True)
            result = said
    result.pop("end")
    if form == "json":
        print_json("rotate", result)
    else:
        _print(result)
    good = not result["failed"] and not result["still_trusting"] and all(r["refused"] for r in result["refused"])
    sys.exit(0 if good else 1)


def _print(result: dict[str, Any]) -> None:
    rows = [(p["name"], p["what"], f"{p['began']:.2f}", f"{p['seconds']:.2f}", p["requests"], p["failed"]) for p in result["phases"]]
    table(_TITLES, rows)
    kinds = Counter(s["software"] for s in result["servers"])
    click.echo(
        f"{result['consumers']} consumers of {len(result['servers'])} servers: {', '.join(f'{n} {kind}' for kind, n in kinds.items())}"
    )
    reached, took = result["rate"], result["milliseconds"]
    failed = style("0 failed", "green", True) if not result["failed"] else style(f"{result['failed']} FAILED", "red", True)
    click.echo(
        f"{result['requests']} requests, {reached['reached']:g} a second of {reached['wanted']}, {failed}; "
        f"{took.get('median', 0):g} ms in the middle, {took.get('longest', 0):g} at most, begun {reached['late']:g} ms late at most"
    )
    for error in result["errors"]:
        click.echo(f"  {error}")
    wrongly = [r for r in result["refused"] if not r["refused"]]
    word = style("all refused", "green", True) if not wrongly else style(f"{len(wrongly)} NOT REFUSED", "red", True)
    click.echo(
        f"with the old {result['what']} alone, {len(result['refused'])} clients tried: {word}; with the new one alone all are served"
    )
    for each in wrongly:
        old = each["old"] or "is served with the old one"
        click.echo(f"  {each['consumer']} at {each['server']}: {old}" + (f"; with the new one: {each['new']}" if each["new"] else ""))
    for consumer in result["still_trusting"]:
        click.echo(style(f"{consumer} still trusts the old root", "red"))
    for left in result["left"]:
        click.echo(f"not rotated: {left}")
