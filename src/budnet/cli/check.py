"""budnet check"""

from __future__ import annotations

import sys
from datetime import date

import click

from budnet import pipeline
from budnet.catalog.age import stale
from budnet.cli.output import (
    colours,
    counted,
    file_argument,
    is_airgapped,
    is_literal,
    print_json,
    print_sarif,
    table,
    taking_options,
    wrong,
)
from budnet.ir.endpoint import Endpoint
from budnet.ir.names import TlsProfile
from budnet.ir.network import Network
from budnet.ir.network import to_json as to_json_value
from budnet.pipeline import Loaded
from budnet.source.diagnostic import Diagnostic, Severity, has_errors, in_order, suggest
from budnet.source.report import to_json, to_text
from budnet.tls.enforce import NotEnforceable, gaps


@click.command()
@file_argument
@click.option("--format", "form", type=click.Choice(["text", "json", "sarif"]), default="text", show_default=True, help="How to print.")
@click.option(
    "--explain",
    "code",
    is_flag=False,
    flag_value="all",
    metavar="[CODE]",
    help="What a finding is about; without CODE all of them, in a table.",
)
@taking_options
def command(file: str | None, form: str, code: str | None) -> None:
    """Read and resolve FILE, and say what is wrong with what it describes: findings, each with what is written, what takes effect, why.

    Exit 3 if FILE has an error, 1 if there is a finding of severity error, 0 otherwise. A finding that is no error can be
    kept: `accept: [{finding: D106, for: internal, because: ...}]`; it is then listed as accepted.

    \b
    Examples:
      budnet check
      budnet check catalog/foundry-literal
      budnet check network.yaml --format sarif > budnet.sarif
      budnet check --explain D101
    """
    if code is not None:
        _explain(code, form)
        return
    loaded = pipeline.load(file, is_literal(), is_airgapped())
    old = stale(loaded.network, date.today()) if loaded.network else []
    found = in_order([*loaded.diagnostics, *loaded.findings, *old])
    if form == "json":
        unmet = [to_json_value(gap) | {"profile": p.id, "service": e.service} for p, e, gap in _gaps(loaded.network)]
        body = {"file": loaded.file, "diagnostics": to_json(found), "literal": is_literal(), "not_enforceable": unmet}
        print_json("check", body)
    elif form == "sarif":
        print_sarif(found)
    else:
        _print(loaded, found)
    faulty = any(f.severity is Severity.ERROR and not f.accepted for f in loaded.findings)
    sys.exit(3 if has_errors(found) else int(faulty))


def _print(loaded: Loaded, found: list[Diagnostic]) -> None:
    if found:
        click.echo(to_text(found, {loaded.file: loaded.text}, colours(sys.stderr)), err=True)
    if loaded.network is not None:
        n = loaded.network
        sizes = f"{len(n.vpcs)} networks, {len(n.inside)} endpoints, {len(n.flows)} flows, {len(n.guarantees)} guarantees"
        word = f"{counted(loaded.findings)}:" if any(not f.accepted for f in loaded.findings) else "good:"
        click.echo(f"{loaded.file}: {word} {sizes}" + _kept(loaded) * (word == "good:"))
        for profile, endpoint, gap in _gaps(n):
            click.echo(f"  {gap.server} at {endpoint.service} cannot be told {gap.what} of TLS profile {profile.id}; it has {gap.instead}")


def _kept(loaded: Loaded) -> str:
    return f", {len(loaded.findings)} accepted" if loaded.findings else ""


def _explain(code: str, form: str) -> None:
    """One finding's page, or the table of all."""
    from budnet.lint import CODES, RULES

    if code == "all":
        if form == "json":
            print_json("check", {"findings": [{"code": r.code, "severity": r.severity.value, "title": r.title} for r in RULES]})
            return
        table(["code", "severity", "what"], [(r.code, r.severity.value, r.title) for r in sorted(RULES, key=lambda r: r.code)])
        return
    if code.upper() not in CODES:
        wrong(f"there is no finding '{code}'. {suggest(code.upper(), CODES) or '`budnet check --explain` lists them'}")
    one = CODES[code.upper()]
    page = {"code": one.code, "severity": one.severity.value, "title": one.title, "found": one.what, "why": one.why,
            "source": one.source, "url": one.url, "repair": one.help}  # fmt: skip
    if form == "json":
        print_json("check", {"finding": page})
        return
    click.echo(f"{one.code} ({one.severity.value}): {one.title}\n")
    for name in ("found", "why", "source", "repair"):
        text = page[name] + (f"\n{one.url}" if name == "source" else "")
        click.echo(
            click.wrap_text(f"{name}: {text}", 100, subsequent_indent="  ") if name != "source" else f"source: {one.source}\n  {one.url}"
        )


def _gaps(network: Network | None) -> list[tuple[TlsProfile, Endpoint, NotEnforceable]]:
    """What is written and no server can be told."""
    return gaps(network) if network is not None else []
