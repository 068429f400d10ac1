"""budnet matrix"""

from __future__ import annotations

import csv
import json
import sys
from typing import Any

import click

from budnet.cli.output import file_argument, literal_option, network, table, transports_json
from budnet.reach.engine import Engine
from budnet.reach.matrix import Row, matrix


@click.command()
@file_argument
@click.option("--format", "form", type=click.Choice(["text", "csv", "json"]), default="text", show_default=True, help="How to print.")
@literal_option
def command(file: str | None, form: str) -> None:
    """Who reaches whom on which ports: all pairs with something allowed. CSV and JSON are written row by row.

    \b
    Examples:
      budnet matrix
      budnet matrix --format csv > matrix.csv
    """
    engine = Engine(network(file))
    rows = matrix(engine)
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
        table(["source", "destination", "allowed"], ((r.src, r.dst, _allowed(r)) for r in rows))


def _allowed(row: Row) -> str:
    parts = [str(row.allowed)] if row.allowed else []
    return "; ".join([*parts, *([f"one way: {row.one_way}"] if row.one_way else [])])


def row_json(row: Row) -> list[dict[str, Any]]:
    """Rows of `budnet matrix --format json`: what is answered, and apart from it what is only sent."""
    out = []
    for transports, one_way in ((row.allowed, False), (row.one_way, True)):
        if transports:
            out.append({"src": row.src, "dst": row.dst, "allowed": transports_json(transports), "one_way": one_way, "unknown": None})
    return out
