"""budnet rotate"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from budnet.cli.output import file_argument, format_option, load, name_option, print_json, style, table, wrong
from budnet.cli.which_twin import twin_for

if TYPE_CHECKING:
    from budnet.ir.network import Network

_WHOSE = {"internal": "the internal CA", "mesh": "Sentry"}
_TITLES = ["phase", "what happens", "from s", "for s", "requests", "failed"]


@click.command()
@click.argument("what", type=click.Choice(["leaf", "issuer", "root"]))
@file_argument
@click.option(
    "--layer",
    default="",
    metavar="LAYER",
    help="A row of the certificate table, `internal`, `links` or `dapr-sentry`: only what is of it. Default: all.",
)
@click.option("--rate", type=click.IntRange(1, 2000), default=200, show_default=True, help="Requests a second, over all servers.")
@name_option
@format_option
def command(what: str, file: str | None, layer: str, rate: int, name: str, form: str) -> None:
    """Replace certificates of the twin while requests flow, and show that none failed. Exit 1 if one did.

    \b
    WHAT   leaf     what each server presents; ACME servers are asked for theirs again
           issuer   the issuer of a layer, and every leaf below it
           root     the root of the internal CA, and that of the mesh's Sentry, and everything below them

    Consumers are the endpoints that a flow lets reach a TLS server. Each has a trust file of its own and says by using it that
    it took a new one; a step begins when all have. In a mesh sidecars call for their apps, and take what is new by a reload. At the end
    each tries once with the old alone, and must be refused; where servers ask for certificates, also with one below the old root.

    Uses the twin that is up, if it was made of the same; where none is, one for the purpose.

    \b
    Examples:
      budnet rotate root
      budnet rotate issuer --layer database --rate 500
      budnet rotate root --layer dapr-sentry
      budnet rotate leaf --format json
    """
    from budnet.twin.consumers import pairs

    network = load(file).network
    assert network is not None
    layer = _layer(network, what, layer)
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


def _layer(network: Network, what: str, layer: str) -> str:
    """As the vault calls it: Sentry has one issuer, for all of its rows."""
    from budnet.pki.identity import LAYER
    from budnet.pki.plan import INTERNAL, LINKS

    called = {c.id: LAYER if c.issuer == LAYER else c.id for c in network.certificates} | {INTERNAL: INTERNAL}
    called |= {LINKS: LINKS} if any(f.auth for f in network.fronts) else {}
    called |= {LAYER: LAYER} if network.access_controls else {}
    if layer and layer not in called:
        wrong(f"there is no layer '{layer}': choose from {', '.join(called)}")
    found = called.get(layer, "")
    if found not in ("", LAYER) and what == "root":
        wrong("the internal CA's root is that of every layer of it: leave `--layer` out, or choose the mesh's")
    return found


def _print(result: dict[str, Any]) -> None:
    rows = [(p["name"], p["what"], f"{p['began']:.2f}", f"{p['seconds']:.2f}", p["requests"], p["failed"]) for p in result["phases"]]
    table(_TITLES, rows)
    kinds = Counter(s["software"] for s in result["servers"])
    for each in result["authorities"]:
        shown = f", {each['clients']} of clients" if each["clients"] else ""
        click.echo(f"rotated: {_WHOSE[each['authority']]} '{each['name']}': {each['servers']} certificates of servers{shown}")
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
    showing = [r for r in result["refused"] if r["shown"] is not None]
    if showing:
        served = sum(not r["shown"] for r in showing)
        word = style(f"{served} SERVED", "red", True) if served else style("none served", "green", True)
        click.echo(
            f"{len(showing)} of them also trusted the new root and showed what the old one had signed, where servers ask for it: {word}"
        )
    for each in wrongly:
        old = each["old"] or "is served with the old one"
        new = f"; with the new one: {each['new']}" if each["new"] else ""
        shown = f"; showing what the old one signed: {each['shown'] or 'is served'}" if each["shown"] is not None else ""
        click.echo(f"  {each['consumer']} at {each['server']}: {old}{new}{shown}")
    for consumer in result["still_trusting"]:
        click.echo(style(f"{consumer} still trusts the old root", "red"))
    for each in result["restarted"]:
        click.echo(f"started again: {each['server']}, which has no other way; new connections waited {each['held']:.2f} s")
    for left in result["left"]:
        click.echo(f"not rotated: {left}")
