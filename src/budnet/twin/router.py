"""The rules of a VPC's router: what AWS and Azure do between an interface and the network, in their order.

A packet from an interface meets: the source check, its security groups (new connections only), the route table (by the
device that it picked), the ACL of the subnet it leaves, the gateway it goes to, the egress filter, the ACL of the subnet
it enters, the security groups of the interface it enters. Groups on the way out and on the way in are two gates: the first
one returns, the second accepts. ACLs are asked for every packet, answers too, because they keep no state.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from budnet.ir.address import Address, Prefix
from budnet.ir.cloud import Peering, RouteTable, Subnet, TargetKind, Vpc
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.filters import GroupRef, SgRule
from budnet.ir.links import VpnConnection
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.twin import phrases
from budnet.twin.phrases import FAMILY, TYPE, Marks
from budnet.twin.plan import HOLE, MISS, Chain, Rule, Ruleset

# RFC 1918, 6598, 5735, 5771, 4193, 4291: what an internet gateway or a NAT gateway does not forward
PRIVATE: dict[int, tuple[str, ...]] = {
    4: ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/3"),
    6: ("::/127", "fc00::/7", "fe80::/10", "ff00::/8"),
}
INTERNET, EGRESS_ONLY = "igw", "eigw"


@dataclass(frozen=True)
class Devices:
    """The names of a router's devices, by what is behind them."""

    endpoints: dict[str, str]
    nats: dict[str, str]
    peerings: dict[str, str]
    vpns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """One for each tunnel."""


def ruleset(network: Network, vpc: Vpc, devices: Devices, marks: Marks) -> Ruleset:
    """The whole table of one router."""
    return _Router(network, vpc, devices, marks).ruleset()


class _Router:
    def __init__(self, network: Network, vpc: Vpc, devices: Devices, marks: Marks) -> None:
        self.network, self.vpc, self.devices, self.marks = network, vpc, devices, marks
        self.sets: list[str] = []
        self.chains: list[Chain] = []
        self.subnets = [s for s in network.subnets if s.vpc == vpc.id]
        ours = [e for e in network.endpoints if e.vpc == vpc.id]
        self.interfaces = [e for e in ours if e.filtered]
        self.provided = [e for e in ours if e.kind in (EndpointKind.RESOLVER, EndpointKind.METADATA)]
        self.group_numbers = {g.id: i for i, g in enumerate(network.security_groups)}

    def ruleset(self) -> Ruleset:
        self.set_up()
        self.groups()
        self.borders()
        self.missing()
        self.edge()
        self.inbound()
        self.forward()
        return Ruleset(tuple(self.sets), tuple(self.chains))

    def device(self, endpoint: Endpoint) -> str:
        return self.devices.endpoints[endpoint.id]

    def drop(self, disposition: str, layer: str, name: str, origin: Origin | None = None) -> str:
        return self.marks.drop(disposition, layer, name, origin or self.vpc.origin)

    def set_up(self) -> None:
        """Sets that several chains use."""
        named = phrases.named_set
        self.sets.append(named("interfaces", "ifname", [f'"{self.device(e)}"' for e in self.interfaces]))
        self.sets.append(named("provided", "ifname", [f'"{self.device(e)}"' for e in self.provided]))
        for version, private in PRIVATE.items():
            own = [f'"{self.device(e)}" . {a}' for e in self.interfaces for a in e.addresses if a.version == version]
            self.sets.append(named(f"own{version}", f"ifname . {TYPE[version]}", own))
            self.sets.append(named(f"private{version}", TYPE[version], private, interval=True))
        with_public: list[Address] = [mapped(e) for e in self.interfaces if e.public]
        with_public += [g.address for g in self.network.nat_gateways if g.vpc == self.vpc.id]
        self.sets.append(named("mapped", "ipv4_addr", with_public))

    # ---- security groups ------------------------------------------------------------------------------------------------

    def groups(self) -> None:
        """A set of members for each group, a chain each way for each combination of groups, and maps from devices to chains."""
        keys = list(dict.fromkeys(e.groups for e in self.interfaces))
        used = {g for key in keys for g in key}
        used |= {
            r.peer.id
            for g in used
            for r in (*self.network.security_group[g].ingress, *self.network.security_group[g].egress)
            if isinstance(r.peer, GroupRef)
        }
        for group in sorted(used, key=self.group_numbers.__getitem__):
            members = phrases.by_family(a for e in self.network.members[group] for a in e.addresses)
            for version, addresses in members.items():
                self.sets.append(phrases.named_set(self.group_set(group, version), TYPE[version], addresses))
        for i, key in enumerate(keys):
            name = "+".join(key)
            groups = [self.network.security_group[g] for g in key]
            out = [r for g in groups for rule in g.egress for r in self.group_rules(rule, "daddr", "return")]
            into = [r for g in groups for rule in g.ingress for r in self.group_rules(rule, "saddr", "return")]
            origin = groups[0].origin if groups else self.vpc.origin
            self.chains.append(Chain(f"sgo{i}", (*out, Rule(self.drop("DENIED_OUT", "security-group", name, origin), name))))
            self.chains.append(Chain(f"sgi{i}", (*into, Rule(self.drop("DENIED_IN", "security-group", name, origin), name))))
        number = {key: i for i, key in enumerate(keys)}
        for way in ("sgo", "sgi"):
            entries = [(self.device(e), f"jump {way}{number[e.groups]}") for e in self.interfaces]
            self.sets.append(phrases.verdict_map(way, entries))

    def group_set(self, group: str, version: int) -> str:
        return f"g{self.group_numbers[group]}v{version}"

    def group_rules(self, rule: SgRule, direction: str, verdict: str) -> list[Rule]:
        what = phrases.transport(rule.match)
        if isinstance(rule.peer, GroupRef):
            return [Rule(f"{FAMILY[v]} {direction} @{self.group_set(rule.peer.id, v)} {what}{verdict}", rule.id) for v in (4, 6)]
        return [Rule(f"{phrases.peer(direction, rule.peer)}{what}{verdict}", rule.id)]

    # ---- subnets --------------------------------------------------------------------------------------------------------

    def borders(self) -> None:
        """A chain each way for each ACL, and for each subnet one before it: inside a subnet no ACL is asked."""
        numbers = {acl: i for i, acl in enumerate(dict.fromkeys(s.acl for s in self.subnets))}
        for acl_id, number in numbers.items():
            self.acl(acl_id, number)
        out_map: list[tuple[str, str]] = []
        in_map: list[tuple[str, str]] = []
        for i, subnet in enumerate(self.subnets):
            devices = self.devices_of(subnet)
            self.sets.append(phrases.named_set(f"subnet{i}", "ifname", [f'"{d}"' for d in devices]))
            number = numbers[subnet.acl]
            self.chains.append(Chain(f"leave{i}", (Rule(f"oifname != @subnet{i} goto aclo{number}"),)))
            self.chains.append(Chain(f"enter{i}", (Rule(f"iifname != @subnet{i} goto acli{number}"),)))
            out_map += [(d, f"jump leave{i}") for d in devices]
            in_map += [(d, f"jump enter{i}") for d in devices]
        self.sets.append(phrases.verdict_map("leave", out_map))
        self.sets.append(phrases.verdict_map("enter", in_map))

    def acl(self, acl_id: str, number: int) -> None:
        acl = self.network.acl[acl_id]
        for way, rules, side, disposition in (("out", acl.egress, "daddr", "DENIED_OUT"), ("in", acl.ingress, "saddr", "DENIED_IN")):
            drop = self.drop(disposition, "network-acl", f"{acl.id}:{way}", acl.origin)
            lines = [
                Rule(f"{phrases.peer(side, r.prefix)}{phrases.transport(r.match)}{'return' if r.allow else drop}", r.id)
                for r in sorted(rules, key=lambda r: r.number)
            ]
            self.chains.append(Chain(f"acl{way[0]}{number}", (*lines, Rule(drop, acl.id))))

    def devices_of(self, subnet: Subnet) -> list[str]:
        nats = [self.devices.nats[g.id] for g in self.network.nat_gateways if g.subnet == subnet.id]
        return [self.device(e) for e in self.interfaces if e.subnet == subnet.id] + nats

    # ---- routes and gateways --------------------------------------------------------------------------------------------

    def missing(self) -> None:
        """What no route takes, by the route table that has none; and what a blackhole route takes."""
        for chain, disposition in (("miss", "NO_ROUTE"), ("hole", "BLACKHOLE")):
            rules = [Rule(f'iifname "{device}" {self.no_way(table, disposition)}', table) for device, table in self.nat_tables()]
            for subnet in self.subnets:
                drop = self.no_way(subnet.route_table, disposition)
                rules += [Rule(f"{phrases.peer('saddr', p)}{drop}", subnet.route_table) for p in subnet.prefixes]
            rules.append(Rule(self.drop(disposition, "vpc", self.vpc.id)))
            self.chains.append(Chain(chain, tuple(rules)))

    def no_way(self, table: str, disposition: str = "NO_ROUTE") -> str:
        return self.drop(disposition, "route-table", table, self.network.route_table[table].origin)

    def nat_tables(self) -> list[tuple[str, str]]:
        """The device of each NAT gateway here, and the route table of the subnet that it stands in."""
        here = (g for g in self.network.nat_gateways if g.vpc == self.vpc.id)
        return [(self.devices.nats[g.id], self.network.subnet[g.subnet].route_table) for g in here]

    def gateways(self) -> list[Rule]:
        """What a gateway or a peering does not carry."""
        # a NAT gateway sends on to the internet gateway only: in a subnet without a route to it, it would send to itself
        out = [
            Rule(f'iifname "{device}" ct state new oifname != "{INTERNET}" {self.no_way(table)}', table)
            for device, table in self.nat_tables()
        ]
        for gateway in self.network.nat_gateways:
            if gateway.vpc == self.vpc.id:
                drop = self.drop("NO_ROUTE", "nat-gateway", gateway.id, gateway.origin)
                leaving = f'iifname @interfaces oifname "{self.devices.nats[gateway.id]}"'
                not_carried = ("ip daddr @private4", "meta nfproto ipv6", "meta l4proto sctp")  # AWS: TCP, UDP and ICMP only
                out += [Rule(f"{leaving} {what} {drop}", gateway.id) for what in not_carried]
        for kind, device, origin_of in (
            ("internet-gateway", INTERNET, self.network.internet_gateways),
            ("egress-only-internet-gateway", EGRESS_ONLY, self.network.egress_only_gateways),
        ):
            for g in origin_of:
                if g.vpc == self.vpc.id:
                    drop = self.drop("NO_ROUTE", kind, g.id, g.origin)
                    leaving = f'iifname @interfaces oifname "{device}"'
                    unmapped = "ip saddr != @mapped" if device == INTERNET else "meta nfproto ipv4"
                    refused = ("ip daddr @private4", "ip6 daddr @private6", "ip6 saddr @private6", unmapped)
                    out += [Rule(f"{leaving} {what} {drop}", g.id) for what in refused]
        for peering_id, device in self.devices.peerings.items():
            out += self.link("peering", self.network.peering[peering_id], device)
        for vpn_id, each in self.devices.vpns.items():
            out += [rule for device in each for rule in self.link("vpn", self.network.vpn[vpn_id], device)]
        return out

    def link(self, layer: str, link: Peering | VpnConnection, device: str) -> list[Rule]:
        """Only between the address ranges of its two ends."""
        far = self.network.vpc[link.between[0] if link.between[1] == self.vpc.id else link.between[1]]
        drop = self.drop("NO_ROUTE", layer, link.id, link.origin)
        out = [Rule(f'iifname "{device}" oifname != @interfaces {drop}', link.id)]
        for version in (4, 6):
            theirs = [p for p in far.prefixes if p.version == version]
            test = f"{FAMILY[version]} daddr != {phrases.one_of(theirs)}" if theirs else phrases.FAMILY_ONLY[version]
            out.append(Rule(f'oifname "{device}" {test} {drop}', link.id))
        return out

    def edge(self) -> None:
        """The egress filter: who may open what to the outside."""
        found = self.network.egress_filter.get(self.vpc.id)
        if found is None:
            return
        rules: list[Rule] = []
        for rule in found.rules:
            sources = phrases.by_family(a for e in rule.sources for a in self.network.endpoint[e].addresses)
            for version in (4, 6):
                prefixes = [p for p in rule.prefixes if p.version == version]
                if sources[version] and prefixes:
                    who = f"{FAMILY[version]} saddr {phrases.one_of(sources[version])}"
                    where = f"{FAMILY[version]} daddr {phrases.one_of(prefixes)}"
                    rules.append(Rule(f"{who} {where} {phrases.transport(rule.match)}return", rule.id))
        rules.append(Rule(self.drop("DENIED_OUT", "egress-filter", found.id, found.origin), found.id))
        self.chains.append(Chain("edge", tuple(rules)))

    def inbound(self) -> None:
        """From the internet gateway only into subnets whose table sends the answer back to it."""
        gateway = next((g for g in self.network.internet_gateways if g.vpc == self.vpc.id), None)
        if gateway is None:
            return
        drop = self.drop("NO_ROUTE", "internet-gateway", gateway.id, gateway.origin)
        rules: list[Rule] = []
        for subnet in self.subnets:
            for prefix in subnet.prefixes:
                rules += self.answers(self.network.route_table[subnet.route_table], prefix, drop)
        self.chains.append(Chain("inbound", (*rules, Rule(drop, gateway.id))))

    def answers(self, table: RouteTable, prefix: Prefix, drop: str) -> list[Rule]:
        """For each route, longest prefix first: whether an answer to that part of the world leaves by the internet gateway."""
        out = []
        for route in sorted(table.routes, key=lambda r: -r.destination.prefixlen):
            if route.destination.version == prefix.version:
                verdict = "return" if route.target is TargetKind.INTERNET else self.drop_answer(route.via, route.target, drop)
                out.append(Rule(f"{phrases.peer('daddr', prefix)}{phrases.peer('saddr', route.destination)}{verdict}", table.id))
        return out

    def drop_answer(self, via: str, target: TargetKind, otherwise: str) -> str:
        return self.drop("NO_ROUTE", target.value, via) if target is TargetKind.EGRESS_ONLY else otherwise

    def forward(self) -> None:
        """The order of it all."""
        has_edge = any(c.name == "edge" for c in self.chains)
        has_inbound = any(c.name == "inbound" for c in self.chains)
        spoofed = self.drop("DENIED_OUT", "source-check", self.vpc.id)
        outward = f"iifname @interfaces oifname {phrases.quoted([INTERNET, EGRESS_ONLY, *self.devices.nats.values()])}"
        rules = [
            *(Rule(f"iifname @interfaces {phrases.FAMILY_ONLY[v]} iifname . {FAMILY[v]} saddr != @own{v} {spoofed}") for v in (4, 6)),
            Rule("iifname @interfaces oifname @provided accept"),
            Rule("iifname @provided ct state established,related accept"),
            Rule("ct state new iifname vmap @sgo"),
            Rule(f'oifname "{MISS}" jump miss'),
            Rule(f'oifname "{HOLE}" jump hole'),
            *([Rule(f'iifname "{INTERNET}" ct state new jump inbound')] if has_inbound else []),
            Rule("iifname vmap @leave"),
            Rule("oifname vmap @enter"),
            *self.gateways(),
            *([Rule(f"{outward} ct state new jump edge")] if has_edge else []),
            Rule("ct state new oifname vmap @sgi"),
            Rule("ct state invalid drop"),
            Rule("accept"),
        ]  # fmt: skip
        self.chains.append(Chain("forward", tuple(rules), "type filter hook forward priority 0; policy drop"))


def mapped(endpoint: Endpoint) -> Address:
    """The address that an endpoint's public address stands for: its first of IPv4."""
    return next(a for a in endpoint.addresses if a.version == 4)
