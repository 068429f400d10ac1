"""NETWORK -> TWIN PLAN: a namespace for everything that has an address or forwards, and the wires between them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from budnet.ir.address import Address, Prefix, single
from budnet.ir.cloud import RouteTable, TargetKind, Vpc
from budnet.ir.endpoint import WIREGUARD, Endpoint, EndpointKind
from budnet.ir.network import Network
from budnet.ir.origin import NOWHERE
from budnet.records import replace
from budnet.twin import client_vpn, phrases, router, vpn
from budnet.twin.phrases import Marks
from budnet.twin.plan import HOLE, LAST, MAIN, MISS, Chain, KernelRoute, KernelRule, OwnListener, Rule, Ruleset, Space, TwinPlan, Wire
from budnet.twin.pod import Endpoints

INTERNET = "internet"
DEFAULTS: tuple[Prefix, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_FORWARD = "type filter hook forward priority 0; policy drop"
_UNIQUE_LOCAL = ip_network("fc00::/7")
_PROVIDED_TABLE, _FIRST_TABLE = 100, 200


def plan(network: Network) -> TwinPlan:
    """The twin of a Network, with listeners of our own for everything that listens."""
    builder = _Builder(network)
    spaces = tuple(builder.spaces())
    # where a port is bound to loopback and to all addresses, the second one is there for everybody
    ports = {
        (e.id, x.protocol, x.port): x.loopback
        for e in network.endpoints
        for x in sorted(e.listeners, key=lambda x: not x.loopback)
        if x.transport != WIREGUARD
    }
    listeners = tuple(OwnListener(*port, loopback) for port, loopback in ports.items())
    return TwinPlan(network.name, spaces, tuple(builder.wires), builder.marks.all(), listeners)


class _Builder:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.marks = Marks()
        self.wires: list[Wire] = []
        self.endpoints = Endpoints(network, self.marks)
        self.devices = {e.id: f"e{i}" for i, e in enumerate(network.endpoints)}
        self.nats = {g.id: f"n{i}" for i, g in enumerate(network.nat_gateways)}
        self.peerings = {p.id: f"p{i}" for i, p in enumerate(network.peerings)}
        self.tunnels = vpn.devices(network)

    def spaces(self) -> Iterator[Space]:
        """Forwarding spaces first, then the ends; every wire is added on the way."""
        yield self.internet()
        for vpc in self.network.vpcs:
            yield self.router(vpc)
            yield from self.gateways(vpc)
        for peering in self.network.peerings:
            device = self.peerings[peering.id]
            self.wires.append(Wire(peering.between[0], device, peering.between[1], device))
        for connection in self.network.vpns:
            for tunnel in connection.tunnels:
                for gateway in tunnel.gateways:
                    self.wires.append(Wire(gateway.vpc, self.tunnels[tunnel.id], gateway.id, vpn.VPC))
                    self.wires.append(Wire(INTERNET, self.vpn_device(gateway.id), gateway.id, "eth0"))
                    yield vpn.gateway(self.network, connection, tunnel, gateway, self.marks)
        for endpoint in self.network.endpoints:
            yield self.endpoint(endpoint)
        for i, way_in in enumerate(self.network.client_vpns):
            self.wires.append(Wire(INTERNET, f"c{i}", way_in.client_space, "eth0"))
            yield client_vpn.client(way_in)

    # ---- ends -----------------------------------------------------------------------------------------------------------

    def endpoint(self, endpoint: Endpoint) -> Space:
        external = endpoint.kind is EndpointKind.EXTERNAL
        self.wires.append(Wire(endpoint.vpc or INTERNET, self.devices[endpoint.id], endpoint.id, "eth0"))
        routes = tuple(KernelRoute(d, "eth0") for d in DEFAULTS if any(a.version == d.version for a in endpoint.addresses))
        kind = "external" if external else "endpoint"
        ruleset = self.endpoints.ruleset(endpoint)
        way_in = next((v for v in self.network.client_vpns if v.id == endpoint.id), None)
        if way_in:
            ruleset = replace(ruleset, chains=(*ruleset.chains, *client_vpn.chains(self.network, way_in, endpoint, self.marks)))
        return Space(endpoint.id, kind, endpoint.addresses, routes, ruleset=ruleset, forwards=way_in is not None)

    # ---- a VPC ----------------------------------------------------------------------------------------------------------

    def router(self, vpc: Vpc) -> Space:
        here = [e for e in self.network.endpoints if e.vpc == vpc.id]
        peerings = {p.id: self.peerings[p.id] for p in self.network.peerings if vpc.id in p.between}
        nats = {g.id: self.nats[g.id] for g in self.network.nat_gateways if g.vpc == vpc.id}
        vpns = {v.id: tuple(self.tunnels[t.id] for t in v.tunnels) for v in self.network.vpns if vpc.id in v.between}
        devices = router.Devices({e.id: self.devices[e.id] for e in here}, nats, peerings, vpns)
        routes: list[KernelRoute] = []
        for endpoint in here:
            table = plan_table(endpoint)
            routes += [KernelRoute(single(a), self.devices[endpoint.id], table) for a in endpoint.addresses]
        routes += [KernelRoute(single(g.address), self.nats[g.id]) for g in self.network.nat_gateways if g.vpc == vpc.id]
        routes += [KernelRoute(d, MISS, metric=LAST) for d in DEFAULTS]
        rules = [KernelRule(d, _PROVIDED_TABLE, 10) for d in DEFAULTS]
        # inside one subnet no route table is asked
        rules += [KernelRule(p, MAIN, 500, to=p) for s in self.network.subnets if s.vpc == vpc.id for p in s.prefixes]
        tables = list(dict.fromkeys(s.route_table for s in self.network.subnets if s.vpc == vpc.id))
        for i, table_id in enumerate(tables):
            routes += self.table(self.network.route_table[table_id], _FIRST_TABLE + i)
            for subnet in self.network.subnets:
                if subnet.route_table == table_id:
                    rules += [KernelRule(p, _FIRST_TABLE + i, 1000) for p in subnet.prefixes]
                    # what a NAT gateway sends on, and the answers it gives back, go by the table of its own subnet
                    gateways = [self.nats[g.id] for g in self.network.nat_gateways if g.subnet == subnet.id]
                    rules += [KernelRule(DEFAULTS[0], _FIRST_TABLE + i, 900, device=device) for device in gateways]
        rules_text = router.ruleset(self.network, vpc, devices, self.marks)
        return Space(vpc.id, "router", (), tuple(routes), tuple(rules), rules_text, forwards=True)

    def table(self, table: RouteTable, number: int) -> Iterator[KernelRoute]:
        """A route table. `local` looks on in the main table, where every interface of the VPC has its route."""
        for route in table.routes:
            if route.target is TargetKind.VPN and (tunnels := self.network.vpn[route.via].tunnels):
                yield from (KernelRoute(route.destination, self.tunnels[t.id], number, i) for i, t in enumerate(tunnels, 1))
                continue
            match route.target:
                case TargetKind.LOCAL:
                    device = ""
                case TargetKind.BLACKHOLE | TargetKind.VPN:
                    device = HOLE
                case TargetKind.INTERNET:
                    device = router.INTERNET
                case TargetKind.EGRESS_ONLY:
                    device = router.EGRESS_ONLY
                case TargetKind.NAT:
                    device = self.nats[route.via]
                case TargetKind.PEERING:
                    device = self.peerings[route.via]
            yield KernelRoute(route.destination, device, number)
        yield from (KernelRoute(d, MISS, number, LAST) for d in DEFAULTS)

    def gateways(self, vpc: Vpc) -> Iterator[Space]:
        for gateway in self.network.nat_gateways:
            if gateway.vpc == vpc.id:
                self.wires.append(Wire(vpc.id, self.nats[gateway.id], gateway.id, "eth0"))
                yield self.nat(gateway.id, gateway.address)
        for internet in self.network.internet_gateways:
            if internet.vpc == vpc.id:
                yield self.internet_gateway(internet.id, vpc)
        for egress_only in self.network.egress_only_gateways:
            if egress_only.vpc == vpc.id:
                yield self.egress_only(egress_only.id, vpc)

    def nat(self, gateway: str, address: Address) -> Space:
        """Takes the source's place, and nothing else: what is new and for itself it does not answer."""
        chains = (
            Chain("translate", (Rule(f"ip saddr != {address} snat ip to {address}", gateway),), "type nat hook postrouting priority 100"),
            Chain("forward", (Rule("accept"),), _FORWARD),
        )
        return Space(gateway, "nat-gateway", (address,), (KernelRoute(DEFAULTS[0], "eth0"),), ruleset=Ruleset((), chains), forwards=True)

    def internet_gateway(self, gateway: str, vpc: Vpc) -> Space:
        """One to one between private and public IPv4 addresses; IPv6 as it is."""
        self.wires.append(Wire(vpc.id, router.INTERNET, gateway, "vpc"))
        self.wires.append(Wire(INTERNET, self.gateway_device(gateway), gateway, "inet"))
        pairs = [(g.address, g.public) for g in self.network.nat_gateways if g.vpc == vpc.id]
        pairs += [(router.mapped(e), e.public[0]) for e in self.network.endpoints if e.vpc == vpc.id and e.public]
        unknown = self.marks.drop("NO_ROUTE", "internet", INTERNET, vpc.origin)
        spoofed = self.marks.drop("NO_ROUTE", "internet-gateway", gateway, vpc.origin)
        mapped = phrases.one_of(private for private, _ in pairs)
        forward = (
            Rule("ct state established,related accept"),
            # a private source that nobody translated has no business on the internet
            Rule(f'iifname "vpc" ip saddr != {mapped} {spoofed}' if pairs else f'iifname "vpc" meta nfproto ipv4 {spoofed}', gateway),
            Rule('iifname "vpc" accept'),
            Rule("ct status dnat accept"),
            Rule("meta nfproto ipv6 accept"),
            Rule(unknown),
        )
        chains = [Chain("forward", forward, _FORWARD)]
        if pairs:
            into = phrases.one_of(f"{public} : {private}" for private, public in pairs)
            out = phrases.one_of(f"{private} : {public}" for private, public in pairs)
            chains += [
                Chain("into", (Rule(f'iifname "inet" dnat ip to ip daddr map {into}', gateway),), "type nat hook prerouting priority -100"),
                Chain("out", (Rule(f'oifname "inet" snat ip to ip saddr map {out}', gateway),), "type nat hook postrouting priority 100"),
            ]
        routes = (*(KernelRoute(p, "vpc") for p in vpc.prefixes), *(KernelRoute(d, "inet") for d in DEFAULTS))
        return Space(gateway, "internet-gateway", (), routes, ruleset=Ruleset((), tuple(chains)), forwards=True)

    def egress_only(self, gateway: str, vpc: Vpc) -> Space:
        """IPv6 that begins inside, and its answers."""
        self.wires.append(Wire(vpc.id, router.EGRESS_ONLY, gateway, "vpc"))
        self.wires.append(Wire(INTERNET, self.gateway_device(gateway), gateway, "inet"))
        drop = self.marks.drop("NO_ROUTE", TargetKind.EGRESS_ONLY.value, gateway, vpc.origin)
        forward = Chain(
            "forward",
            (Rule("ct state established,related accept"), Rule('iifname "vpc" ct state new accept'), Rule(drop, gateway)),
            _FORWARD,
        )
        routes = (*(KernelRoute(p, "vpc") for p in vpc.prefixes if p.version == 6), KernelRoute(DEFAULTS[1], "inet"))
        return Space(gateway, "egress-only-gateway", (), routes, ruleset=Ruleset((), (forward,)), forwards=True)

    # ---- the outside ----------------------------------------------------------------------------------------------------

    def internet(self) -> Space:
        """Knows the outside hosts and the public addresses of ours; everything else has no route. Where there is no VPC it is the
        flat network that Kubernetes asks for, in which every address reaches every other."""
        routes = [KernelRoute(single(a), self.devices[e.id]) for e in self.network.endpoints if not e.vpc for a in e.addresses]
        for gateway in self.network.internet_gateways:
            device = self.gateway_device(gateway.id)
            publics = [g.public for g in self.network.nat_gateways if g.vpc == gateway.vpc]
            publics += [a for e in self.network.endpoints if e.vpc == gateway.vpc for a in e.public]
            routes += [KernelRoute(single(a), device) for a in publics]
        routes += [KernelRoute(single(g.public), self.vpn_device(g.id)) for v in self.network.vpns for g in v.gateways]
        routes += [KernelRoute(single(v.client), f"c{i}") for i, v in enumerate(self.network.client_vpns)]
        routes += self.subnets_v6()
        routes += [KernelRoute(d, MISS, metric=LAST) for d in DEFAULTS]
        origin = self.network.vpcs[0].origin if self.network.vpcs else NOWHERE
        missing = Rule(f'oifname "{MISS}" ' + self.marks.drop("NO_ROUTE", "internet", INTERNET, origin))
        ruleset = Ruleset((), (Chain("forward", (missing, Rule("accept")), _FORWARD),))
        return Space(INTERNET, "internet", (), tuple(routes), ruleset=ruleset, forwards=True)

    def subnets_v6(self) -> Iterator[KernelRoute]:
        """IPv6 subnets are reached through the gateway that their own default route names, else the internet gateway."""
        gateways = {g.vpc: g.id for g in self.network.internet_gateways}
        for subnet in self.network.subnets:
            table = self.network.route_table[subnet.route_table]
            only = next((r.via for r in table.routes if r.target is TargetKind.EGRESS_ONLY), None)
            gateway = only or gateways.get(subnet.vpc)
            for prefix in subnet.prefixes:
                # unique local addresses (RFC 4193) are not routed on the internet, whatever a subnet's table says
                if prefix.version == 6 and gateway and not prefix.overlaps(_UNIQUE_LOCAL):
                    yield KernelRoute(prefix, self.gateway_device(gateway))

    def vpn_device(self, gateway: str) -> str:
        return f"t{[g.id for v in self.network.vpns for g in v.gateways].index(gateway)}"

    def gateway_device(self, gateway: str) -> str:
        ids = [g.id for g in self.network.internet_gateways] + [g.id for g in self.network.egress_only_gateways]
        return f"g{ids.index(gateway)}"


def plan_table(endpoint: Endpoint) -> int:
    """The VPC's resolver and metadata address are reached whatever a subnet's table says; interfaces are `local`."""
    return _PROVIDED_TABLE if endpoint.kind in (EndpointKind.RESOLVER, EndpointKind.METADATA) else 254
