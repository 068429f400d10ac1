"""What the pictures need to know of a Network: services by tier, who opens what to whom, and which VPCs are alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

from budnet.ir.address import Prefix
from budnet.ir.endpoint import Endpoint, EndpointKind, Listener
from budnet.ir.intent import Flow, Side
from budnet.ir.links import PUBLIC
from budnet.ir.network import Network
from budnet.records import replace
from budnet.render.diagram.views.alike import representatives

OUTSIDE = "outside/"
_PROVIDED = (EndpointKind.RESOLVER, EndpointKind.METADATA)


@dataclass(frozen=True, slots=True)
class Tier:
    """A subnet as the file names it, over all its zones."""

    id: str
    vpc: str
    name: str
    access: str
    prefixes: tuple[Prefix, ...]
    zones: tuple[tuple[str, tuple[Prefix, ...]], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A service in one tier, with all its replicas: what one box stands for."""

    id: str
    vpc: str
    tier: str
    service: str
    endpoints: tuple[Endpoint, ...]

    @property
    def first(self) -> Endpoint:
        """Replicas differ in their addresses only."""
        return self.endpoints[0]

    @property
    def listeners(self) -> tuple[Listener, ...]:
        """The ports that others can see."""
        return tuple(x for x in self.first.listeners if not x.loopback)


@dataclass(frozen=True, slots=True)
class Hop:
    """One pair of places between which a flow is declared. A place is a unit's id, `outside/NAME`, or what a VPC provides."""

    source: str
    target: str
    flow: Flow


@dataclass(frozen=True)
class Facts:
    """A reading of a Network in which VPCs that are alike are one."""

    network: Network
    alike: dict[str, tuple[str, ...]]
    """The VPCs to be drawn, each with all those that it stands for, itself first."""
    tiers: dict[str, Tier] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    hops: tuple[Hop, ...] = ()

    def drawn(self, vpc: str) -> str:
        """The VPC that stands for this one."""
        return next((first for first, all_ in self.alike.items() if vpc in all_), vpc)

    def vpc_of(self, place: str) -> str:
        """The VPC of a place; empty outside."""
        if place in self.units:
            return self.units[place].vpc
        return "" if place.startswith(OUTSIDE) else place.rpartition("/")[0]

    def tier_of(self, place: str) -> str:
        """The tier of a unit; of anything else the place itself."""
        return self.units[place].tier if place in self.units else place


def read(network: Network) -> Facts:
    """Everything at once; the views only choose from it."""
    units, of_endpoint = _units(network)
    hops = _hops(network, of_endpoint)
    owner = {u.id: u.vpc for u in units.values()}
    vpcs = list(dict.fromkeys([*(v.id for v in network.vpcs), *owner.values()]))
    tiers = _tiers(network, units)
    like = representatives(network, vpcs, owner, [(h.source, h.target, h.flow) for h in hops])
    alike = {first: tuple(v for v in vpcs if like[v] == first) for first in dict.fromkeys(like[v] for v in vpcs)}
    moved = {u.id: u.id.replace(f"{u.vpc}/", f"{like[u.vpc]}/", 1) for u in units.values()}
    moved |= {f"{v}/{what}": f"{like[v]}/{what}" for v in vpcs for what in ("resolver", "metadata")}
    folded = dict.fromkeys(Hop(moved.get(h.source, h.source), moved.get(h.target, h.target), h.flow) for h in hops)
    return Facts(
        network,
        alike,
        {t.id: t for t in tiers.values() if t.vpc in alike},
        {u.id: u for u in units.values() if u.vpc in alike},
        tuple(folded),
    )


def home(network: Network, endpoint: Endpoint) -> tuple[str, str]:
    """VPC and tier of an endpoint. What was read from a cluster may have neither; it then gets one box of its own."""
    subnet = network.subnet.get(endpoint.subnet)
    vpc = endpoint.vpc or endpoint.cluster or "network"
    return vpc, subnet.tier if subnet else f"{vpc}/endpoints"


def _units(network: Network) -> tuple[dict[str, Unit], dict[str, str]]:
    units: dict[str, Unit] = {}
    of_endpoint: dict[str, str] = {}
    for endpoint in network.inside:
        vpc, tier = home(network, endpoint)
        service = endpoint.service or endpoint.id.rpartition("/")[2]
        # a namespace is no part of the id where the file gives services names of their own, but clusters repeat names
        id = f"{tier}/{service}" if endpoint.service else f"{tier}/{endpoint.namespace}/{service}"
        known = units.get(id, Unit(id, vpc, tier, service, ()))
        units[id] = replace(known, endpoints=(*known.endpoints, endpoint))
        of_endpoint[endpoint.id] = id
    return units, of_endpoint


def _tiers(network: Network, units: dict[str, Unit]) -> dict[str, Tier]:
    found: dict[str, Tier] = {}
    for subnet in network.subnets:
        known = found.get(subnet.tier) or Tier(subnet.tier, subnet.vpc, subnet.tier.removeprefix(f"{subnet.vpc}/"), subnet.access, (), ())
        found[subnet.tier] = replace(
            known, prefixes=(*known.prefixes, *subnet.prefixes), zones=(*known.zones, (subnet.zone, subnet.prefixes))
        )
    for unit in units.values():
        found.setdefault(unit.tier, Tier(unit.tier, unit.vpc, unit.tier.removeprefix(f"{unit.vpc}/"), "private", (), ()))
    return {id: replace(t, prefixes=_merged(t.prefixes)) for id, t in found.items()}


def _merged(prefixes: tuple[Prefix, ...]) -> tuple[Prefix, ...]:
    """The zones' halves as the whole they were cut from."""
    four = [p for p in prefixes if isinstance(p, IPv4Network)]
    six = [p for p in prefixes if isinstance(p, IPv6Network)]
    return (*collapse_addresses(four), *collapse_addresses(six))


def _hops(network: Network, of_endpoint: dict[str, str]) -> list[Hop]:
    found: dict[Hop, None] = {}
    behind = {t for f in network.fronts if f.method == PUBLIC for t in f.targets}
    for flow in network.flows:
        if flow.link and behind.issuperset(flow.destinations.endpoints):
            continue  # on the internet one sees its two halves
        targets = _places(network, flow.destinations, of_endpoint)
        for source in _places(network, flow.sources, of_endpoint):
            found.update(dict.fromkeys(Hop(source, target, flow) for target in targets))
    return list(found)


def _places(network: Network, side: Side, of_endpoint: dict[str, str]) -> list[str]:
    places: dict[str, None] = {}
    for id in side.endpoints:
        endpoint = network.endpoint.get(id)
        if id in of_endpoint:
            places[of_endpoint[id]] = None
        elif endpoint is not None and endpoint.kind in _PROVIDED:
            places[id] = None
        else:
            places[f"{OUTSIDE}{side.name}"] = None
    if side.prefixes and not places:
        places[f"{OUTSIDE}{side.name}"] = None
    return list(places)
