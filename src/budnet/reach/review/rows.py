"""Rows of a file in our language: flows and egress that add nothing, guarantees about nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from budnet.ir.address import Match, PortRange, Protocol
from budnet.ir.filters import EgressRule
from budnet.ir.intent import Flow, GuaranteeKind, Side
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.packets import intervals
from budnet.packets.addresses import AddressSet
from budnet.reach.review import say
from budnet.reach.review.say import finding
from budnet.source.diagnostic import Diagnostic, Severity

_Pair = tuple[str, str]


def odd_rows(network: Network) -> Iterator[Diagnostic]:
    """Of a network that was imported there are none: it has no rows."""
    yield from _flows(network)
    yield from _egress(network)
    yield from _guarantees(network)


# ---- flows -----------------------------------------------------------------------------------------------------------------


def _flows(network: Network) -> Iterator[Diagnostic]:
    """Rows all of whose flows other rows declare. The last go first, and what goes covers nothing any more."""
    rows: dict[Origin, list[Flow]] = defaultdict(list)
    outward = {rule.origin for each in network.egress_filters for rule in each.rules}
    for flow in network.flows:
        if flow.origin.line and flow.origin not in outward:
            rows[flow.origin].append(flow)
    left = {origin: _Declared(flows) for origin, flows in rows.items()}
    for origin in sorted(left, reverse=True):
        others = [d for at, d in left.items() if at != origin and d.meets(left[origin])]
        if others and left[origin].within(others):
            mine = left.pop(origin)
            lines = say.listed([str(at.line) for at, d in left.items() if d.meets(mine)])
            yield finding(Severity.WARNING, say.REDUNDANT_FLOW, f"the row adds nothing to what line {lines} declares: {say.listed(mine.names)}",
                          origin, "remove it")  # fmt: skip


class _Declared:
    """What the flows of one row allow: for each pair of ends, ports by protocol and by the way they go."""

    def __init__(self, flows: list[Flow]) -> None:
        self.names = [f.id for f in flows]
        self._allowed: dict[tuple[_Pair, str, str], dict[Protocol, intervals.Intervals]] = {}
        for flow in flows:
            for pair in _pairs(flow):
                found = self._allowed.setdefault((pair, flow.via, flow.link), {})
                for protocol in Protocol if flow.match.protocol is None else (flow.match.protocol,):
                    ports: PortRange = flow.match.ports
                    found[protocol] = intervals.canonical((*found.get(protocol, ()), (ports.first, ports.last)))

    def meets(self, other: _Declared) -> bool:
        """Whether both are about some pair."""
        return not self._allowed.keys().isdisjoint(other._allowed)

    def within(self, others: list[_Declared]) -> bool:
        """Whether others together allow all of it."""
        for key, by_protocol in self._allowed.items():
            for protocol, ports in by_protocol.items():
                theirs = intervals.canonical(i for d in others for i in d._allowed.get(key, {}).get(protocol, ()))
                if intervals.subtract(ports, theirs):
                    return False
        return bool(self._allowed)


def _pairs(flow: Flow) -> Iterator[_Pair]:
    """Endpoints as they are; of the outside what a side is called, as its prefixes are cut nowhere here."""
    for source in _ends(flow.sources):
        for target in _ends(flow.destinations):
            yield source, target


def _ends(side: Side) -> tuple[str, ...]:
    return (*side.endpoints, *(str(p) for p in side.prefixes))


# ---- egress ----------------------------------------------------------------------------------------------------------------


def _egress(network: Network) -> Iterator[Diagnostic]:
    """Rows that let out what one other row lets out."""
    for each in network.egress_filters:
        gone: set[str] = set()
        for rule in reversed(each.rules):
            wider = next((r for r in each.rules if r is not rule and r.id not in gone and _lets_out_all(r, rule)), None)
            if wider is not None and rule.origin.line:
                gone.add(rule.id)
                yield finding(Severity.WARNING, say.REDUNDANT_EGRESS, f"the row adds nothing to {wider.id}", rule.origin, "remove it",
                              (("the row that lets it out", say.span(wider.origin)),))  # fmt: skip


def _lets_out_all(wide: EgressRule, narrow: EgressRule) -> bool:
    names = set(narrow.names) <= set(wide.names) if narrow.names else not AddressSet.of(narrow.prefixes) - AddressSet.of(wide.prefixes)
    return (
        set(narrow.sources) <= set(wide.sources) and names and bool(narrow.names) == bool(wide.names) and _matches(wide.match, narrow.match)
    )


def _matches(wide: Match, narrow: Match) -> bool:
    if wide.protocol is None:
        return True
    return wide.protocol is narrow.protocol and wide.ports.first <= narrow.ports.first and narrow.ports.last <= wide.ports.last


# ---- guarantees ------------------------------------------------------------------------------------------------------------


def _guarantees(network: Network) -> Iterator[Diagnostic]:
    """A side without anybody in it makes a guarantee true that guards nothing."""
    for guarantee in network.guarantees:
        if guarantee.kind is GuaranteeKind.ENCRYPTED:
            continue
        for side, empty in ((guarantee.sources, guarantee.kind is not GuaranteeKind.ONLY), (guarantee.destinations, True)):
            if empty and not side.endpoints and not side.prefixes:
                yield finding(Severity.WARNING, say.ABOUT_NOBODY, f"nobody is in '{side.name}', so the guarantee holds whatever is written",
                              guarantee.origin, "name a service, or a subnet that has one")  # fmt: skip
