"""budnet matrix"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

import click

from budnet.cli.focus import focus, focus_options
from budnet.cli.output import file_argument, forms, markdown, table, taking_options
from budnet.cli.source import network, source_option
from budnet.questions import matrix
from budnet.questions.classes import rectangles
from budnet.questions.focus import Focus
from budnet.questions.matrix import NOTHING, Pairs, Row, Sets
from budnet.questions.outside import called, legend

T = TypeVar("T")
_TABLE = 5000
"""Rows that are shown as a table; what has more is written line by line."""


@click.command()
@file_argument
@source_option
@click.option(
    "--by",
    type=click.Choice(matrix.BY),
    help="Every endpoint for itself; workloads; or everybody who fares alike as one row. By default endpoints of FILE, workloads of --from.",
)
@forms()
@focus_options
@taking_options
def command(file: str | None, source: str | None, by: str | None, form: str, **options: Any) -> None:
    """Who reaches whom on which ports: all pairs with something allowed. Every form is written as it is found, source by source.

    Of FILE also whether anybody listens is asked; of --from, whose manifests do not say it, what is let through. What pods of one
    workload may open to each other is a row where --workload and --peer both name it.

    \b
    Examples:
      budnet matrix
      budnet matrix --format csv > matrix.csv
      budnet matrix --by class --port 5432/tcp
      budnet matrix --workload '*/db' --direction in --denied
      budnet matrix --from kubernetes:manifests --workload shop/db --direction in --port 5432/tcp
      kubectl get -A -o json all,netpol,ns | budnet matrix --from kubernetes:- --by class --format markdown
    """
    wanted = focus(**options)
    pairs = matrix.of(network(file, source), by, wanted)
    found = rectangles(pairs, wanted) if by == "class" else None
    if form in ("csv", "json"):
        pieces = _lines(pairs, wanted, form) if found is None else _joined(pairs, found, form)
        _write(_begun(pieces), form, pairs)
        return
    names: dict[str, str] = {}
    shown = _begun(_shown(pairs, names, matrix.rows(pairs, wanted) if found is None else found))
    columns = ["source", "destination", "allowed"]
    if form == "markdown":
        markdown(columns, shown)
    else:
        few = [*islice(shown, _TABLE)]
        rest = next(shown, None)
        if rest is None:
            table(columns, few)
        else:
            for row in chain(few, [rest], shown):
                click.echo("  ".join(row))
    lines = legend(names, pairs.outside)
    if pairs.both:
        lines.append(f"over IPv4 and IPv6 not alike, and joined here: {', '.join(pairs.both)} (ask `budnet reach` for an address)")
    if lines:
        click.echo("\n".join(["", *lines]))


def _begun(pieces: Iterator[T]) -> Iterator[T]:
    """The same with the first one found: a question that is wrong is refused before anything is written."""
    first = [*islice(pieces, 1)]
    return chain(first, pieces)


def _shown(pairs: Pairs, names: dict[str, str], found: Iterable[Row]) -> Iterator[tuple[str, str, str]]:
    """Rows as people read them; `names` gets what the parts of the outside in them are called."""
    for row in found:
        for label in (*row.src, *row.dst):
            if label in pairs.outside and label not in names:
                names[label] = called(label, pairs.outside)
        src, dst = (", ".join(names.get(label, label) for label in side) for side in (row.src, row.dst))
        yield src, dst, words(row)


def _write(pieces: Iterable[str], form: str, pairs: Pairs) -> None:
    if form == "csv":
        click.echo("src,dst,allowed,one_way,unknown,why,src_prefixes,dst_prefixes")
        for piece in pieces:
            click.echo(piece)
        return
    click.echo('{"schema": "budnet.matrix/1", "rows": [')
    comma = ""
    for piece in pieces:
        click.echo(comma + piece, nl=False)
        comma = ",\n"
    click.echo(
        f'\n], "endpoints": {pairs.endpoints}, "outside": {json.dumps(matrix.outside_json(pairs))}, "both_families": {json.dumps(pairs.both)}}}'
    )


def _joined(pairs: Pairs, found: Iterator[Row], form: str) -> Iterator[str]:
    for row in found:
        if form == "json":
            yield ",\n".join(json.dumps(each) for each in matrix.row_json(row, joined=True))
        else:
            tail = _tail((row.allowed, row.unknown, row.one_way), row.why, form)
            prefixes = [" ".join(" ".join(map(str, pairs.outside.get(label, ()))) for label in side).strip() for side in (row.src, row.dst)]
            yield ",".join([_fields([" ".join(row.src), " ".join(row.dst)]), tail[0], *prefixes])


def _lines(pairs: Pairs, wanted: Focus, form: str) -> Iterator[str]:
    """All rows of a source as one text: what passes is put into words once for each connection there is, and names once."""
    tails: dict[int, list[str] | None] = {}
    doubtful: dict[int, Sets] = {}
    reasoned: dict[tuple[int, str], list[str]] = {}
    behind = [""] * len(pairs.labels)
    if form == "json":
        heads = [f'{{"src": {json.dumps(label)}, ' for label in pairs.labels]
        ends = [f'"dst": {json.dumps(label)}, ' for label in pairs.labels]
    else:
        heads, ends = [[_fields([label]) + "," for label in pairs.labels]] * 2
        behind = ["," + " ".join(map(str, pairs.outside.get(label, ()))) for label in pairs.labels]
    between = ",\n" if form == "json" else "\n"
    for source, at, connections in matrix.kept(pairs, wanted):
        head, out = heads[source], []
        for destination, connection in zip(at.tolist(), connections.tolist(), strict=True):
            if connection not in tails:
                sets = pairs.sets(connection) if connection else NOTHING
                tails[connection] = _tail(sets, "", form) if wanted.wanted(sets) else None
                if sets[1]:
                    doubtful[connection] = sets
            tail = tails[connection]
            if tail is not None:
                if connection in doubtful:
                    why = pairs.why(source, destination)
                    tail = reasoned.get((connection, why))
                    if tail is None:
                        tail = reasoned[connection, why] = _tail(doubtful[connection], why, form)
                out += [head + ends[destination] + each + behind[source] + behind[destination] for each in tail]
        if out:
            yield between.join(out)


def _tail(sets: Sets, why: str, form: str) -> list[str]:
    """What stands behind the names in a row, or, where something passes one way only, in two of them."""
    allowed, unknown, one_way = sets
    if form == "csv":
        return [_fields([str(allowed) if allowed else "", str(one_way) if one_way else "", str(unknown) if unknown else "", why])]
    found = matrix.row_json(Row(("",), ("",), allowed, unknown, one_way, why))
    return [json.dumps({k: v for k, v in row.items() if k not in ("src", "dst")})[1:] for row in found]


def _fields(values: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(values)
    return out.getvalue()


def words(row: Row) -> str:
    """What passes, for people."""
    parts = [str(row.allowed)] if row.allowed else []
    parts += [f"one way: {row.one_way}"] if row.one_way else []
    parts += [f"unknown: {row.unknown} ({row.why})"] if row.unknown else []
    return "; ".join(parts) or "nothing"
