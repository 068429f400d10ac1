"""Flows between services: every declared one, spelt out by service, network and port."""

from __future__ import annotations

from collections.abc import Iterator

from budnet.ir.address import EVERYWHERE, PORTED, Match, PortRange, Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.intent import Flow, Side
from budnet.ir.links import ROUTED
from budnet.ir.origin import BUILT_IN
from budnet.model import flow as written
from budnet.model.values import read_match
from budnet.resolve import mesh
from budnet.resolve.draft import Draft
from budnet.resolve.icmp_rows import icmp_row
from budnet.resolve.outside import is_global
from budnet.resolve.references import ports_of, services_of, unknown
from budnet.source.document import Path
from budnet.source.text import quoted

NOT_IN_MESH, NO_WAY, USE_EGRESS, NOT_PUBLIC, UNHEARD = "R511", "R512", "R513", "R514", "R515"
_MESH = Match(Protocol.TCP, PortRange(mesh.PORT, mesh.PORT))


def flows(draft: Draft) -> None:
    """The pass."""
    for i, flow in enumerate(draft.topology.flows):
        sources = list(_sources(draft, flow, i))
        for target, place in _targets(draft, flow, i):
            for j, port in enumerate(flow.all_ports):
                _heard(draft, target, port, ("flows", i, "port" if flow.port else "ports", j))
            for source, from_place in sources:
                _flow(draft, i, flow, source, from_place, target, place)


def _sources(draft: Draft, flow: written.Flow, i: int) -> Iterator[tuple[str, Path]]:
    """Services, `internet` and address sets."""
    for j, name in enumerate(flow.from_):
        place = ("flows", i, "from", j)
        if name == "internet" or name in draft.topology.addresses:
            yield name, place
            continue
        services = services_of(draft, name)
        if services is None:
            unknown(draft, name, place, ["internet", *draft.topology.addresses], "name `internet`, sets of `addresses`, groups or services")
        yield from ((s, place) for s in services or [])


def _targets(draft: Draft, flow: written.Flow, i: int) -> Iterator[tuple[str, Path]]:
    for j, name in enumerate(flow.to):
        place = ("flows", i, "to", j)
        if name == "internet" or name in draft.topology.addresses or name.startswith("catalog/"):
            draft.error(
                USE_EGRESS,
                f"{quoted(name)} is outside our networks",
                place,
                "write it as a row of `egress`, which says who may leave and to where",
            )
            continue
        services = services_of(draft, name)
        if services is None:
            unknown(draft, name, place)
        yield from ((s, place) for s in services or [])


def _flow(draft: Draft, i: int, flow: written.Flow, source: str, from_place: Path, target: str, place: Path) -> None:
    ports = [("mesh", _MESH)] if flow.via else list(ports_of(draft, target, flow.all_ports, ("flows", i, "port" if flow.port else "ports")))
    if flow.via:
        for name, where in ((source, from_place), (target, place)):
            if name not in draft.topology.services or not draft.topology.services[name].mesh:
                draft.error(
                    NOT_IN_MESH,
                    f"'{name}' has no sidecar, so nothing goes to or from it via the mesh",
                    where,
                    "add `mesh: dapr` to it, or name a port",
                )
    origin = draft.origin("flows", i)
    for sources, destinations, link in _sides(draft, source, target, place):
        for port, match in ports:
            transport = _transport(destinations[1], match)
            name = f"{source} -> {target} {port}"
            side = Side(target, tuple(e.id for e in destinations[1]))
            icmp_row(draft, match, sources, side, place)
            draft.flows.append(Flow(name, sources, side, match, transport, origin, link, flow.via or ""))


def _heard(draft: Draft, target: str, port: str, path: Path) -> None:
    """A port by number may be one that nobody listens on."""
    match = read_match(port)
    if isinstance(match, Match) and match.protocol not in PORTED:
        return  # hosts answer by themselves
    service = draft.topology.services[target]
    known = {name: written.port for name, written in service.ports.items()}
    if service.mesh and any(match == Match(x.protocol, PortRange(x.port, x.port)) for x in mesh.LISTENERS):
        return  # the sidecar's own; what is loopback among them is a finding (D601)
    if isinstance(match, Match) and not any(
        p.protocol is match.protocol and match.ports.first <= p.ports.first <= match.ports.last for p in known.values()
    ):
        has = ", ".join(f"{name} ({p})" for name, p in known.items()) or "nothing"
        draft.warning(UNHEARD, f"'{target}' does not listen on {match}, so the flow ends at a closed port", path, f"it listens on {has}")


def _sides(draft: Draft, source: str, target: str, place: Path) -> Iterator[tuple[Side, tuple[str, list[Endpoint]], str]]:
    """A flow between services that have a network in common stays inside each such network; otherwise it goes to all there are.

    The last is the link that carries it by fronts; empty where packets are routed.
    """
    targets = draft.endpoints_of(target)
    if source not in draft.topology.services:
        prefixes = EVERYWHERE if source == "internet" else tuple(draft.topology.addresses[source])
        if targets and not any(_is_public(draft, e) for e in targets):
            only_v6 = all(a.version == 6 for e in targets for a in e.addresses)
            draft.error(NOT_PUBLIC, f"'{target}' has no public address, so nothing outside can reach it", place,
                        "give its subnet a global IPv6 range: unique local addresses (fc00::/7) are for the inside" if only_v6
                        else "put a load balancer in front of it, or give it `public: true` in a public subnet")  # fmt: skip
        inside = [
            e.id for e in draft.endpoints if e.kind is EndpointKind.EXTERNAL and (source == "internet" or e.id == f"internet/{source}")
        ]
        yield Side(source, tuple(inside), tuple(prefixes)), (target, targets), ""
        return
    senders = draft.endpoints_of(source)
    shared = list(dict.fromkeys(e.vpc for e in senders if any(t.vpc == e.vpc for t in targets)))
    for network in shared:
        yield Side(source, tuple(e.id for e in senders if e.vpc == network)), (target, [e for e in targets if e.vpc == network]), ""
    if not shared:
        _linked(draft, source, senders, target, targets, place)
        yield from _across(draft, source, senders, target, targets)


def _across(
    draft: Draft, source: str, senders: list[Endpoint], target: str, targets: list[Endpoint]
) -> Iterator[tuple[Side, tuple[str, list[Endpoint]], str]]:
    """Routed links carry one flow between all that there are; each link that does not route carries its own."""
    pairs = [(near, far) for near in _vpcs(senders) for far in _vpcs(targets)]
    carried = {pair: link.id for pair in pairs if (link := draft.link_between(*pair)) is not None and link.method not in ROUTED}
    if not carried:
        yield Side(source, tuple(e.id for e in senders)), (target, targets), ""
        return
    for near, far in pairs:
        there = [e for e in targets if e.vpc == far]
        yield Side(source, tuple(e.id for e in senders if e.vpc == near)), (target, there), carried.get((near, far), "")


def _vpcs(endpoints: list[Endpoint]) -> list[str]:
    return list(dict.fromkeys(e.vpc for e in endpoints))


def _linked(draft: Draft, source: str, senders: list[Endpoint], target: str, targets: list[Endpoint], place: Path) -> None:
    """Every network of the one needs a link to every network of the other."""
    for near in _vpcs(senders):
        for far in _vpcs(targets):
            if draft.link_between(near, far) is None:
                draft.error(
                    NO_WAY,
                    f"there is no link between '{near}' of '{source}' and '{far}' of '{target}'",
                    place,
                    f"add a link between '{draft.as_written(near)}' and '{draft.as_written(far)}'",
                )


def _is_public(draft: Draft, endpoint: Endpoint) -> bool:
    return bool(endpoint.public) or (draft.subnet(endpoint.subnet).access == "public" and any(map(is_global, endpoint.addresses)))


def _transport(targets: list[Endpoint], match: Match) -> str:
    listeners = targets[0].listeners if targets else ()
    return next((x.transport for x in listeners if x.protocol is match.protocol and x.port == match.ports.first), "plaintext")


def built_in(draft: Draft) -> None:
    """The pass, when all endpoints are there. What a VPC gives to everybody in it: its resolver; and to machines, not to pods, its metadata address."""
    for vpc in draft.vpcs:
        here = [e for e in draft.endpoints if e.vpc == vpc.id and e.filtered]
        everyone = Side(vpc.id, tuple(e.id for e in here))
        machines = Side(f"hosts of {vpc.id}", tuple(e.id for e in here if e.kind is not EndpointKind.POD))
        for protocol in (Protocol.UDP, Protocol.TCP):
            match = Match(protocol, PortRange(53, 53))
            draft.flows.append(
                Flow(f"{vpc.id} -> resolver", everyone, Side("resolver", (f"{vpc.id}/resolver",)), match, "plaintext", BUILT_IN)
            )
        if any(e.id == f"{vpc.id}/metadata" for e in draft.endpoints):
            match = Match(Protocol.TCP, PortRange(80, 80))
            draft.flows.append(
                Flow(f"{vpc.id} -> metadata", machines, Side("metadata", (f"{vpc.id}/metadata",)), match, "plaintext", BUILT_IN)
            )
