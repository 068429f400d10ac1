"""What may leave: a filter at the edge of every VPC, and the flows that its rows declare."""

from __future__ import annotations

from budnet.ir.address import EVERYWHERE, Prefix, single
from budnet.ir.endpoint import Endpoint
from budnet.ir.filters import EgressFilter, EgressRule
from budnet.ir.intent import Flow, Side
from budnet.model.flow import Egress
from budnet.resolve.draft import Draft
from budnet.resolve.outside import hosts_of, is_global
from budnet.resolve.references import services_of, unknown
from budnet.source.document import Path

NO_WAY_OUT = "R521"


def egress(draft: Draft) -> None:
    """The pass. Every VPC has a filter, also where no row names it: then nothing leaves."""
    rules: dict[str, list[EgressRule]] = {v.id: [] for v in draft.vpcs}
    for name, row in draft.topology.egress.items():
        hosts, prefixes = _targets(draft, name, row)
        for source, place in _sources(draft, name, row):
            by_vpc: dict[str, list[str]] = {}
            for endpoint in draft.endpoints_of(source):
                by_vpc.setdefault(endpoint.vpc, []).append(endpoint.id)
                _can_leave(draft, source, endpoint, place)
            for vpc, ids in by_vpc.items():
                origin = draft.origin("egress", name)
                rules[vpc].append(EgressRule(f"{name}:{source}", tuple(ids), hosts, prefixes, row.port, origin))
                transport = "tls" if row.port.ports.first == 443 else "plaintext"
                target = Side(", ".join(row.to), tuple(f"internet/{h}" for h in hosts), prefixes)
                draft.flows.append(Flow(f"{source} -> {name}", Side(source, tuple(ids)), target, row.port, transport, origin))
    for owner in draft.vpcs:
        draft.egress_filters.append(EgressFilter(f"{owner.id}/egress", owner.id, tuple(rules[owner.id]), owner.origin))


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


def _targets(draft: Draft, name: str, row: Egress) -> tuple[tuple[str, ...], tuple[Prefix, ...]]:
    """Host names, and the addresses they and the address sets stand for."""
    hosts = tuple(dict.fromkeys(h for target in row.to for h in _known_hosts(draft, target)))
    modelled = {e.id: e for e in draft.endpoints}
    prefixes: list[Prefix] = []
    for host in hosts:
        prefixes += [single(a) for a in modelled[f"internet/{host}"].addresses]
    for target in row.to:
        prefixes += EVERYWHERE if target == "internet" else draft.topology.addresses.get(target, [])
    return hosts, tuple(prefixes)


def _known_hosts(draft: Draft, target: str) -> list[str]:
    """As in the pass `outside`, which has already reported what it could not find."""
    before = len(draft.diagnostics)
    hosts = hosts_of(draft, target, ())
    del draft.diagnostics[before:]
    return hosts


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
