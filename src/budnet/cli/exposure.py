"""budnet exposure"""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING

import click

from budnet.cli.output import file_argument, forms, markdown, print_sarif, table, taking_options
from budnet.cli.source import network, source_option
from budnet.questions.exposure import answer, exposure, place, ranges

if TYPE_CHECKING:
    from budnet.packets.transports import Transports
    from budnet.reach.exposure.newcomers import Newcomer
    from budnet.reach.exposure.verdict import Exposure
    from budnet.source.diagnostic import Diagnostic

_COLUMNS = ("workload", "port", "from the internet", "by", "at", "why")
_INTERNET, _PERHAPS = "K301", "K302"


@click.command()
@file_argument
@source_option
@click.option(
    "--fail-on", type=click.Choice(["internet"]), help="Exit 1 if the internet reaches anything, or where it is not known whether it does."
)
@click.option("--new-pods/--no-new-pods", default=True, show_default=True, help="Also what a pod that is not there yet could reach.")
@forms("sarif")
@taking_options
def command(file: str | None, source: str | None, fail_on: str | None, new_pods: bool, form: str) -> None:
    """What the internet reaches, and what any pod could reach that is not there yet, each with the reason.

    Of a cluster: load balancers, node ports, external IPs, host ports, Ingresses, Gateways and OpenShift's Routes, each with what policies say.
    A firewall in front of the nodes is not part of a cluster's objects, and not seen.

    \b
    Examples:
      budnet exposure
      budnet exposure --from kubernetes:dump.json --fail-on internet
      kubectl get -A -o json all,ing,netpol,nodes,ns | budnet exposure --from kubernetes:-
    """
    from budnet.reach.exposure.verdict import Word

    found, others = exposure(network(file, source), new_pods)
    perhaps = [x for x in found if x.word.open or x.word is Word.UNKNOWN]
    if form == "json":
        click.echo(answer((found, others)).to_json())
    elif form == "sarif":
        print_sarif(_said(perhaps))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow([*_COLUMNS, "ranges", "decided by", "origin"])
        for x in found:
            writer.writerow([*_row(x), " ".join(map(str, x.prefixes)), " ".join(x.by), place(x)])
    elif form == "markdown":
        markdown(_COLUMNS, (_row(x) for x in found))
        if others:
            click.echo()
            markdown(_NEW, _new_rows(others))
    else:
        _text(found, others)
    sys.exit(1 if fail_on and perhaps else 0)


def _text(found: list[Exposure], others: list[Newcomer]) -> None:
    if found:
        table(_COLUMNS, (_row(x) for x in found))
    open_ = len({x.workload for x in found if x.word.open})
    doubtful = [x for x in found if x.word.value == "unknown"]
    unknown, ways = len({x.workload for x in doubtful if x.workload}), len({x.entry for x in doubtful if not x.workload})
    said = f"the internet reaches {open_ or 'no'} workload{'s' * (open_ != 1)}" + (" as far as is known" if doubtful and not open_ else "")
    said += f"; of {unknown} it is not known" if unknown else ""
    said += f"; {ways} way{'s' * (ways != 1)} in lead{'s' * (ways == 1)} to nobody knows whom" if ways else ""
    click.echo(said)
    rows = _new_rows(others)
    if rows:
        click.echo()
        table(_NEW, rows, title="what a pod that is not there yet could open")


_NEW = ("workload", "ports", "a new pod in", "with labels")


def _new_rows(others: list[Newcomer]) -> list[tuple[str, str, str, str]]:
    """One row for each workload and answer; namespaces that fare alike are listed together."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    count = len({n.namespace for n in others})
    for n in others:
        partly = "" if n.complete else " (others may reach more)"
        if n.any_labels:
            groups.setdefault((n.workload, _ports(n.any_labels), f"any{partly}"), []).append(n.namespace)
        more = n.some_labels - n.any_labels
        if more:
            shown = ", ".join(f"{k}={v}" for k, v in n.labels)
            spaces = ", ".join(f"{k}={v}" for k, v in n.space)
            shown = "; ".join(filter(None, [shown, spaces and f"its namespace {spaces}"])) or "none"
            groups.setdefault((n.workload, _ports(more), shown + partly), []).append(n.namespace)
        if n.unknown:
            groups.setdefault((n.workload, f"{n.unknown}: unknown", "what decides is not modelled"), []).append(n.namespace)
    return [
        (workload, ports, "any namespace" if len(spaces) == count else ", ".join(spaces), labels)
        for (workload, ports, labels), spaces in groups.items()
    ]  # fmt: skip


def _ports(some: Transports) -> str:
    return "everything" if some.everything else str(some)


def _row(x: Exposure) -> tuple[str, ...]:
    return x.called, x.port, ranges(x), f"{x.entry} ({x.kind})", x.at, x.reason


def _said(found: list[Exposure]) -> list[Diagnostic]:
    """One result for each workload that is exposed, the most open way in first."""
    from budnet.source.diagnostic import Diagnostic, Severity
    from budnet.source.span import Span

    first: dict[str, Exposure] = {}
    for x in found:
        first.setdefault(x.workload or x.entry, x)
    said = []
    for x in first.values():
        line = max(x.origin.line, 1)
        alike = (y for y in found if y.workload == x.workload and (y.workload or y.entry == x.entry))
        ways = ", ".join(dict.fromkeys(f"{y.entry} ({y.port})" if y.port else y.entry for y in alike))
        code = _INTERNET if x.word.open else _PERHAPS
        summary = (
            f"{x.workload} is exposed to the internet {x.word.value}"
            if x.word.open
            else f"whether {x.workload or 'somebody who was not read'} is exposed is not known"
        )
        said.append(Diagnostic(code, Severity.WARNING, f"{summary}, by {ways}: {x.reason}", Span(x.origin.file, line, 1, line, 1)))
    return said
