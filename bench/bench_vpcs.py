"""All pairs of 10,000 interfaces in 20 VPCs, beside single walks of a sample of the same pairs. Prints the ratio last.

200 subnets, 400 security groups in some 5,700 combinations, 60 network ACLs, peerings between a third of the VPCs.
"""

from __future__ import annotations

import random
import resource
import time
from ipaddress import ip_address, ip_network

from budnet.ir.address import Match, PortRange, Protocol
from budnet.ir.cloud import Cloud, Peering, Route, RouteTable, Subnet, TargetKind, Vpc
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.filters import AclRule, GroupRef, NetworkAcl, SecurityGroup, SgRule
from budnet.ir.network import Network
from budnet.ir.origin import NOWHERE
from budnet.reach.engine import Engine
from budnet.reach.matrix import senders
from budnet.reach.path import path
from budnet.reach.table.table import Table

VPCS, SUBNETS, GROUPS, ACLS, INTERFACES, SAMPLE = 20, 200, 400, 60, 10_000, 3_000
PORTS = (22, 53, 80, 443, 3306, 5432, 6379, 8080, 8443, 9090)


class Maker:
    """The same network in every run."""

    def __init__(self) -> None:
        self.random = random.Random(5)
        self.peerings = [
            Peering(f"p{i}-{j}", (f"v{i}", f"v{j}"), NOWHERE) for i in range(VPCS) for j in range(i + 1, VPCS) if self.random.random() < 0.3
        ]

    def network(self) -> Network:
        """All of it."""
        vpcs = tuple(
            Vpc(f"v{i}", (ip_network(f"10.{i}.0.0/16"),), Cloud("aws"), (ip_address(f"10.{i}.0.2"),), NOWHERE) for i in range(VPCS)
        )
        return Network(
            "bench", vpcs=vpcs, subnets=tuple(map(self.subnet, range(SUBNETS))), route_tables=tuple(map(self.table, range(SUBNETS))),
            peerings=tuple(self.peerings), security_groups=tuple(map(self.group, range(GROUPS))), acls=tuple(map(self.acl, range(ACLS))),
            endpoints=tuple(map(self.interface, range(INTERFACES))),
        )  # fmt: skip

    def match(self) -> Match:
        """A port, a range, or everything."""
        if self.random.random() < 0.1:
            return Match()
        port = self.random.choice(PORTS)
        last = port + (self.random.randint(1, 500) if self.random.random() < 0.15 else 0)
        return Match(self.random.choice((Protocol.TCP, Protocol.TCP, Protocol.UDP)), PortRange(port, last))

    def prefix(self) -> str:
        """The world, all of ours, a VPC or a subnet."""
        vpc, subnet = self.random.randrange(VPCS), self.random.randrange(10) * 16
        return self.random.choice(("0.0.0.0/0", "10.0.0.0/8", f"10.{vpc}.0.0/16", f"10.{vpc}.{subnet}.0/20"))

    def subnet(self, number: int) -> Subnet:
        """Ten in each VPC."""
        vpc, at = number % VPCS, number // VPCS
        acl = self.random.choice([a for a in range(ACLS) if a % VPCS == vpc])
        return Subnet(
            f"s{number}",
            f"v{vpc}",
            f"s{number}",
            "",
            (ip_network(f"10.{vpc}.{at * 16}.0/20"),),
            "private",
            f"t{number}",
            f"a{acl}",
            NOWHERE,
        )

    def table(self, number: int) -> RouteTable:
        """Local, and most of the peerings of its VPC."""
        vpc = f"v{number % VPCS}"
        routes = [Route(ip_network(f"10.{number % VPCS}.0.0/16"), TargetKind.LOCAL, "", NOWHERE)]
        for peering in self.peerings:
            if vpc in peering.between and self.random.random() < 0.85:
                far = peering.between[peering.between[0] == vpc]
                routes.append(Route(ip_network(f"10.{far[1:]}.0.0/16"), TargetKind.PEERING, peering.id, NOWHERE))
        return RouteTable(f"t{number}", vpc, tuple(routes), NOWHERE)

    def acl(self, number: int) -> NetworkAcl:
        """Two to eight lines each way."""

        def lines(way: str) -> tuple[AclRule, ...]:
            return tuple(
                AclRule(f"a{number}{way}{n}", 100 + n * 10, self.random.random() < 0.8, ip_network(self.prefix()),
                        Match() if self.random.random() < 0.5 else self.match(), NOWHERE)
                for n in range(self.random.randint(2, 8))
            )  # fmt: skip

        return NetworkAcl(f"a{number}", f"v{number % VPCS}", lines("in"), lines("out"), NOWHERE)

    def group(self, number: int) -> SecurityGroup:
        """One to six rules each way; half of them name another group."""
        near = [g for g in range(GROUPS) if g % VPCS == number % VPCS]

        def rules(way: str) -> tuple[SgRule, ...]:
            return tuple(
                SgRule(f"g{number}{way}{n}", GroupRef(f"g{self.random.choice(near)}") if self.random.random() < 0.5 else ip_network(self.prefix()),
                       self.match(), NOWHERE)
                for n in range(self.random.randint(1, 6))
            )  # fmt: skip

        return SecurityGroup(f"g{number}", f"v{number % VPCS}", rules("in"), rules("out"), NOWHERE)

    def interface(self, number: int) -> Endpoint:
        """Fifty in each subnet, each in one to three groups."""
        subnet, at = number % SUBNETS, number // SUBNETS
        vpc = subnet % VPCS
        groups = self.random.sample([f"g{g}" for g in range(GROUPS) if g % VPCS == vpc], self.random.randint(1, 3))
        address = ip_address(f"10.{vpc}.{subnet // VPCS * 16 + at // 200}.{at % 200 + 10}")
        return Endpoint(
            f"e{number}", EndpointKind.HOST, f"e{number}", f"v{vpc}", f"s{subnet}", (address,), groups=tuple(sorted(groups)), any_port=True
        )


def main() -> None:
    """The table, then walks."""
    network = Maker().network()
    start = time.perf_counter()
    table = Table(network)
    made = time.perf_counter() - start
    delivered = sum(int((found != 0).sum()) for _, _, found in table.blocks())
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    few = Network(**{f: getattr(network, f) for f in network.__dataclass_fields__} | {"endpoints": network.endpoints[:: INTERFACES // 100]})
    engine = Engine(few)
    points = senders(engine)
    choose = random.Random(7)
    start = time.perf_counter()
    for _ in range(SAMPLE):
        path(engine, choose.choice(points), choose.choice(points))
    walk = (time.perf_counter() - start) / SAMPLE
    pairs = INTERFACES * (INTERFACES - 1)
    print(f"{INTERFACES:,} interfaces: table {made:.2f} s, all {pairs:,} pairs {seconds:.2f} s, {delivered:,} with something, {memory} MB")
    print(f"one walk: {walk * 1e6:.0f} us, so all pairs one by one: {walk * pairs:,.0f} s")
    print(f"ratio: {walk * pairs / seconds:,.0f}")


if __name__ == "__main__":
    main()
