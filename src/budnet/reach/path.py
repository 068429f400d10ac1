"""The way from one point to another: every filter, table and gateway that a packet and its answer meet, in order."""

from __future__ import annotations

from dataclasses import dataclass, field

from budnet.ir.address import Protocol
from budnet.ir.cloud import Route, Subnet, TargetKind
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.links import VpnConnection
from budnet.reach import semantics
from budnet.reach.disposition import Disposition
from budnet.reach.engine import Engine
from budnet.reach.points import Point, PointKind


@dataclass(frozen=True, slots=True)
class Gate:
    """One thing on the way, and which transports it lets through (a mask of the engine's alphabet)."""

    layer: str
    object: str
    passes: int
    otherwise: Disposition
    code: str
    peer: Point
    """Whom the gate was asked about: after translation this is not the packet's first source."""
    answer: bool = False
    """Met by the answer, not by the request."""
    perhaps: int = 0
    """What it may let through and may not: something that it asks is not modelled, or not known."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a client does beside sending packets. Without it a client knows the address, and says what lets it pass."""

    name: str = ""
    """The name that it looks up first, at its VPC's resolver; empty where it knows the address."""
    says: str | None = None
    """The name in its TLS handshake; empty for none, None for whichever lets it pass."""


ANYHOW = Call()


@dataclass(slots=True)
class Path:
    """The gates from `source` to `destination`, and the places passed."""

    source: Point
    destination: Point
    call: Call = ANYHOW
    gates: list[Gate] = field(default_factory=list)
    answers: list[Gate] = field(default_factory=list)
    """What the answer meets, in the order of the request's way: the answer meets the last one first."""
    hops: list[str] = field(default_factory=list)
    stopped: bool = False
    spoken: int = -1
    """What there can be between two addresses of their family."""
    seen: Point | None = None
    """Whom the endpoint at the end takes for the source, where that is somebody else: a NAT gateway, a public address."""
    arrives: Endpoint | None = None
    """The endpoint of ours, or modelled outside endpoint, at the end; None past the modelled world."""

    @property
    def forward(self) -> int:
        """What of the requests arrives, whoever listens."""
        mask = self.spoken
        for gate in self.gates:
            mask &= gate.passes
        return mask

    @property
    def possible(self) -> int:
        """What of the requests may arrive: those that do, and those of which it is not known."""
        mask = self.spoken
        for gate in self.gates:
            mask &= gate.passes | gate.perhaps
        return mask

    @property
    def back(self) -> int:
        """Whose answers come back."""
        mask = -1
        for gate in self.answers:
            mask &= gate.passes
        return mask


def path(engine: Engine, source: Point, destination: Point, beyond: bool = False, call: Call = ANYHOW) -> Path:
    """Walks from a point that may send (an interface or the outside) to any other.

    `beyond`: where no route leads on, the gates at the destination are asked all the same. It changes no verdict, but an
    explanation then names everything that would have to go, not only the missing route.
    """
    found = Path(source, destination, call)
    walk = Walk(engine, found)
    walk.go()
    if beyond and found.stopped:
        walk.despite()
    return found


class Walk:
    """One walk. Methods append to the path; they are small because each is one place in a cloud's network."""

    def __init__(self, engine: Engine, into: Path) -> None:
        self.engine, self.network, self.path = engine, engine.network, into
        into.spoken = engine.spoken[into.source.address.version]

    def go(self) -> None:
        source, destination = self.path.source, self.path.destination
        if source.kind is PointKind.OUTSIDE:
            self.path.hops.append(source.label)
            self.enter(source)
            return
        sender = source.endpoint
        assert sender is not None and source.kind is PointKind.INTERFACE, "only interfaces and the outside send"
        self.path.hops.append(sender.id)
        if self.path.call.name and sender.vpc in self.network.dns_filter:
            self.look_up(sender.vpc)
        self.policy(sender, destination, ingress=False)
        if not sender.vpc:
            self.flat(source)
            return
        if self.provided(sender, destination):
            return
        self.group(sender, destination, ingress=False)
        self.leave(self.network.subnet[sender.subnet], source)

    def flat(self, source: Point) -> None:
        """In a cluster of which nothing but Kubernetes is known, every address reaches every other (Kubernetes' network model)."""
        owner = self.path.destination.endpoint
        if owner is not None:
            self.policy(owner, source, ingress=True)
        self.path.hops.append(self.path.destination.label)
        self.path.arrives = owner

    def despite(self) -> None:
        """The destination's own gates, for a packet that does not get there."""
        owner = self.path.destination.endpoint
        if owner is not None and owner.subnet:
            self.acl_in(self.network.subnet[owner.subnet], self.path.source)
            self.group(owner, self.path.source, ingress=True)
            self.policy(owner, self.path.source, ingress=True)

    # ---- gates ----------------------------------------------------------------------------------------------------------

    def gate(self, layer: str, name: str, passes: int, otherwise: Disposition, code: str, peer: Point, answer: bool = False) -> None:
        if answer:
            assert self.engine.answers is not None, "only filters and routes of VPCs are asked about answers"
            passes |= self.engine.answers.not_asked_for
        (self.path.answers if answer else self.path.gates).append(Gate(layer, name, passes, otherwise, code, peer, answer))

    def stop(self, layer: str, name: str, otherwise: Disposition, code: str) -> None:
        self.gate(layer, name, 0, otherwise, code, self.path.destination)
        self.path.stopped = True

    def policy(self, pod: Endpoint, peer: Point, ingress: bool) -> None:
        found = self.engine.admissions.between(pod, peer, ingress)
        if found.policies:
            code, otherwise = "NETWORK_POLICY_RESTRICTION", _denied(ingress)
            self.path.gates.append(Gate("network-policy", found.name, found.passes, otherwise, code, peer, perhaps=found.perhaps))

    def group(self, endpoint: Endpoint, peer: Point, ingress: bool) -> None:
        passes = self.engine.groups(endpoint.groups, ingress)[peer.index]
        self.gate("security-group", "+".join(endpoint.groups), passes, _denied(ingress), "ENI_SG_RULES_MISMATCH", peer)

    def acl_out(self, subnet: Subnet, peer: Point, answers_from: Point) -> None:
        """The border of a subnet, outwards: the request to `peer`, and the answer that comes in from it."""
        self.gate("network-acl", f"{subnet.acl}:out", self.engine.acl(subnet.acl, False)[0][peer.index],
                  Disposition.DENIED_OUT, "SUBNET_ACL_RESTRICTION", peer)  # fmt: skip
        self.gate("network-acl", f"{subnet.acl}:in", self.engine.acl(subnet.acl, True)[1][answers_from.index],
                  Disposition.DENIED_IN, "SUBNET_ACL_RESTRICTION", answers_from, answer=True)  # fmt: skip

    def acl_in(self, subnet: Subnet, peer: Point) -> None:
        """The border of a subnet, inwards: the request from `peer`, and the answer that goes out to it."""
        self.gate("network-acl", f"{subnet.acl}:in", self.engine.acl(subnet.acl, True)[0][peer.index],
                  Disposition.DENIED_IN, "SUBNET_ACL_RESTRICTION", peer)  # fmt: skip
        self.gate("network-acl", f"{subnet.acl}:out", self.engine.acl(subnet.acl, False)[1][peer.index],
                  Disposition.DENIED_OUT, "SUBNET_ACL_RESTRICTION", peer, answer=True)  # fmt: skip

    def look_up(self, vpc: str) -> None:
        """The VPC's resolver, before any packet to the destination: it refuses names that are not on its list."""
        found = self.network.dns_filter[vpc]
        answered = self.engine.names.looked_up(vpc, self.path.call.name)
        self.gate("dns-filter", found.id, -1 if answered else 0, Disposition.DENIED_OUT, "DNS_FIREWALL_RESTRICTION", self.path.destination)

    # ---- places ---------------------------------------------------------------------------------------------------------

    def provided(self, sender: Endpoint, destination: Point) -> bool:
        """The VPC's own resolver and metadata address: asked directly, by neither routes nor groups nor ACLs."""
        owner = destination.endpoint
        if owner is None or owner.kind not in (EndpointKind.RESOLVER, EndpointKind.METADATA):
            return False
        if owner.vpc == sender.vpc:
            self.path.hops.append(owner.id)
            self.path.arrives = owner
        else:
            self.stop("vpc", owner.vpc, Disposition.NO_ROUTE, "CANNOT_ROUTE")
        return True

    def leave(self, subnet: Subnet, source: Point) -> None:
        """Out of a subnet, by its route table. Inside one subnet no table is asked: AWS routes there whatever it says."""
        owner = self.path.destination.endpoint
        if owner is not None and owner.subnet == subnet.id and self.path.destination.kind is PointKind.INTERFACE:
            self.arrive(owner, source)
            return
        route = self.engine.route(subnet.route_table, self.path.destination)
        if route is None:
            self.stop("route-table", subnet.route_table, Disposition.NO_ROUTE, "NO_ROUTE_TO_DESTINATION")
            return
        self.path.hops.append(subnet.route_table)
        match route.target:
            case TargetKind.BLACKHOLE:
                self.stop("route-table", subnet.route_table, Disposition.BLACKHOLE, "BAD_STATE_ROUTE")
            case TargetKind.LOCAL:
                self.local(subnet, source)
            case TargetKind.PEERING | TargetKind.VPN:
                self.routed_link(subnet, source, route)
            case TargetKind.NAT:
                self.nat(subnet, source, route)
            case TargetKind.INTERNET | TargetKind.EGRESS_ONLY:
                self.internet(subnet, source, route)

    def local(self, subnet: Subnet, source: Point) -> None:
        """To an interface of the same VPC, through both subnets' borders where there are two."""
        owner = self.path.destination.endpoint
        if owner is None or self.path.destination.kind is not PointKind.INTERFACE or owner.vpc != subnet.vpc:
            self.stop("vpc", subnet.vpc, Disposition.NO_ROUTE, "NO_POSSIBLE_DESTINATION")
            return
        there = self.network.subnet[owner.subnet]
        self.acl_out(subnet, self.path.destination, self.path.destination)
        self.come_in(there, source, TargetKind.LOCAL, "")
        self.arrive(owner, source)

    def routed_link(self, subnet: Subnet, source: Point, route: Route) -> None:
        """To the VPC at the other end; a peering or a tunnel carries only addresses of its two ends."""
        layer = link_layer(route.target)
        connection = self.network.vpn.get(route.via) if route.target is TargetKind.VPN else None
        if connection and not connection.tunnels:
            self.stop("route-table", subnet.route_table, Disposition.BLACKHOLE, "BAD_STATE_ROUTE")
            return
        ends = connection.between if connection else self.network.peering[route.via].between
        owner = self.path.destination.endpoint
        far = ends[0] if ends[1] == subnet.vpc else ends[1]
        self.acl_out(subnet, self.path.destination, self.path.destination)
        if owner is None or owner.vpc != far or self.path.destination.kind is not PointKind.INTERFACE:
            self.stop(layer, route.via, Disposition.NO_ROUTE, "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR")
            return
        self.path.hops += [_either(connection, subnet.vpc), _either(connection, far)] if connection else [route.via]
        there = self.network.subnet[owner.subnet]
        self.come_in(there, source, route.target, route.via)
        self.arrive(owner, source)

    def nat(self, subnet: Subnet, source: Point, route: Route) -> None:
        """Through a NAT gateway, which stands in a public subnet and takes over the source's place."""
        gateway = self.network.nat_gateway[route.via]
        there = self.network.subnet[gateway.subnet]
        destination = self.path.destination
        if there.id != subnet.id:
            self.acl_out(subnet, destination, destination)
        self.come_in(there, source, TargetKind.LOCAL, "", border=there.id != subnet.id)
        self.path.hops.append(gateway.id)
        if destination.address.version != 4 or not semantics.public(destination.address):
            self.stop("nat-gateway", gateway.id, Disposition.NO_ROUTE, "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS")
            return
        # "A NAT gateway supports the following protocols: TCP, UDP, and ICMP" (AWS VPC user guide, NAT gateway basics)
        carried = self.engine.alphabet.all & ~self.engine.alphabet.protocol(Protocol.SCTP)
        self.gate("nat-gateway", gateway.id, carried, Disposition.NO_ROUTE, "PROTOCOL_RESTRICTION", destination)
        self.edge(subnet.vpc, source)
        onward = self.engine.route(there.route_table, destination)
        if onward is None or onward.target is not TargetKind.INTERNET:
            self.stop("route-table", there.route_table, Disposition.NO_ROUTE, "NO_ROUTE_TO_DESTINATION")
            return
        self.acl_out(there, destination, destination)
        self.path.hops.append(onward.via)
        self.outside(self.engine.public_of(gateway.public))

    def internet(self, subnet: Subnet, source: Point, route: Route) -> None:
        """Straight out: over IPv4 only from the address of an interface that a public one stands for (its first), over IPv6
        only from an address that the internet routes."""
        destination = self.path.destination
        self.acl_out(subnet, destination, destination)
        layer = route.target.value
        unroutable = source.address.version == 6 and not semantics.public(source.address)
        if unroutable or not semantics.public(destination.address):
            self.stop(layer, route.via, Disposition.NO_ROUTE, "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS")
            return
        sender = source.endpoint
        assert sender is not None
        mapped = next((a for a in sender.addresses if a.version == 4), None) if sender.public else None
        if source.address.version == 4 and (route.target is TargetKind.EGRESS_ONLY or source.address != mapped):
            self.stop(layer, route.via, Disposition.NO_ROUTE, "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS")
            return
        self.edge(subnet.vpc, source)
        self.path.hops.append(route.via)
        self.outside(source if source.address.version == 6 else self.engine.public_of(sender.public[0]))

    def edge(self, vpc: str, source: Point) -> None:
        """The filters between a VPC and the outside: by address, then by what the first bytes say."""
        assert source.endpoint is not None
        if vpc in self.network.egress_filter:
            passes = self.engine.edge(vpc, source.endpoint.id)[self.path.destination.index]
            name = self.network.egress_filter[vpc].id
            self.gate("egress-filter", name, passes, Disposition.DENIED_OUT, "FIREWALL_RULES_RESTRICTION", self.path.destination)
        if vpc in self.network.sni_filter:
            passes = self.engine.names.passes(vpc, source.endpoint.id, self.path.call.says)[self.path.destination.index]
            name = self.network.sni_filter[vpc].id
            self.gate("sni-filter", name, passes, Disposition.DENIED_OUT, "FIREWALL_RULES_RESTRICTION", self.path.destination)

    def outside(self, source: Point) -> None:
        """On the internet: to a modelled host there, out of the model, or back in to a public address of ours."""
        destination = self.path.destination
        if destination.kind is PointKind.OUTSIDE:
            self.path.hops.append(destination.label)
            self.path.arrives = destination.endpoint
        else:
            self.enter(source)

    def enter(self, source: Point) -> None:
        """From the internet through the gateway of the destination's VPC."""
        destination, owner = self.path.destination, self.path.destination.endpoint
        if owner is not None and not owner.vpc and destination.kind is PointKind.INTERFACE:
            self.flat(source)
            return
        if destination.kind is PointKind.OUTSIDE or owner is None:
            self.stop("internet", "internet", Disposition.NO_ROUTE, "UNKNOWN_DESTINATION")
            return
        public = destination.kind is PointKind.PUBLIC or (destination.address.version == 6 and semantics.public(destination.address))
        gateway = next((g for g in self.network.internet_gateways if g.vpc == owner.vpc), None)
        if not public or gateway is None or owner.kind in (EndpointKind.RESOLVER, EndpointKind.METADATA):
            self.stop("internet", "internet", Disposition.NO_ROUTE, "IGW_PUBLIC_IP_ASSOCIATION_FOR_INGRESS")
            return
        self.path.hops.append(gateway.id)
        there = self.network.subnet[owner.subnet]
        back = self.engine.route(there.route_table, source)
        if back is not None and back.target is TargetKind.EGRESS_ONLY:
            self.stop(back.target.value, back.via, Disposition.NO_ROUTE, "CANNOT_ROUTE")
            return
        if back is None or back.target is not TargetKind.INTERNET:
            # the gateway hands packets only to subnets that answer through it
            self.stop("internet-gateway", gateway.id, Disposition.NO_ROUTE, "IGW_PUBLIC_IP_ASSOCIATION_FOR_INGRESS")
            return
        self.acl_in(there, source)
        self.arrive(owner, source)

    def come_in(self, there: Subnet, source: Point, target: TargetKind, via: str, border: bool = True) -> None:
        """Into a subnet, over its border where there is one. The answer needs a way, too: the subnet's table must send it back
        where the request came from. The table is asked before the answer is at the border, another gateway is behind it."""
        back = self.engine.route(there.route_table, source)
        returns = back is not None and back.target is target and back.via == via
        elsewhere = not returns and back is not None and back.target not in (TargetKind.LOCAL, TargetKind.BLACKHOLE)
        if elsewhere and back is not None:
            # a gateway that has not seen the request does not carry its answer
            self.no_answer(link_layer(back.target), back.via, Disposition.NO_ROUTE, source)
        if border:
            self.acl_in(there, source)
        if not returns and not elsewhere:
            disposition = Disposition.BLACKHOLE if back is not None and back.target is TargetKind.BLACKHOLE else Disposition.NO_ROUTE
            self.no_answer("route-table", there.route_table, disposition, source)

    def no_answer(self, layer: str, name: str, otherwise: Disposition, peer: Point) -> None:
        self.gate(layer, name, 0, otherwise, "NO_ROUTE_TO_DESTINATION", peer, answer=True)

    def arrive(self, owner: Endpoint, source: Point) -> None:
        """At the interface: its groups, then the pod's policies."""
        self.path.seen = source
        self.group(owner, source, ingress=True)
        self.policy(owner, source, ingress=True)
        self.path.hops.append(owner.id)
        self.path.arrives = owner


def _either(connection: VpnConnection, vpc: str) -> str:
    """One hop, whichever tunnel carries the packet: all of them end in the same two VPCs and filter nothing."""
    return " or ".join(g.id for g in connection.at(vpc))


def link_layer(target: TargetKind) -> str:
    """What tables call the thing that a route points at."""
    return "peering" if target is TargetKind.PEERING else target.value


def _denied(ingress: bool) -> Disposition:
    return Disposition.DENIED_IN if ingress else Disposition.DENIED_OUT
