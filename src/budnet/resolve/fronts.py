"""What stands at a link that does not route: for every service that flows reach across it, a front.

A flow from S to T over such a link becomes two connections, each with a flow of its own, from which filters are derived
as from every other: S to the front, and the front to T. The flow itself stays, marked with its link, for the proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from budnet.ir.address import Address, Prefix, Protocol, single
from budnet.ir.cloud import Subnet
from budnet.ir.endpoint import Endpoint, EndpointKind, Listener
from budnet.ir.filters import EgressRule, SniRule
from budnet.ir.intent import Flow, Side
from budnet.ir.links import PUBLIC, Front, Link
from budnet.model import network as written
from budnet.records import replace
from budnet.resolve.draft import Draft
from budnet.resolve.outside import PUBLIC_POOL
from budnet.resolve.pins import Exhausted
from budnet.source.document import Path

NOT_TCP, NO_PUBLIC_SUBNET, NO_WAY_OUT, FULL = "R221", "R222", "R223", "R224"


@dataclass
class _Need:
    """The flows of one target over one link."""

    link: Link
    consumer: str
    provider: str
    target: str
    flows: list[Flow] = field(default_factory=list)

    @property
    def sources(self) -> list[str]:
        """Endpoints that connect, in the order of the flows."""
        return list(dict.fromkeys(e for f in self.flows for e in f.sources.endpoints))

    @property
    def targets(self) -> tuple[str, ...]:
        """Endpoints that answer."""
        return self.flows[0].destinations.endpoints

    @property
    def name(self) -> str:
        """No service has a '.' in its name, so this is nobody else's."""
        return f"{self.target}.{self.link.id}"


def fronts(draft: Draft) -> None:
    """The pass."""
    for need in _needs(draft):
        try:
            _front(draft, need)
        except Exhausted as full:
            draft.error(FULL, f"{full} has no address left for the endpoint of '{need.target}' on this link", ("links", need.link.id),
                        "widen the subnet", key=True)  # fmt: skip


def _needs(draft: Draft) -> Iterable[_Need]:
    """Flows over links that do not route, by what they need: one front for each service and direction."""
    links = {x.id: x for x in draft.links}
    endpoints = {e.id: e for e in draft.endpoints}
    needs: dict[tuple[str, str, str], _Need] = {}
    for flow in draft.flows:
        if not flow.link or not flow.sources.endpoints or not flow.destinations.endpoints:
            continue
        consumer, provider = endpoints[flow.sources.endpoints[0]].vpc, endpoints[flow.destinations.endpoints[0]].vpc
        if flow.match.protocol is not Protocol.TCP:
            index = next((i for i in range(len(draft.topology.flows)) if draft.origin("flows", i) == flow.origin), 0)
            draft.error(NOT_TCP, f"{flow.match} of '{flow.destinations.name}' does not pass '{flow.link}': {links[flow.link].method} carries TCP",
                        ("flows", index), "link the two networks by vpc-peering or vpn")  # fmt: skip
            continue
        key = (flow.link, flow.destinations.name, provider)
        needs.setdefault(key, _Need(links[flow.link], consumer, provider, flow.destinations.name)).flows.append(flow)
    return needs.values()


def _front(draft: Draft, need: _Need) -> None:
    endpoints = {e.id: e for e in draft.endpoints}
    listeners = _listeners(endpoints[need.targets[0]], need.flows)
    found = _public(draft, need, endpoints, listeners) if need.link.method == PUBLIC else _private(draft, need, endpoints, listeners)
    if found is not None:
        near, far, (accepted, auth, profile) = found
        name = f"{need.target}.{need.provider}.{draft.topology.domain}"
        ports = tuple(x.port for x in listeners)
        draft.fronts.append(
            Front(need.name, need.link.id, need.link.method, need.consumer, need.provider, near.id, far.id, need.targets, ports, name,
                  accepted, auth, profile, need.link.origin)
        )  # fmt: skip


def _listeners(target: Endpoint, flows: list[Flow]) -> tuple[Listener, ...]:
    """The target's listeners that the flows are about."""
    wanted = [f.match.ports for f in flows]
    return tuple(
        x for x in target.listeners
        if x.protocol is Protocol.TCP and not x.loopback and any(p.first <= x.port <= p.last for p in wanted)
    )  # fmt: skip


Made = tuple[Endpoint, Endpoint, tuple[bool, str, str]]


def _private(draft: Draft, need: _Need, endpoints: dict[str, Endpoint], listeners: tuple[Listener, ...]) -> Made:
    """An interface endpoint beside the first of those who connect, and a balancer beside the first of those who answer."""
    accepted = draft.topology.links[need.link.id].accept is not False
    heard = listeners if accepted else ()
    near = _endpoint(draft, need, EndpointKind.INTERFACE_ENDPOINT, draft.subnet(endpoints[need.sources[0]].subnet), heard)
    far = _endpoint(draft, need, EndpointKind.ENDPOINT_SERVICE, draft.subnet(endpoints[need.targets[0]].subnet), ())
    for flow in need.flows:
        draft.flows.append(replace(flow, id=f"{flow.sources.name} -> {near.service}", destinations=Side(near.service, (near.id,)), link=""))
    _onward(draft, need, far)
    return near, far, (accepted, "", "")


def _public(draft: Draft, need: _Need, endpoints: dict[str, Endpoint], listeners: tuple[Listener, ...]) -> Made | None:
    """A balancer with a public address, which only the consumers' own public addresses get at, and which asks who they are."""
    path: Path = ("links", need.link.id, "between")
    link: written.Link = draft.topology.links[need.link.id]
    homes = [s for s in draft.subnets if s.vpc == need.provider and s.access == "public" and any(p.version == 4 for p in s.prefixes)]
    if not homes:
        draft.error(NO_PUBLIC_SUBNET, f"'{need.target}' is to be reached from the internet, and '{need.provider}' has no public IPv4 subnet",
                    path, f"add a public subnet to '{need.provider}', or take another method")  # fmt: skip
        return None
    addresses = list(dict.fromkeys(a for e in need.sources for a in _seen_as(draft, endpoints[e])))
    stuck = next((e for e in need.sources if not _seen_as(draft, endpoints[e])), None)
    if stuck:
        draft.error(NO_WAY_OUT, f"'{endpoints[stuck].service}' of '{need.consumer}' has no way to the internet", path,
                    "put it into a private subnet (IPv4, with a NAT gateway), or take another method")  # fmt: skip
        return None
    auth = link.auth or "client-certificate"
    transport = "mtls" if auth == "client-certificate" else "tls"
    asked = tuple(replace(x, transport=transport) for x in listeners)
    front = _endpoint(draft, need, EndpointKind.ENDPOINT_SERVICE, homes[0], asked, public=True)
    ours = single(front.public[0])
    for flow in need.flows:
        name = f"{flow.sources.name} -> {front.service}"
        to_us, from_them = Side(front.service, (), (ours,)), Side(need.consumer, (), tuple(single(a) for a in addresses))
        # what the proof compares with, then what the filters at either end are made of: each sees the other as an outsider
        draft.flows.append(replace(flow, id=name, destinations=Side(front.service, (front.id,)), transport=transport, link=need.link.id))
        draft.flows.append(replace(flow, id=name, destinations=to_us, transport=transport, link=""))
        inward = replace(flow, id=name, sources=from_them, destinations=Side(front.service, (front.id,)), transport=transport, link="")
        draft.flows.append(inward)
        _let_out(draft, need, flow, ours)
    _onward(draft, need, front)
    profile = link.tls or ("external" if "external" in draft.topology.tls else "")
    return front, front, (True, auth, profile)


def _seen_as(draft: Draft, endpoint: Endpoint) -> tuple[Address, ...]:
    """The public IPv4 addresses that an endpoint's packets may have on the internet."""
    access = draft.subnet(endpoint.subnet).access
    if access == "public":
        return endpoint.public
    if access == "private" and any(a.version == 4 for a in endpoint.addresses):
        return tuple(g.public for g in draft.nat_gateways if g.vpc == endpoint.vpc)
    return ()


def _let_out(draft: Draft, need: _Need, flow: Flow, target: Prefix) -> None:
    """A row of the consumer's egress filter: exactly this front, on exactly this port."""
    rule = EgressRule(f"{need.name}:{flow.sources.name}", flow.sources.endpoints, (), (target,), flow.match, flow.origin)
    at = next(i for i, f in enumerate(draft.egress_filters) if f.vpc == need.consumer)
    draft.egress_filters[at] = replace(draft.egress_filters[at], rules=(*draft.egress_filters[at].rules, rule))
    known = SniRule(rule.id, rule.sources, (), rule.prefixes, rule.origin)  # by its address, so whatever is said to it
    draft.sni_filters[at] = replace(draft.sni_filters[at], rules=(*draft.sni_filters[at].rules, known))


def _onward(draft: Draft, need: _Need, far: Endpoint) -> None:
    for match, flow in {f.match: f for f in reversed(need.flows)}.items():
        side = Side(far.service, (far.id,))
        draft.flows.append(replace(flow, id=f"{far.service} -> {need.target}", sources=side, match=match, link=""))


def _endpoint(
    draft: Draft, need: _Need, kind: EndpointKind, subnet: Subnet, listeners: tuple[Listener, ...], public: bool = False
) -> Endpoint:
    name = f"{subnet.tier}/{need.name}"
    addresses = tuple(draft.pins.place(f"{name}/v{p.version}", p, subnet.vpc) for p in subnet.prefixes)
    made = Endpoint(
        name, kind, need.name, subnet.vpc, subnet.id, addresses,
        public=(draft.pins.place(f"{name}/public", PUBLIC_POOL),) if public else (),
        groups=(f"{subnet.vpc}/{need.name}",), listeners=listeners, origin=need.link.origin,
    )  # fmt: skip
    draft.endpoints.append(made)
    return made


def seen_from(draft: Draft, vpc: str, endpoint: Endpoint) -> tuple[Address, ...]:
    """The addresses by which a VPC gets at an endpoint: those of its front, where one stands between them."""
    front = next((f for f in draft.fronts if f.consumer == vpc and endpoint.id in f.targets), None)
    if front is None:
        return endpoint.addresses
    near = next(e for e in draft.endpoints if e.id == front.near)
    return near.public or near.addresses


def names(draft: Draft) -> Iterator[tuple[str, Front, tuple[Address, ...]]]:
    """(view, front, addresses) for every view that knows a front by its name: the consumer's."""
    for front in draft.fronts:
        near = next(e for e in draft.endpoints if e.id == front.near)
        yield front.consumer, front, near.public or near.addresses
