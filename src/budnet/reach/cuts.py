"""What tells ports and addresses of a Network apart: every edge that some rule, route, listener or question has."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from budnet.ir.address import Match, PortRange, Prefix, Protocol
from budnet.ir.endpoint import EndpointKind
from budnet.ir.filters import BlockPeer, GroupRef, NamePeer, NodePeer, PodPeer, PolicyPort, Selector
from budnet.ir.network import Network
from budnet.reach import semantics
from budnet.reach.families import spoken


def matches(network: Network) -> Iterator[Match]:
    """Protocols and ports."""
    if network.vpcs:
        yield from (m for pair in semantics.ANSWERS for m in pair)
    for group in network.security_groups:
        yield from (r.match for r in (*group.ingress, *group.egress))
    for acl in network.acls:
        yield from (r.match for r in (*acl.ingress, *acl.egress))
    yield from policy_matches(network)
    for egress in network.egress_filters:
        yield from (r.match for r in egress.rules)
    if network.sni_filters:
        yield semantics.SAID_IN_TLS
    names = {p.port for p in policy_ports(network) if isinstance(p.port, str)}
    for listeners in dict.fromkeys((e.listeners, e.any_port) for e in network.endpoints):
        # where every port may answer, only those matter that some rule calls by name
        yield from (Match(x.protocol, PortRange(x.port, x.port)) for x in listeners[0] if not listeners[1] or x.name in names)
    for service in network.services:
        for p in service.ports:
            yield from (Match(p.protocol, PortRange(port, port)) for port in (p.port, p.target))
    yield from (f.match for f in network.flows)
    yield from (m for g in network.guarantees for m in g.matches)


def protocols(network: Network) -> tuple[Protocol, ...]:
    """Those that its endpoints can speak: an IPv4 network has no ICMPv6."""
    versions = spoken(network)
    return tuple(p for p in Protocol if not versions or p.spoken_over & versions)


def prefixes(network: Network) -> Iterator[Prefix]:
    """Addresses."""
    for group in network.security_groups:
        yield from (r.peer for r in (*group.ingress, *group.egress) if not isinstance(r.peer, GroupRef))
    yield from network_prefixes(network)
    yield from policy_prefixes(network)
    if any(isinstance(peer, NodePeer) for peer in policy_peers(network)):  # nodes are meant by their addresses
        yield from (ip_network(a) for e in network.endpoints if e.kind is EndpointKind.HOST and e.cluster for a in e.addresses)
    yield from (p for g in network.address_groups for p in g.prefixes)
    sides = [s for f in network.flows for s in (f.sources, f.destinations)]
    sides += [s for g in network.guarantees for s in (g.sources, g.destinations, *g.waivers)]
    yield from (p for s in sides for p in s.prefixes)


def network_prefixes(network: Network) -> Iterator[Prefix]:
    """Addresses that routes, ACLs and egress filters tell apart."""
    for acl in network.acls:
        yield from (r.prefix for r in (*acl.ingress, *acl.egress))
    for egress in network.egress_filters:
        yield from (p for r in egress.rules for p in r.prefixes)
    for sni in network.sni_filters:
        yield from (p for r in sni.rules for p in r.prefixes)
    for table in network.route_tables:
        yield from (r.destination for r in table.routes)


def policy_matches(network: Network) -> Iterator[Match]:
    """Ports that policies call by number."""
    for port in policy_ports(network):
        if isinstance(port.port, int):
            yield Match(port.protocol, PortRange(port.port, port.end or port.port))


def policy_prefixes(network: Network) -> Iterator[Prefix]:
    """Addresses that policies name."""
    for peer in policy_peers(network):
        if isinstance(peer, BlockPeer):
            yield peer.prefix
            yield from peer.without


def policy_peers(network: Network) -> Iterator[PodPeer | BlockPeer | NodePeer | NamePeer]:
    """Every peer of every policy rule."""
    for policy in network.policies:
        for rules in (policy.ingress, policy.egress):
            for rule in rules or ():
                yield from rule.peers
    for admin in network.admin_policies:
        for row in (*admin.ingress, *admin.egress):
            yield from row.peers


def policy_ports(network: Network) -> Iterator[PolicyPort]:
    """Every port of every policy rule."""
    for policy in network.policies:
        for rules in (policy.ingress, policy.egress):
            for rule in rules or ():
                yield from rule.ports
    for admin in network.admin_policies:
        for row in (*admin.ingress, *admin.egress):
            yield from row.ports


def space_selectors(network: Network) -> Iterator[Selector]:
    """Every selector that looks at labels of namespaces, of policies that are modelled."""
    subjects = (p.subject for p in network.admin_policies)
    yield from {p.namespaces: None for p in (*policy_peers(network), *subjects) if isinstance(p, PodPeer) and p.namespaces}


def selectors(network: Network) -> Iterator[Selector]:
    """Every selector that looks at labels of pods or nodes."""
    yield from (p.selector for p in network.policies)
    yield from (p.subject.pods for p in network.admin_policies)
    yield from (p.subject.pods for p in network.unknown_policies)
    for peer in policy_peers(network):
        if isinstance(peer, PodPeer):
            yield peer.pods
        elif isinstance(peer, NodePeer):
            yield peer.nodes
