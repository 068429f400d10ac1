"""budnet matrix"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import click

from budnet.cli.focus import Focus, focus_options
from budnet.cli.output import file_argument, literal_option, network, table, transports_json
from budnet.cli.source import source_option
from budnet.ir.network import Network
from budnet.packets.transports import Transports
from budnet.reach.engine import Engine
from budnet.reach.matrix import Row, matrix

UNKNOWN = "what decides is not modelled"


@click.command()
@file_argument
@source_option
@click.option(
    "--format", "form", type=click.Choice(["text", "csv", "markdown", "json"]), default="text", show_default=True, help="How to print."
)
@focus_options
@literal_option
def command(file: str | None, source: str | None, form: str, **focus: Any) -> None:
    """Who reaches whom on which ports: all pairs with something allowed. CSV and JSON are written row by row.

    \b
    Examples:
      budnet matrix
      budnet matrix --format csv > matrix.csv
      budnet matrix --from kubernetes:manifests --workload shop/db --direction in --port 5432/tcp
    """
    if source:
        _observed(source, form, Focus(**focus))
        return
    keep = Focus(**focus)
    engine = Engine(network(file))
    rows = (r for r in matrix(engine) if keep.pair(r.src, r.dst) and keep.what(r.allowed, Transports()))
    if form == "csv":
        writer = csv.writer(sys.stdout)
        writer.writerow(["src", "dst", "allowed", "one_way"])
        for row in rows:
            writer.writerow([row.src, row.dst, str(row.allowed) if row.allowed else "", str(row.one_way) if row.one_way else ""])
    elif form == "json":
        click.echo('{"schema": "budnet.matrix/1", "rows": [')
        comma = ""
        for row in rows:
            for each in row_json(row):
                click.echo(comma + json.dumps(each), nl=False)
                comma = ",\n"
        click.echo(f'\n], "endpoints": {len(engine.network.inside)}}}')
    else:
        show = table if form == "text" else markdown
        show(["source", "destination", "allowed"], ((r.src, r.dst, _allowed(r)) for r in rows))


def _observed(source: str, form: str, focus: Focus) -> None:
    """Rows by workload, straight from the table's numbers: each connection is put into words once."""
    from budnet.cli.source import observed
    from budnet.reach.table.grouped import connections
    from budnet.reach.table.table import Table

    network = observed(source)
    found = Table(network)
    words: dict[int, str] = {}
    out: list[str] = []
    sets = cache(found.sets)
    kept = connections(found)
    if not focus.everything:
        kept = ((s, d, c) for s, d, c in kept if focus.pair(s.label, d.label) and focus.what(*sets(c)[:2]))
    if form in ("text", "markdown"):
        show = table if form == "text" else markdown
        show(["source", "destination", "allowed"], ((s.label, d.label, _words(*sets(c)[:2])) for s, d, c in kept))
        return
    for src, dst, connection in kept:
        if connection not in words:
            allowed, unknown, _ = found.sets(connection)
            words[connection] = _words(allowed, unknown) if form == "csv" else _json(allowed, unknown)
        if form == "csv":
            out.append(f'{src.label},{dst.label},"{words[connection]}",')
        else:
            out.append(f'{{"src": "{src.label}", "dst": "{dst.label}", {words[connection]}}}')
    if form == "csv":
        click.echo("\n".join(["src,dst,allowed,one_way", *out]))
    else:
        click.echo('{"schema": "budnet.matrix/1", "rows": [\n' + ",\n".join(out) + f'\n], "endpoints": {len(network.endpoints)}}}')


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table for pull requests."""
    lines = [" | ".join(columns), "|".join("---" for _ in columns), *(" | ".join(row) for row in rows)]
    click.echo("\n".join(f"| {line} |" for line in lines))


def _words(allowed: Transports, unknown: Transports) -> str:
    return "; ".join([*([str(allowed)] if allowed else []), *([f"unknown: {unknown}"] if unknown else [])])


def _json(allowed: Transports, unknown: Transports) -> str:
    why = UNKNOWN if unknown else None
    return f'"allowed": {json.dumps(transports_json(allowed))}, "one_way": false, "unknown": {json.dumps(why)}'


def _allowed(row: Row) -> str:
    parts = [str(row.allowed)] if row.allowed else []
    return "; ".join([*parts, *([f"one way: {row.one_way}"] if row.one_way else [])])


def rows_json(network: Network) -> Iterator[dict[str, Any]]:
    """All rows of `budnet matrix --format json`."""
    from budnet.reach.table.grouped import cells
    from budnet.reach.table.table import Table

    if network.vpcs:
        yield from (each for row in matrix(Engine(network)) for each in row_json(row))
        return
    for cell in cells(Table(network)):
        why = UNKNOWN if cell.unknown else None
        yield {"src": cell.src.label, "dst": cell.dst.label, "allowed": transports_json(cell.allowed), "one_way": False, "unknown": why}


def row_json(row: Row) -> list[dict[str, Any]]:
    """Rows of `budnet matrix --format json`: what is answered, and apart from it what is only sent."""
    out = []
    for transports, one_way in ((row.allowed, False), (row.one_way, True)):
        if transports:
            out.append({"src": row.src, "dst": row.dst, "allowed": transports_json(transports), "one_way": one_way, "unknown": None})
    return out
