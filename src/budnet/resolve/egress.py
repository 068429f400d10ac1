"""What may leave: at the edge of every VPC a filter by address and one by name, the list of its resolver, and the flows
that the rows declare.

`from` is who really opens the connection: nodes pull images and set their clocks, pods do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from budnet.catalog.egress import catalogue
from budnet.ir.address import EVERYWHERE, Match, PortRange, Prefix, Protocol, single
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.filters import DnsFilter, DnsRule, EgressFilter, EgressRule, HostName, SniFilter, SniRule
from budnet.ir.intent import Flow, Side
from budnet.model.flow import Egress
from budnet.resolve import aliases
from budnet.resolve.draft import Draft, Outside
from budnet.resolve.icmp_rows import icmp_row
from budnet.resolve.outside import ANYWHERE, is_global
from budnet.resolve.references import services_of, unknown
from budnet.source.document import Path

NO_WAY_OUT, GOES_ROUND, LOOKS_UP = "R521", "R522", "R523"
TLS = 443
"""The port on which the first bytes say a name (RFC 6066, 3). Elsewhere names go by their addresses only."""


@dataclass
class _Lists:
    """The rules of one VPC."""

    by_address: list[EgressRule] = field(default_factory=list)
    by_name: list[SniRule] = field(default_factory=list)
    looked_up: dict[str, DnsRule] = field(default_factory=dict)
    anywhere: bool = False
    """Somebody may go anywhere, so the resolver answers every name."""


def egress(draft: Draft) -> None:
    """The pass. Every VPC has its filters, also where no row names it: then nothing leaves."""
    lists = {v.id: _Lists() for v in draft.vpcs}
    for name, row in draft.topology.egress.items():
        _sound(draft, name, row)
        for source, place in _sources(draft, name, row):
            by_vpc: dict[str, list[str]] = {}
            for endpoint in draft.endpoints_of(source):
                by_vpc.setdefault(endpoint.vpc, []).append(endpoint.id)
                _can_leave(draft, source, endpoint, place)
            for vpc, ids in by_vpc.items():
                _allow(draft, lists[vpc], name, row, source, tuple(ids))
    led_to = [DnsRule(f"alias:{host}", (HostName(host),), origin) for host, origin in aliases.hosts_outside(draft).items()]
    for owner in draft.vpcs:
        mine = lists[owner.id]
        draft.egress_filters.append(EgressFilter(f"{owner.id}/egress", owner.id, tuple(mine.by_address), owner.origin))
        if not mine.anywhere:
            draft.dns_filters.append(DnsFilter(f"{owner.id}/names", owner.id, (*mine.looked_up.values(), *led_to), owner.origin))
        draft.sni_filters.append(SniFilter(f"{owner.id}/sni", owner.id, tuple(mine.by_name), owner.origin))


def _allow(draft: Draft, lists: _Lists, name: str, row: Egress, source: str, ids: tuple[str, ...]) -> None:
    """What a row means for one of its sources in one VPC."""
    rule, origin = f"{name}:{source}", draft.origin("egress", name)
    names, stand_for, sets = _targets(draft, name, row)
    hosts = tuple(dict.fromkeys(h for n in draft.outside[name] for h in n.hosts))
    lists.by_address.append(EgressRule(rule, ids, names, (*stand_for, *sets), row.port, origin))
    lists.anywhere |= any(t.name == ANYWHERE for t in row.to)
    if names:
        lists.looked_up.setdefault(name, DnsRule(name, names, origin))
    if row.port.protocol is Protocol.TCP and row.port.ports.first <= TLS <= row.port.ports.last:
        lists.by_name.append(SniRule(rule, ids, names, sets, origin))
    transport = "tls" if row.port.ports.first == TLS else "plaintext"
    target = Side(", ".join(t.name for t in row.to), tuple(f"internet/{h}" for h in hosts), (*stand_for, *sets))
    icmp_row(draft, row.port, Side(source, ids), target, ("egress", name, "port"))
    draft.flows.append(Flow(f"{source} -> {name}", Side(source, ids), target, row.port, transport, origin))


def _targets(draft: Draft, name: str, row: Egress) -> tuple[tuple[HostName, ...], tuple[Prefix, ...], tuple[Prefix, ...]]:
    """Names, the addresses that they stand for, and the addresses that the row gives as sets."""
    found: list[Outside] = draft.outside[name]
    modelled = {e.id: e for e in draft.endpoints}
    addresses = [a for n in found for h in n.hosts for a in modelled[f"internet/{h}"].addresses]
    sets = [p for t in row.to for p in (EVERYWHERE if t.name == ANYWHERE else draft.topology.addresses.get(t.name, []))]
    return tuple(n.name for n in found), tuple(dict.fromkeys(map(single, addresses))), tuple(sets)


def resolvable(draft: Draft) -> Iterator[tuple[str, str]]:
    """(VPC, host): the modelled hosts that each VPC's resolver answers; where it has no list, all."""
    listed = {owner.vpc for owner in draft.dns_filters}
    outside = [e.id.removeprefix("internet/") for e in draft.endpoints if e.kind is EndpointKind.EXTERNAL and "." in e.id]
    yield from ((vpc.id, host) for vpc in draft.vpcs if vpc.id not in listed for host in outside)
    for owner in draft.dns_filters:
        modelled = {n.name: n.hosts for row in draft.outside.values() for n in row}
        hosts = dict.fromkeys(h for rule in owner.rules for name in rule.names for h in modelled.get(name, (name.name,)))
        yield from ((owner.vpc, host) for host in hosts)


def _sources(draft: Draft, name: str, row: Egress) -> list[tuple[str, Path]]:
    out: dict[str, Path] = {}
    for i, source in enumerate(row.from_):
        place = ("egress", name, "from", i)
        services = services_of(draft, source)
        if services is None:
            unknown(draft, source, place)
        for service in services or []:
            out.setdefault(service, place)
    return list(out.items())


def _sound(draft: Draft, name: str, row: Egress) -> None:
    """Ways round the names: look-ups that the VPC's own resolver does not see, by DNS over TLS (RFC 7858), over QUIC
    (RFC 9250) and over HTTPS (RFC 8484). (QUIC itself is a finding, D402.)"""
    for match, what in ((_port(Protocol.TCP, 853), "DNS over TLS"), (_port(Protocol.UDP, 853), "DNS over QUIC")):
        if draft.outside[name] and _overlap(row.port, match):
            summary = f"{what} on {row.port} goes round the filters that know the names of this row"
            help = f"let clients ask the VPC's resolver; if {what} is really meant, name the addresses in `addresses`"
            draft.error(GOES_ROUND, summary, ("egress", name, "port"), help)
    for i, target in enumerate(row.to):
        if target.name in catalogue().resolvers:
            draft.warning(LOOKS_UP, f"'{target.name}' answers DNS over HTTPS: its clients can look up every name, past the resolver's list",
                          ("egress", name, "to", i), "take it out, and let them ask the VPC's resolver")  # fmt: skip


def _port(protocol: Protocol, number: int) -> Match:
    return Match(protocol, PortRange(number, number))


def _overlap(a: Match, b: Match) -> bool:
    return a.protocol is b.protocol and a.ports.first <= b.ports.last and b.ports.first <= a.ports.last


def _can_leave(draft: Draft, source: str, endpoint: Endpoint, place: Path) -> None:
    subnet = draft.subnet(endpoint.subnet)
    if subnet.access == "isolated":
        return  # no packet leaves: a finding (D406), which takes the service out of the row
    if any(map(is_global, endpoint.addresses)) or endpoint.public:
        return
    if all(a.version == 6 for a in endpoint.addresses):
        draft.error(NO_WAY_OUT, f"'{source}' has unique local addresses only, to which nothing outside can answer", place,
                    "give its subnet a global IPv6 range, or an IPv4 range as well")  # fmt: skip
    elif subnet.access == "public":
        draft.error(NO_WAY_OUT, f"'{source}' is in public subnet '{subnet.tier}' and has no public address", place,
                    "give it `public: true`: an internet gateway translates only interfaces that have one")  # fmt: skip
