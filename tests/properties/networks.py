"""Small random Networks: plausible enough that packets arrive, odd enough that every rule gets to decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address, ip_network
from itertools import islice
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

from budnet.ir.address import ALL_PORTS, EVERYWHERE, Match, PortRange, Prefix, Protocol
from budnet.ir.cloud import (
    Cloud,
    EgressOnlyGateway,
    InternetGateway,
    NatGateway,
    Peering,
    Route,
    RouteTable,
    Subnet,
    TargetKind,
    Vpc,
)
from budnet.ir.endpoint import Cluster, Endpoint, EndpointKind, Listener, Namespace
from budnet.ir.filters import (
    AclRule,
    BlockPeer,
    EgressFilter,
    EgressRule,
    GroupRef,
    NetworkAcl,
    NetworkPolicy,
    Operator,
    PodPeer,
    PolicyPort,
    PolicyRule,
    Requirement,
    SecurityGroup,
    Selector,
    SgRule,
)
from budnet.ir.network import Network
from budnet.ir.origin import BUILT_IN

T = TypeVar("T")
PORTS = (1, 22, 53, 80, 443, 1023, 1024, 5432, 8080, 8443, 32767, 32768, 60999, 65535)
PORTED = (Protocol.TCP, Protocol.UDP, Protocol.SCTP)
NAMES = ("http", "sql", "metrics")
LABELS: dict[str, tuple[str, ...]] = {"app": ("web", "db", "job"), "tier": ("front", "back"), "beta": ("",)}
OUTSIDE = [
    ip_network(p)
    for p in (
        "203.0.113.0/24", "198.51.100.0/23", "198.51.100.7/32", "198.18.0.0/15", "128.0.0.0/1",
        "2606:4700::/32", "2000::/3", "2606:4700::1/128",
    )
]  # fmt: skip


def random_network(seed: int) -> Network:
    """The Network of a seed."""
    return _Maker(Random(seed)).network()


def networks() -> st.SearchStrategy[Network]:
    """Networks, for hypothesis; it varies the seed only."""
    return st.integers(min_value=0, max_value=2**32 - 1).map(random_network)


def part(whole: Prefix, index: int) -> Prefix:
    """A subnet's range: a /24 or a /64 of its VPC."""
    parts: Iterator[Prefix] = whole.subnets(new_prefix=24 if whole.version == 4 else 64)
    return next(islice(parts, index, None))


class _Maker:
    """One Network while it is made. Everything random comes from `dice`."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.vpcs: list[Vpc] = []
        self.subnets: list[Subnet] = []
        self.endpoints: list[Endpoint] = []
        self.nats: list[NatGateway] = []
        self.peerings: list[Peering] = []
        self.clusters: list[Cluster] = []
        self.groups: list[str] = []

    def chance(self, percent: int) -> bool:
        return self.dice.random() * 100 < percent

    def some(self, items: Iterable[T], least: int = 0, most: int = 3) -> list[T]:
        pool = list(items)
        return self.dice.sample(pool, min(len(pool), self.dice.randint(least, most)))

    def many(self, make: Callable[[], T], least: int, most: int) -> tuple[T, ...]:
        return tuple(make() for _ in range(self.dice.randint(least, most)))

    def network(self) -> Network:
        for index in range(self.dice.choice((1, 2, 2, 3))):
            self.vpc(index)
        ids = [v.id for v in self.vpcs]
        for a, b in ((a, b) for i, a in enumerate(ids) for b in ids[i + 1 :]):
            if self.chance(70):
                self.peerings.append(Peering(f"{a}-{b}", (a, b), BUILT_IN))
        for vpc in self.vpcs:
            self.things(vpc)
        self.outside()
        return Network(
            "random",
            vpcs=tuple(self.vpcs),
            subnets=tuple(self.subnets),
            route_tables=tuple(self.table(s) for s in self.subnets),
            internet_gateways=tuple(InternetGateway(f"{v}/igw", v, BUILT_IN) for v in ids),
            egress_only_gateways=tuple(EgressOnlyGateway(f"{v}/eigw", v, BUILT_IN) for v in ids),
            nat_gateways=tuple(self.nats),
            peerings=tuple(self.peerings),
            security_groups=tuple(self.group(g) for g in self.groups),
            acls=tuple(self.acl(s) for s in self.subnets),
            policies=tuple(p for c in self.clusters for p in self.policies(c)),
            egress_filters=tuple(self.edge(v) for v in ids if self.chance(50)),
            clusters=tuple(self.clusters),
            endpoints=tuple(self.endpoints),
        )

    # ---- places -----------------------------------------------------------------------------------------------------

    def vpc(self, index: int) -> None:
        six = f"fd00:0:{index}::/48" if self.chance(15) else f"2600:1f00:{index}::/48"
        families = self.dice.choice(((4,), (4,), (6,), (4, 6), (4, 6), (4, 6)))
        prefixes = [ip_network(f"10.{index}.0.0/16" if f == 4 else six) for f in families]
        if 4 in families and self.chance(20):
            prefixes.append(ip_network(f"100.64.{index}.0/24"))
        resolver = tuple(p.network_address + 2 for p in prefixes[: len(families)])
        vpc = Vpc(f"v{index}", tuple(prefixes), Cloud("aws"), resolver, BUILT_IN)
        self.vpcs.append(vpc)
        for number in range(self.dice.choice((2, 3))):
            access = self.dice.choice(("public", "private", "private", "isolated")) if number else "public"
            whole = [p for p in prefixes[: len(families)] if len(families) == 1 or self.chance(85)] or prefixes[:1]
            parts = tuple(part(p, number + 1) for p in whole)
            place = f"v{index}/s{number}"
            self.subnets.append(Subnet(place, vpc.id, place, "", parts, access, place, place, BUILT_IN))

    def things(self, vpc: Vpc) -> None:
        """Interfaces, NAT gateways, a cluster, and what the VPC provides."""
        spaces = tuple(Namespace(n, self.labels(n)) for n in self.some(("one", "two", "three"), 1))
        if self.chance(85):
            self.clusters.append(Cluster(f"{vpc.id}/k8s", vpc.id, (), "cluster.local", spaces, BUILT_IN))
        groups = [f"{vpc.id}/g{i}" for i in range(self.dice.randint(1, 3))]
        self.groups += groups
        subnets = [s for s in self.subnets if s.vpc == vpc.id]
        for number in range(self.dice.randint(2, 4)):
            self.endpoint(vpc, self.dice.choice(subnets), number, groups, spaces if self.clusters else ())
        for number, subnet in enumerate(s for s in subnets if s.access == "public" or self.chance(10)):
            four = next((p for p in subnet.prefixes if p.version == 4), None)
            if four is not None and self.chance(80):
                public = ip_address(f"198.18.{vpc.id[1:]}.{200 + number}")
                self.nats.append(NatGateway(f"{vpc.id}/nat{number}", vpc.id, subnet.id, four[200], public, BUILT_IN))
        self.endpoints.append(Endpoint(f"{vpc.id}/dns", EndpointKind.RESOLVER, "", vpc.id, "", vpc.resolver, listeners=DNS))
        if any(a.version == 4 for a in vpc.resolver):
            metadata = (ip_address("169.254.169.254"),)
            http = (Listener("http", Protocol.TCP, 80),)
            self.endpoints.append(Endpoint(f"{vpc.id}/imds", EndpointKind.METADATA, "", vpc.id, "", metadata, listeners=http))

    def endpoint(self, vpc: Vpc, subnet: Subnet, number: int, groups: list[str], spaces: tuple[Namespace, ...]) -> None:
        addresses = [p[10 + number] for p in subnet.prefixes]
        if addresses[0].version == 4 and self.chance(15):
            addresses.append(subnet.prefixes[0][110 + number])
        public = addresses[0].version == 4 and self.chance(70 if subnet.access == "public" else 25)
        pod = bool(spaces) and self.clusters[-1].vpc == vpc.id and self.chance(70)
        kind = EndpointKind.POD if pod else self.dice.choice((EndpointKind.HOST, EndpointKind.LOAD_BALANCER))
        self.endpoints.append(
            Endpoint(
                f"{subnet.id}/e{number}", kind, self.dice.choice(("a", "b")), vpc.id, subnet.id, tuple(addresses),
                public=(ip_address(f"198.18.{vpc.id[1:]}.{10 + number}"),) if public else (),
                groups=tuple(self.some(groups, 1, 2)),
                cluster=self.clusters[-1].id if pod else "", namespace=self.dice.choice(spaces).name if pod else "",
                labels=self.labels() if pod else (), listeners=self.listeners(),
            )
        )  # fmt: skip

    def listeners(self) -> tuple[Listener, ...]:
        """Ports have different numbers behind one name, and different names behind one number."""
        names = self.dice.sample(NAMES, self.dice.randint(1, len(NAMES)))
        return tuple(
            Listener(n, self.dice.choice((Protocol.TCP, Protocol.TCP, *PORTED)), self.port(), loopback=self.chance(10)) for n in names
        )

    def outside(self) -> None:
        for number, texts in enumerate((("203.0.113.9", "2606:4700::1"), ("198.51.100.7",), ("2606:4700:9::9",))):
            if self.chance(60):
                addresses = tuple(ip_address(t) for t in texts)
                where = f"internet/x{number}"
                self.endpoints.append(Endpoint(where, EndpointKind.EXTERNAL, "", "", "", addresses, listeners=self.listeners()))

    # ---- ways -------------------------------------------------------------------------------------------------------

    def table(self, subnet: Subnet) -> RouteTable:
        """Local routes always, as on AWS; then what the access says, now and then something else, then odd lines."""
        routes: dict[Prefix, Route] = {}

        def add(destination: Prefix, target: TargetKind, via: str = "") -> None:
            routes.setdefault(destination, Route(destination, target, via, BUILT_IN))

        vpc = next(v for v in self.vpcs if v.id == subnet.vpc)
        for prefix in vpc.prefixes:
            add(prefix, TargetKind.LOCAL)
        for peering in self.peerings:
            if vpc.id in peering.between and self.chance(85):
                far = next(v for v in self.vpcs if v.id in peering.between and v.id != vpc.id)
                for prefix in far.prefixes:
                    add(prefix, TargetKind.PEERING, peering.id)
        access = subnet.access if self.chance(90) else self.dice.choice(("public", "private", "isolated"))
        for everywhere in EVERYWHERE:
            target, via = self.gateway(subnet, access, everywhere.version)
            if target is not TargetKind.BLACKHOLE:
                add(everywhere, target, via)
        whole = [p for s in self.subnets if s.vpc == vpc.id for p in s.prefixes]
        if self.chance(15):  # its gateway is gone; AWS: a route inside the VPC is for one whole subnet
            add(self.dice.choice(whole), TargetKind.BLACKHOLE)
        for _ in range(self.dice.choice((0, 0, 1, 3))):
            odd = self.prefix()
            if any(odd.version == p.version and odd.overlaps(p) for p in vpc.prefixes):
                continue
            peerings = [p.id for p in self.peerings if vpc.id in p.between]
            target, via = self.gateway(subnet, self.dice.choice(("public", "private", "isolated")), odd.version)
            if self.chance(30):
                add(odd, TargetKind.BLACKHOLE)
            elif peerings and self.chance(50):
                add(odd, TargetKind.PEERING, self.dice.choice(peerings))
            else:
                add(odd, target, via)
        return RouteTable(subnet.id, vpc.id, tuple(self.dice.sample(list(routes.values()), len(routes))), BUILT_IN)

    def gateway(self, subnet: Subnet, access: str, version: int) -> tuple[TargetKind, str]:
        """Where an access sends what is for the world."""
        nats = [n for n in self.nats if n.vpc == subnet.vpc]
        if access == "public":
            return TargetKind.INTERNET, f"{subnet.vpc}/igw"
        if access == "private" and version == 6:
            return TargetKind.EGRESS_ONLY, f"{subnet.vpc}/eigw"
        if access == "private" and nats:
            return TargetKind.NAT, self.dice.choice(nats).id
        return TargetKind.BLACKHOLE, ""

    # ---- values -----------------------------------------------------------------------------------------------------

    def port(self) -> int:
        return self.dice.choice(PORTS)

    def ports(self) -> PortRange:
        first, last = sorted((self.port(), self.port()))
        return self.dice.choice((PortRange(first, first), PortRange(first, last), ALL_PORTS))

    def match(self) -> Match:
        protocol = self.dice.choice((None, None, Protocol.ICMP, Protocol.ICMPV6, Protocol.TCP, Protocol.TCP, Protocol.TCP, *PORTED))
        return Match(protocol, self.ports() if protocol in PORTED else self.messages() if protocol else ALL_PORTS)

    def messages(self) -> PortRange:
        """All ICMP, a type, one code of a type, or several types."""
        first, last = sorted(self.dice.choices((0, 3, 8, 11, 13, 14, 128, 129, 134), k=2))
        code = self.dice.choice((0, 0, 1, 4))
        return self.dice.choice((
            ALL_PORTS, PortRange(first * 256, first * 256 + 255), PortRange(first * 256 + code, first * 256 + code),
            PortRange(first * 256, last * 256 + 255),
        ))  # fmt: skip

    def prefix(self) -> Prefix:
        """Everything, a VPC, a subnet, one address (private or public), what overlaps them, or something outside."""
        kind = self.dice.randrange(8)
        if kind < 2:
            return self.dice.choice(EVERYWHERE)
        if kind == 2:
            return self.dice.choice(OUTSIDE)
        around = [p for v in self.vpcs for p in v.prefixes] if kind < 5 else [p for s in self.subnets for p in s.prefixes]
        prefix = self.dice.choice(around)
        if kind == 3:
            return prefix.supernet(self.dice.choice((1, 3)))
        single = [a for e in self.endpoints for a in (*e.addresses, *e.public)] + [n.public for n in self.nats]
        single += [n.address for n in self.nats]
        if kind == 7 and single:
            return ip_network(self.dice.choice(single))
        parts: list[Prefix] = list(prefix.subnets(self.dice.choice((1, 4))))
        return parts[0] if kind == 6 else prefix

    def labels(self, name: str = "") -> tuple[tuple[str, str], ...]:
        named = [("name", name)] if name else []
        return tuple(sorted(named + [(k, self.dice.choice(LABELS[k])) for k in self.some(LABELS, 0, 2)]))

    # ---- filters ----------------------------------------------------------------------------------------------------

    def group(self, name: str) -> SecurityGroup:
        def rules(side: str, wide: int) -> tuple[SgRule, ...]:
            """One side; `wide` percent of them begin as AWS's default does, with everything."""
            allowed: list[tuple[Prefix | GroupRef, Match]] = [(p, Match()) for p in EVERYWHERE if self.chance(wide)]
            allowed += [(self.group_peer(), self.match()) for _ in range(self.dice.choice((0, 1, 2, 4)))]
            return tuple(SgRule(f"{name}:{side}{i}", *rule, BUILT_IN) for i, rule in enumerate(allowed))

        return SecurityGroup(name, name.partition("/")[0], rules("in", 35), rules("out", 60), BUILT_IN)

    def group_peer(self) -> Prefix | GroupRef:
        return GroupRef(self.dice.choice(self.groups)) if self.chance(30) else self.prefix()

    def acl(self, subnet: Subnet) -> NetworkAcl:
        return NetworkAcl(subnet.id, subnet.vpc, self.acl_rules(f"{subnet.id}:in"), self.acl_rules(f"{subnet.id}:out"), BUILT_IN)

    def acl_rules(self, name: str) -> tuple[AclRule, ...]:
        """Numbers decide, not the order of the lines. Some lists are for answers: whole, in two halves, or in part."""
        lines: list[tuple[bool, Prefix, Match]] = []
        style = self.dice.choice((0, 1, 1, 2, 2, 2, 2, 2))
        for everywhere in EVERYWHERE if style else ():
            whole, *halves = self.dice.choice((((1024, 65535),), ((1024, 32767), (32768, 65535)), ((32768, 60999),)))
            for part in (whole, *halves) if style == 1 else ():
                lines += [(True, everywhere, Match(p, PortRange(*part))) for p in PORTED]
            if style > 1:
                lines.append((True, everywhere, Match()))
        for _ in range(self.dice.choice((0, 1, 2, 4))):
            at = self.dice.randint(0, len(lines))
            lines.insert(at, (self.chance(50), self.prefix(), self.match()))
        numbers = sorted(self.dice.sample(range(1, 32766), len(lines)))
        rules = [AclRule(f"{name}:{n}", n, *line, BUILT_IN) for n, line in zip(numbers, lines, strict=True)]
        return tuple(self.dice.sample(rules, len(rules)))

    def edge(self, vpc: str) -> EgressFilter:
        ours = [e.id for e in self.endpoints if e.vpc == vpc and e.filtered]
        rules = [
            EgressRule(f"{vpc}:edge{i}", tuple(self.some(ours, 1, 4)), (), prefixes, self.match(), BUILT_IN)
            for i, prefixes in enumerate((EVERYWHERE, *self.many(lambda: self.many(self.prefix, 1, 3), 0, 4)))
        ]
        return EgressFilter(f"{vpc}/egress", vpc, tuple(rules), BUILT_IN)

    def policies(self, cluster: Cluster) -> list[NetworkPolicy]:
        return [self.policy(cluster, f"{cluster.id}/p{i}") for i in range(self.dice.choice((0, 1, 2, 4)))]

    def policy(self, cluster: Cluster, name: str) -> NetworkPolicy:
        sides = [self.policy_rules(f"{name}:{side}") if self.chance(60) else None for side in ("in", "out")]
        namespace = self.dice.choice(cluster.namespaces).name
        selector = () if self.chance(40) else self.selector()
        return NetworkPolicy(name, cluster.id, namespace, selector, sides[0], sides[1], BUILT_IN)

    def policy_rules(self, name: str) -> tuple[PolicyRule, ...]:
        return tuple(
            PolicyRule(
                f"{name}{i}",
                self.many(self.policy_peer, 1, 3) if self.chance(75) else (),
                self.many(self.policy_port, 1, 3) if self.chance(70) else (),
                BUILT_IN,
            )
            for i in range(self.dice.choice((0, 1, 1, 2, 3)))
        )

    def policy_peer(self) -> PodPeer | BlockPeer:
        if self.chance(50):
            return PodPeer(self.selector(), self.dice.choice((None, (), self.selector("name"))))
        prefix = self.dice.choice(EVERYWHERE) if self.chance(50) else self.prefix()
        parts = [p for p in (self.prefix() for _ in range(4)) if p.version == prefix.version and p != prefix]
        return BlockPeer(prefix, tuple(p for p in parts if p.subnet_of(prefix)))  # type: ignore[arg-type]

    def policy_port(self) -> PolicyPort:
        protocol = self.dice.choice((Protocol.TCP, Protocol.TCP, *PORTED))
        kind = self.dice.randrange(5)
        if kind == 0:
            return PolicyPort(protocol)
        if kind < 3:
            return PolicyPort(protocol, self.dice.choice(NAMES))
        ports = self.ports()
        first = max(1, ports.first)
        return PolicyPort(protocol, first, ports.last if ports.last > first else None)

    def selector(self, *more: str) -> Selector:
        return tuple(self.requirement(key) for key in self.some((*LABELS, *more), 0, 2))

    def requirement(self, key: str) -> Requirement:
        values = LABELS.get(key, ("one", "two", "three"))
        operator = self.dice.choice((Operator.IN, Operator.IN, Operator.NOT_IN, Operator.EXISTS, Operator.DOES_NOT_EXIST))
        named = operator in (Operator.IN, Operator.NOT_IN)
        return Requirement(key, operator, tuple(self.some(values, 1, 2)) if named else ())


DNS = (Listener("dns", Protocol.UDP, 53), Listener("dns-tcp", Protocol.TCP, 53))
