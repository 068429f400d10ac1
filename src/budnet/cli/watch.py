"""`budnet prove --watch`: what each edit came to, as it is made."""

from __future__ import annotations

import json
import sys
import time
from typing import NoReturn

import click

from budnet.cli.output import colours, style
from budnet.cli.prove import print_proof
from budnet.errors import Unreadable
from budnet.packets.transports import Transports
from budnet.questions.matrix import transports_json
from budnet.questions.prove import proof_json
from budnet.questions.watch import Flow, Seen, Watch
from budnet.reach.proof import Status
from budnet.source.report import to_text

_PAUSE = 0.1
"""Seconds between two looks."""
_SHOWN = 10
"""Flows that are listed; of the others it is said how many there are."""


def watch(file: str | None, source: str | None, guarantees: str | None, form: str) -> NoReturn:
    """Prints what there is, and then each edit, until Ctrl-C. As JSON a line for each."""
    if form not in ("text", "json"):
        raise click.UsageError("--watch prints text, or a line of JSON for each edit")
    watched = Watch(file, source, guarantees)
    while True:
        try:
            seen = watched.look()
        except Unreadable as wrong:
            click.echo(str(wrong), err=True)
            click.echo("what was proved before is kept; the next edit is looked at", err=True)
        else:
            if seen is not None:
                _print(seen) if form == "text" else _line(seen)
        time.sleep(_PAUSE)


def _print(seen: Seen) -> None:
    if seen.said:
        click.echo(to_text(seen.said, {}, colours(sys.stderr)), err=True)
    for flow in (seen.flows or [])[:_SHOWN]:
        for word, colour, transports in (("opened", "red", flow.opened), ("closed", "green", flow.closed)):
            if transports:
                click.echo(f"{style(f'{word:8}', colour, bold=True)} {flow.src} -> {flow.dst} {transports}")
    if len(seen.flows or []) > _SHOWN:
        click.echo(f"         and {len(seen.flows or []) - _SHOWN} more pairs of workloads")
    for at in seen.asked:
        print_proof(seen.proofs[at])
    good = sum(p.status is Status.PROVED for p in seen.proofs)
    said = "" if seen.flows is None else f", {_counted(seen.flows)}"
    click.echo(f"{good} of {len(seen.proofs)} proved, {len(seen.asked)} asked in {seen.seconds * 1000:.0f} ms{said}\n")


def _counted(flows: list[Flow]) -> str:
    return f"{sum(bool(f.opened) for f in flows)} pairs opened, {sum(bool(f.closed) for f in flows)} closed"


def _line(seen: Seen) -> None:
    def flows(pick: str) -> list[dict[str, object]]:
        found: list[tuple[Flow, Transports]] = [(f, getattr(f, pick)) for f in seen.flows or []]
        return [{"src": f.src, "dst": f.dst, "allowed": transports_json(t)} for f, t in found if t]

    click.echo(json.dumps({
        "schema": "budnet.prove.watch/1", "guarantees": [proof_json(p) for p in seen.proofs], "asked": list(seen.asked),
        "anew": seen.flows is None, "opened": flows("opened"), "closed": flows("closed"), "seconds": round(seen.seconds, 4),
    }))  # fmt: skip
