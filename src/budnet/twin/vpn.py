"""Gateways of site-to-site VPNs: a namespace between a VPC's router and the internet, with one tunnel in it.

The router has a route through each of a connection's gateways, and takes that of the lowest metric; which routes are there,
`watcher.py` decides. The tunnel's device comes with the program that makes it (`servers/strongswan.py`, `servers/wireguard.py`); the plan knows
only its name. What the tunnel does not take finds no route and is logged.
"""

from __future__ import annotations

from ipaddress import ip_network
from itertools import islice

from budnet.ir.address import Prefix
from budnet.ir.links import VpnConnection, VpnGateway, VpnTunnel
from budnet.ir.network import Network
from budnet.twin import phrases
from budnet.twin.phrases import FAMILY, Marks
from budnet.twin.plan import LAST, MISS, Chain, KernelRoute, Rule, Ruleset, Space, TwinPlan, Watched

VPC = "vpc"
"""The device of a gateway that leads to its VPC."""
_EVERYWHERE: tuple[Prefix, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def tunnel_device(network: Network, connection: VpnConnection, gateway: VpnGateway) -> str:
    """strongSwan names its device itself; the sockets of WireGuard's daemon lie in one folder, so its names differ."""
    if connection.protocol == "ipsec":
        return "ipsec0"
    return f"wg{[g.id for v in network.vpns for g in v.gateways].index(gateway.id)}"


def devices(network: Network) -> dict[str, str]:
    """By tunnel, what routers call the device that leads to their gateway of it."""
    return {t.id: f"v{i}" for i, t in enumerate(t for v in network.vpns for t in v.tunnels)}


def gateway(network: Network, connection: VpnConnection, tunnel: VpnTunnel, own: VpnGateway, marks: Marks) -> Space:
    """Routes its own VPC's ranges inwards, the other gateway's address outwards, and lets nothing pass but through the tunnel."""
    other = tunnel.other(own.vpc)
    device = tunnel_device(network, connection, own)
    drop = marks.drop("NO_ROUTE", "vpn", own.id, connection.origin)
    near, far = (phrases.by_family_of(network.vpc[g.vpc].prefixes) for g in (own, other))
    rules = [Rule(f'oifname "{MISS}" {drop}', connection.id)]
    # a tunnel's packets are smaller than a wire's: TCP has to know before it sends (RFC 4459, 3.2)
    rules.append(Rule("tcp flags syn tcp option maxseg size set rt mtu"))
    for version in (4, 6):
        if near[version] and far[version]:
            ours, theirs = phrases.one_of(near[version]), phrases.one_of(far[version])
            family = FAMILY[version]
            rules.append(Rule(f'iifname "{VPC}" oifname "{device}" {family} saddr {ours} {family} daddr {theirs} accept', connection.id))
            rules.append(Rule(f'iifname "{device}" oifname "{VPC}" {family} saddr {theirs} {family} daddr {ours} accept', connection.id))
    rules.append(Rule(drop, connection.id))
    chain = Chain("forward", tuple(rules), "type filter hook forward priority 0; policy drop")
    routes = [KernelRoute(p, VPC) for p in network.vpc[own.vpc].prefixes]
    routes.append(KernelRoute(ip_network(other.public), "eth0"))
    routes += [KernelRoute(p, MISS, metric=LAST) for p in _EVERYWHERE]
    return Space(own.id, "vpn-gateway", (own.public,), tuple(routes), ruleset=Ruleset((), (chain,)), forwards=True)


def watched(network: Network, plan: TwinPlan) -> tuple[Watched, ...]:
    """Both ends of every tunnel, with the routes that hang on it, in the order in which tunnels are preferred.

    They ask each other from those addresses of the two VPCs that no endpoint has. Tunnels between VPCs without an address
    family in common carry nothing, and are not watched.
    """
    leads = devices(network)
    out: list[Watched] = []
    for connection, tunnel in ((c, t) for c in network.vpns for t in c.tunnels):
        for own in tunnel.gateways:
            pairs = ((a, b) for a in own.inside for b in tunnel.other(own.vpc).inside if a.version == b.version)
            for near, far in islice(pairs, 1):
                routes = tuple(r for r in plan.space[own.vpc].routes if r.device == leads[tunnel.id])
                out.append(Watched(tunnel.id, connection.id, own.id, own.vpc, near, far, own is tunnel.gateways[0], routes))
    return tuple(out)
