"""Names whose source was looked up too long ago: vendors move their hosts, and a list that nobody compares goes wrong quietly."""

from __future__ import annotations

from datetime import date

from budnet.catalog.egress import catalogue
from budnet.ir.network import Network
from budnet.source.diagnostic import Diagnostic, warning
from budnet.source.span import Span

STALE = "R307"


def stale(network: Network, today: date) -> list[Diagnostic]:
    """One warning for each egress row with names that were looked up too long ago."""
    known = catalogue()
    rows: dict[str, tuple[Span, list[str]]] = {}
    for found in network.dns_filters:
        for rule in found.rules:
            span = Span(rule.origin.file, rule.origin.line, rule.origin.column, rule.origin.line, rule.origin.column + len(rule.id))
            rows.setdefault(rule.id, (span, sorted(n.date for n in rule.names if known.is_stale(n.date, today))))
    return [
        warning(
            STALE, f"{len(dates)} names of row '{row}' were last compared with their sources on {dates[0]} or later", span,
            f"that is more than {known.stale_after.days} days ago: compare them with the sources that `budnet show egress` gives, or use a newer budnet",
        )
        for row, (span, dates) in rows.items() if dates
    ]  # fmt: skip
