"""Which VPCs are alike, so that fifty equal ones are one box and not fifty."""

from __future__ import annotations

from collections.abc import Sequence

from budnet.ir.endpoint import Endpoint
from budnet.ir.intent import Flow
from budnet.ir.links import Link
from budnet.ir.network import Network

MANY = 4
"""As many as this are drawn as one; fewer are easier to read side by side."""

Links = Sequence[tuple[str, str, Flow]]


def representatives(network: Network, vpcs: list[str], owner: dict[str, str], hops: Links) -> dict[str, str]:
    """For every VPC the one that is drawn for it. `owner` says whose a place is; `hops` are source, target, flow."""
    colours = _numbered({v: _shape(network, v) for v in vpcs})
    for _ in range(2):
        # who a VPC talks to is part of what it is, so the partners' own likeness is taken into account, and theirs
        colours = _refined(colours, owner, hops, network)
    classes: dict[int, list[str]] = {}
    for vpc in vpcs:
        classes.setdefault(colours[vpc], []).append(vpc)
    out = {v: v for v in vpcs}
    for members in classes.values():
        if len(members) >= MANY and not _linked(network, members):
            out |= dict.fromkeys(members, members[0])
    return out


def written(network: Network) -> list[Link]:
    """Every link; a peering that nobody wrote, of a network that was made otherwise, is one, too."""
    known = {x.id for x in network.links}
    return [*network.links, *(Link(p.id, p.between, "vpc-peering", "", p.origin) for p in network.peerings if p.id not in known)]


def _linked(network: Network, members: list[str]) -> bool:
    """Whether two of them are linked: one box cannot show that."""
    return any(set(x.between) <= set(members) for x in written(network))


def _shape(network: Network, vpc: str) -> str:
    """Everything about a VPC but its name, its addresses and its place in the file."""
    cloud = next((v.cloud for v in network.vpcs if v.id == vpc), None)
    tiers = [
        (
            _local(s.tier, vpc),
            s.access,
            s.zone,
            tuple(p.prefixlen for p in s.prefixes),
            [(r.target.value) for r in table.routes] if table else (),
        )
        for s in network.subnets
        if s.vpc == vpc
        for table in [network.route_table.get(s.route_table)]
    ]
    gates = [
        len([g for g in found if g.vpc == vpc]) for found in (network.internet_gateways, network.nat_gateways, network.egress_only_gateways)
    ]
    return repr((cloud, sorted(map(repr, tiers)), gates, sorted(_endpoint(e, vpc) for e in network.inside if e.vpc == vpc)))


def _endpoint(endpoint: Endpoint, vpc: str) -> str:
    listeners = [(x.name, x.protocol.value, x.port, x.transport, x.loopback) for x in endpoint.listeners]
    hosts = [(h.host, [_local(b, vpc) for b in h.backends], h.port) for h in endpoint.hosts]
    tier = _local(endpoint.id, vpc)
    return repr((tier, endpoint.kind.value, endpoint.service, endpoint.namespace, listeners, len(endpoint.public), hosts))


def _refined(colours: dict[str, int], owner: dict[str, str], hops: Links, network: Network) -> dict[str, int]:
    talks: dict[str, set[str]] = {v: set() for v in colours}
    for source, target, flow in hops:
        for here, there, way in ((source, target, "out"), (target, source, "in")):
            vpc = owner.get(here)
            if vpc is not None:
                far = owner.get(there, "")
                other = "self" if far == vpc else colours.get(far, "")
                talks[vpc].add(repr((way, _local(here, vpc), other, _local(there, far or vpc), str(flow.match), flow.transport)))
    for link in written(network):
        for here, there in (link.between, link.between[::-1]):
            talks.setdefault(here, set()).add(repr((link.method, link.detail, colours.get(there, ""))))
    return _numbered({v: repr((colours[v], sorted(talks[v]))) for v in colours})


def _numbered(keys: dict[str, str]) -> dict[str, int]:
    """Equal keys get equal numbers."""
    numbers: dict[str, int] = {}
    return {v: numbers.setdefault(key, len(numbers)) for v, key in keys.items()}


def _local(id: str, vpc: str) -> str:
    return id.removeprefix(f"{vpc}/")
