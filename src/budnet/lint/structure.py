"""The shape of the whole: who is let in to manage it, and what is written and means nothing."""

from __future__ import annotations

from collections.abc import Iterator

from budnet.lint.design import Design
from budnet.lint.rule import ERROR, NOTE, Hit, rule

_ADMIN_PORTS = {22: "SSH", 3389: "RDP", 5900: "VNC", 6443: "the Kubernetes API", 2379: "etcd", 10250: "the kubelet"}


@rule(
    "D701", ERROR, "management open to the internet",
    why="Whoever is on the internet may try passwords, keys and the next flaw of the server. A bastion is meant to be reached by a few "
    "known addresses.",
    source="CIS AWS Foundations Benchmark, 5.2 and 5.3; CIS Controls, 12.8",
    url="https://www.cisecurity.org/benchmark/amazon_web_services",
    help="name the addresses of those who may: `addresses: {admins: [...]}`, and `from: admins`",
)  # fmt: skip
def open_management(design: Design) -> Iterator[Hit]:
    """A flow from the internet, or from a set of addresses wider than /8 (IPv6: /16), ends at SSH or at another port for management."""
    seen: set[tuple[int, str]] = set()
    for edge in design.edges:
        port = edge.match.ports.first if edge.match else 0
        use = "SSH" if edge.transport == "ssh" else _ADMIN_PORTS.get(port)
        if use and _is_anybody(design, edge.source) and (edge.flow, edge.source) not in seen:
            seen.add((edge.flow, edge.source))
            yield Hit(
                ("flows", edge.flow, "from"), edge.target, f"{use} of '{edge.target}' is open to {edge.source}", f"from: {edge.source}"
            )


def _is_anybody(design: Design, source: str) -> bool:
    wide = (p.prefixlen <= (8 if p.version == 4 else 16) for p in design.topology.addresses.get(source, ()))
    return source == "internet" or any(wide)


@rule(
    "D702", NOTE, "data that no guarantee is about",
    why="A flow says what should work. That nobody else gets at a store is only proved where a guarantee says so.",
    source="NIST SP 800-53, AC-4 (information flow enforcement) and CA-2 (control assessments)", url="https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final",
    help="add `- {only: {from: [CLIENTS], to: STORE}}` to `guarantees`",
)  # fmt: skip
def no_guarantee(design: Design) -> Iterator[Hit]:
    """A service with `software: postgresql` or `redis`, or in an isolated subnet, is in the `to` of no `never` or `only`."""
    pairs = [pair for g in design.topology.guarantees for pair in (g.never, g.only) if pair]
    named = {s for pair in pairs for s in design.services(pair.to)}
    places = {name for pair in pairs for name in pair.to}
    for name, service in design.topology.services.items():
        tiers = [design.subnet(tier) for tier in service.subnet]
        store = service.software in ("postgresql", "redis") or any(tier and tier.access == "isolated" for tier in tiers)
        if store and service.ports and name not in named and not places & (design.tiers_of(name) | design.networks_of(name)):
            yield Hit(("services", name), name, f"no guarantee says who must not reach '{name}'", "nothing", key=True)


@rule(
    "D703", NOTE, "a service that no flow is about",
    why="Everything that no flow allows is denied: it reaches nobody and nobody reaches it. It is in the list, and does nothing.",
    source="budnet, `flows`: everything else is denied", url="https://kubernetes.io/docs/concepts/services-networking/network-policies/",
    help="add its flows, or take it out",
)  # fmt: skip
def idle(design: Design) -> Iterator[Hit]:
    """A service is in no flow, no egress row and behind no name."""
    flows = [name for flow in design.topology.flows for name in (*flow.from_, *flow.to)]
    rows = [name for row in design.topology.egress.values() for name in row.from_]
    used = set(design.services([*flows, *rows])) | {n.to for n in design.topology.names.internal.values() if n.to}
    for name in design.topology.services:
        if name not in used and design.topology.flows:
            yield Hit(("services", name), name, f"'{name}' is in no flow", "nothing", "it reaches nobody, and nobody reaches it", key=True)


@rule(
    "D704", NOTE, "a subnet with nothing in it",
    why="A tier that is drawn and has no workload is often one whose workloads ended up in another, with the rules of that one.",
    source="bud-runtime: the Management subnet, whose charts are not in the repository", url="https://github.com/BudEcosystem/bud-runtime",
    help="place services there, or take it out",
)  # fmt: skip
def empty_subnet(design: Design) -> Iterator[Hit]:
    """No service is in a subnet, and it is no public one, where gateways are."""
    used = {tier for service in design.topology.services.values() for tier in service.subnet}
    for network, written in design.topology.networks.items():
        for name, subnet in written.subnets.items():
            if f"{network}/{name}" not in used and subnet.access != "public" and design.topology.services:
                yield Hit(
                    ("networks", network, "subnets", name),
                    f"{network}/{name}",
                    f"nothing is in subnet '{network}/{name}'",
                    str(subnet.cidr[0]),
                    key=True,
                )


@rule(
    "D705", NOTE, "a VPN with one tunnel",
    why="The loss of either of its two gateways, or its maintenance, is the loss of the link. AWS replaces the ends "
    "of tunnels from time to time, those of one connection one after the other.",
    source="AWS, Site-to-Site VPN tunnel endpoint replacements; Azure, highly available cross-premises connectivity",
    url="https://docs.aws.amazon.com/vpn/latest/s2svpn/endpoint-replacements.html",
    help="take `tunnels: 1` out: two is what a VPN has where nothing is said",
)  # fmt: skip
def one_tunnel(design: Design) -> Iterator[Hit]:
    """A link by VPN has `tunnels: 1`."""
    for name, link in design.topology.links.items():
        if link.tunnels == 1:
            yield Hit(("links", name, "tunnels"), name, f"nothing stands in for the tunnel of '{name}'", "tunnels: 1")
