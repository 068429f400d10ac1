"""The second judge: what becomes of one packet, said as plainly as the vendors' documents say it.

No sets, no masks, nothing remembered between packets: every question walks every rule with `ipaddress`. It knows the
Network and nothing of the prover. Sources: the AWS VPC user guide and the Kubernetes NetworkPolicy reference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from budnet.ir.address import EPHEMERAL, Address, Match, Prefix, Protocol
from budnet.ir.cloud import NatGateway, Route, Subnet, TargetKind
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.filters import (
    BlockPeer,
    GroupRef,
    NetworkAcl,
    NetworkPolicy,
    Operator,
    PodPeer,
    PolicyPort,
    PolicyRule,
    Requirement,
    Selector,
)
from budnet.ir.network import Network

METADATA = ip_address("169.254.169.254")
# IANA special-purpose registries: what no router of the internet carries. The ranges for documentation and benchmarks
# are not among them, because they stand for public addresses here.
SPECIAL = [
    ip_network(p)
    for p in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "224.0.0.0/4", "240.0.0.0/4", "::/127", "fc00::/7", "fe80::/10", "ff00::/8",
    )
]  # fmt: skip


# RFC 792 and RFC 4443: echo and timestamp. Who sends another type waits for nothing.
REPLIES = {Protocol.ICMP: {8: 0, 13: 14}, Protocol.ICMPV6: {128: 129}}


@dataclass(frozen=True)
class Fate:
    """`forward`: the request arrives. `answered`: its answer would come back. `at`: who has it; None outside."""

    forward: bool
    answered: bool
    at: Endpoint | None = None

    def through(self, forward: bool, answered: bool) -> Fate:
        """The same with one more stretch of way before it."""
        return Fate(self.forward and forward, self.answered and answered, self.at)


LOST = Fate(False, False)


def deliver(network: Network, source: Address, destination: Address, protocol: Protocol, port: int) -> Fate:
    """One packet from an address, ours or outside, to an address."""
    if protocol in REPLIES and (protocol is Protocol.ICMP) != (source.version == 4):
        return LOST  # there is no such packet
    sender = interface(network, source)
    if sender is None:
        return LOST if special(source) else internet(network, source, destination, protocol, port)
    if not policies_allow(network, sender, False, destination, protocol, port):
        return LOST
    for own in network.endpoints:  # "security groups and ACLs can't filter traffic to or from" these two
        provided = own.vpc == sender.vpc and own.kind in (EndpointKind.RESOLVER, EndpointKind.METADATA)
        if provided and destination in own.addresses:
            return Fate(True, True, own)
    if not groups_allow(network, sender, False, destination, protocol, port):
        return LOST
    home = network.subnet[sender.subnet]
    target = interface(network, destination)
    if within(destination, home.prefixes):
        return arrive(network, target, source, protocol, port)
    out = acl_allows(network.acl[home.acl], False, destination, protocol, port)
    answer_in = acl_answers(network.acl[home.acl], True, destination, protocol, port)
    route = longest(network, home, destination)
    kind = route.target if route else TargetKind.BLACKHOLE
    if kind is TargetKind.LOCAL:
        near = target is not None and target.vpc == home.vpc
        return (cross(network, target, source, protocol, port, kind) if near else LOST).through(out, answer_in)
    if kind is TargetKind.PEERING and route is not None:
        ends = network.peering[route.via].between
        far = target is not None and home.vpc in ends and target.vpc in ends and target.vpc != home.vpc
        return (cross(network, target, source, protocol, port, kind, route.via) if far else LOST).through(out, answer_in)
    if kind is TargetKind.BLACKHOLE or not edge_allows(network, sender, destination, protocol, port):
        return LOST
    if kind is TargetKind.NAT and route is not None:
        gateway = network.nat_gateway[route.via]
        return translate(network, gateway, home, source, destination, protocol, port).through(out, answer_in)
    seen = source if source.version == 6 else public_address(sender, source)
    if seen is None or special(seen) or special(destination) or (kind is TargetKind.EGRESS_ONLY and seen.version == 4):
        return LOST
    return internet(network, seen, destination, protocol, port).through(out, answer_in)


def cross(
    network: Network,
    target: Endpoint | None,
    source: Address,
    protocol: Protocol,
    port: int,
    back: TargetKind,
    via: str = "",
) -> Fate:
    """Over the border of the target's subnet, where the answer must find its way `back`."""
    if target is None:
        return LOST
    subnet = network.subnet[target.subnet]
    acl, route = network.acl[subnet.acl], longest(network, subnet, source)
    returns = route is not None and route.target is back and route.via == via and acl_answers(acl, False, source, protocol, port)
    fate = arrive(network, target, source, protocol, port)
    return fate.through(acl_allows(acl, True, source, protocol, port), returns or waits_for_nothing(protocol, port))


def arrive(network: Network, target: Endpoint | None, source: Address, protocol: Protocol, port: int) -> Fate:
    """At the interface. Its filters keep state, so an answer to what came in goes out."""
    if target is None:
        return LOST
    allowed = groups_allow(network, target, True, source, protocol, port)
    return Fate(allowed and policies_allow(network, target, True, source, protocol, port), True, target)


def internet(network: Network, source: Address, destination: Address, protocol: Protocol, port: int) -> Fate:
    """A packet on the internet, as the internet sees its addresses. Internet gateways hand in what is for their VPC."""
    if special(destination):
        return LOST
    if any(destination == g.public for g in network.nat_gateways):
        return LOST
    for endpoint in network.endpoints:
        if destination in endpoint.public or (destination.version == 6 and interface(network, destination) is endpoint):
            gateway = next((g.id for g in network.internet_gateways if g.vpc == endpoint.vpc), None)
            if gateway is None or not back_to(network, endpoint, source, gateway):
                return LOST
            return cross(network, endpoint, source, protocol, port, TargetKind.INTERNET, gateway)
    if any(within(destination, vpc.prefixes) for vpc in network.vpcs):
        return LOST
    return Fate(True, True, next((e for e in network.outside if destination in e.addresses), None))


def back_to(network: Network, endpoint: Endpoint, source: Address, gateway: str) -> bool:
    """Whether the subnet sends what is for `source` to this gateway."""
    route = longest(network, network.subnet[endpoint.subnet], source)
    return route is not None and route.target is TargetKind.INTERNET and route.via == gateway


def translate(
    network: Network,
    gateway: NatGateway,
    home: Subnet,
    source: Address,
    destination: Address,
    protocol: Protocol,
    port: int,
) -> Fate:
    """Through a NAT gateway: "supports TCP, UDP and ICMP", "cannot send traffic over VPC peering connections"."""
    if destination.version == 6 or protocol is Protocol.SCTP or special(destination):
        return LOST
    stands = network.subnet[gateway.subnet]
    acl, onward, back = network.acl[stands.acl], longest(network, stands, destination), longest(network, stands, source)
    if onward is None or onward.target is not TargetKind.INTERNET:
        return LOST
    fate = internet(network, gateway.public, destination, protocol, port)
    fate = fate.through(acl_allows(acl, False, destination, protocol, port), acl_answers(acl, True, destination, protocol, port))
    if stands.id == home.id:
        return fate
    returns = back is not None and back.target is TargetKind.LOCAL and acl_answers(acl, False, source, protocol, port)
    return fate.through(acl_allows(acl, True, source, protocol, port), returns or waits_for_nothing(protocol, port))


# ---- who is where ---------------------------------------------------------------------------------------------------


def within(address: Address, prefixes: Iterable[Prefix]) -> bool:
    return any(address.version == p.version and address in p for p in prefixes)


def special(address: Address) -> bool:
    return within(address, SPECIAL)


def interface(network: Network, address: Address) -> Endpoint | None:
    """Whose private (or, for IPv6, only) address this is."""
    return next((e for e in network.inside if address in e.addresses), None)


def public_address(endpoint: Endpoint, source: Address) -> Address | None:
    """What the internet gateway makes of a source: it translates the first IPv4 address only."""
    first = next((a for a in endpoint.addresses if a.version == 4), None)
    return endpoint.public[0] if endpoint.public and source == first else None


def longest(network: Network, subnet: Subnet, address: Address) -> Route | None:
    """The route of the longest matching prefix."""
    fitting = [r for r in network.route_table[subnet.route_table].routes if within(address, [r.destination])]
    return max(fitting, key=lambda r: r.destination.prefixlen, default=None)


# ---- filters --------------------------------------------------------------------------------------------------------


def matches(match: Match, protocol: Protocol, port: int) -> bool:
    return match.protocol is None or (match.protocol is protocol and match.ports.first <= port <= match.ports.last)


def groups_allow(network: Network, endpoint: Endpoint, inbound: bool, peer: Address, protocol: Protocol, port: int) -> bool:
    """Whether any rule of any group of an interface allows it."""
    for group in (network.security_group[g] for g in endpoint.groups):
        for rule in group.ingress if inbound else group.egress:
            if isinstance(rule.peer, GroupRef):
                wanted = rule.peer.id
                meant = any(wanted in e.groups and peer in e.addresses for e in network.endpoints)
            else:
                meant = within(peer, [rule.peer])
            if meant and matches(rule.match, protocol, port):
                return True
    return False


def waits_for_nothing(protocol: Protocol, port: int) -> bool:
    return protocol in REPLIES and port // 256 not in REPLIES[protocol]


def acl_allows(acl: NetworkAcl, inbound: bool, peer: Address, protocol: Protocol, port: int) -> bool:
    """What the lowest number that matches says; else no."""
    for rule in sorted(acl.ingress if inbound else acl.egress, key=lambda r: r.number):
        if within(peer, [rule.prefix]) and matches(rule.match, protocol, port):
            return rule.allow
    return False


def acl_answers(acl: NetworkAcl, inbound: bool, peer: Address, protocol: Protocol, port: int) -> bool:
    """Whether answers pass, whatever port the client has chosen: asked at every port at which a rule changes."""
    if protocol in REPLIES:
        reply = REPLIES[protocol].get(port // 256)
        return reply is None or acl_allows(acl, inbound, peer, protocol, reply * 256)
    edges = {p for r in (*acl.ingress, *acl.egress) for p in (r.match.ports.first, r.match.ports.last + 1)}
    ports = {EPHEMERAL[0], *(p for p in edges if EPHEMERAL[0] <= p <= EPHEMERAL[1])}
    return all(acl_allows(acl, inbound, peer, protocol, port) for port in ports)


def edge_allows(network: Network, sender: Endpoint, destination: Address, protocol: Protocol, port: int) -> bool:
    """The egress filter of the sender's VPC; a VPC without one lets everything out."""
    edge = network.egress_filter.get(sender.vpc)
    return edge is None or any(
        sender.id in r.sources and within(destination, r.prefixes) and matches(r.match, protocol, port) for r in edge.rules
    )


def policies_allow(network: Network, pod: Endpoint, inbound: bool, peer: Address, protocol: Protocol, port: int) -> bool:
    """A pod that no policy selects for a direction is open in it; else some rule of those that do must allow it."""
    if pod.kind is not EndpointKind.POD:
        return True
    isolated = False
    for policy in network.policies:
        rules = policy.ingress if inbound else policy.egress
        if policy.cluster != pod.cluster or policy.namespace != pod.namespace or rules is None:
            continue
        if not selects(policy.selector, pod.labels):
            continue
        isolated = True
        other = interface(network, peer)
        target = pod if inbound else other
        if any(rule_allows(network, policy, rule, peer, other, target, protocol, port) for rule in rules):
            return True
    return not isolated


def rule_allows(
    network: Network, policy: NetworkPolicy, rule: PolicyRule, peer: Address, other: Endpoint | None,
    target: Endpoint | None, protocol: Protocol, port: int,
) -> bool:  # fmt: skip
    """Any of its peers on any of its ports; none written is every one."""
    from_peer = not rule.peers
    for item in rule.peers:
        if isinstance(item, BlockPeer):
            from_peer |= within(peer, [item.prefix]) and not within(peer, item.without)
        else:
            from_peer |= is_pod(network, policy, item, other)
    return from_peer and (not rule.ports or any(port_allows(policy, p, target, protocol, port) for p in rule.ports))


def is_pod(network: Network, policy: NetworkPolicy, peer: PodPeer, other: Endpoint | None) -> bool:
    """Whether the other side is a pod of the policy's cluster that the peer's two selectors choose."""
    if other is None or other.kind is not EndpointKind.POD or other.cluster != policy.cluster:
        return False
    if peer.namespaces is None:
        right_namespace = other.namespace == policy.namespace
    else:
        spaces = network.cluster[policy.cluster].namespaces
        labels = next(n.labels for n in spaces if n.name == other.namespace)
        right_namespace = selects(peer.namespaces, labels)
    return right_namespace and selects(peer.pods, other.labels)


def port_allows(policy: NetworkPolicy, rule: PolicyPort, target: Endpoint | None, protocol: Protocol, port: int) -> bool:
    """A name is that of a port of the target pod; other machines have no names for their ports."""
    if rule.protocol is not protocol:
        return False
    if isinstance(rule.port, str):
        if target is None or target.kind is not EndpointKind.POD or target.cluster != policy.cluster:
            return False
        return any(x.name == rule.port and x.protocol is protocol and x.port == port for x in target.listeners)
    return rule.port is None or rule.port <= port <= (rule.end or rule.port)


def selects(selector: Selector, labels: Iterable[tuple[str, str]]) -> bool:
    return all(holds(requirement, dict(labels)) for requirement in selector)


def holds(requirement: Requirement, labels: dict[str, str]) -> bool:
    has = requirement.key in labels
    fits = labels.get(requirement.key) in requirement.values
    return {
        Operator.IN: has and fits,
        Operator.NOT_IN: not has or not fits,
        Operator.EXISTS: has,
        Operator.DOES_NOT_EXIST: not has,
    }[requirement.operator]
