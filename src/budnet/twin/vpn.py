"""Gateways of site-to-site VPNs: a namespace between a VPC's router and the internet, with a tunnel in it.

The tunnel's device comes with the program that makes it (`servers/strongswan.py`, `servers/wireguard.py`); the plan knows
only its name. What the tunnel does not take finds no route and is logged.
"""

from __future__ import annotations

from ipaddress import ip_network

from budnet.ir.address import Prefix
from budnet.ir.links import VpnConnection, VpnGateway
from budnet.ir.network import Network
from budnet.twin import phrases
from budnet.twin.phrases import FAMILY, Marks
from budnet.twin.plan import MISS, Chain, KernelRoute, Rule, Ruleset, Space

VPC = "vpc"
"""The device of a gateway that leads to its VPC."""
_EVERYWHERE: tuple[Prefix, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_LOWEST = 0xFFFFFFFF


def tunnel_device(network: Network, connection: VpnConnection, gateway: VpnGateway) -> str:
    """strongSwan names its device itself; the sockets of WireGuard's daemon lie in one folder, so its names differ."""
    if connection.tunnel == "ipsec":
        return "ipsec0"
    return f"wg{[g.id for v in network.vpns for g in v.gateways].index(gateway.id)}"


def gateway(network: Network, connection: VpnConnection, own: VpnGateway, marks: Marks) -> Space:
    """Routes its own VPC's ranges inwards, the other gateway's address outwards, and lets nothing pass but through the tunnel."""
    other = connection.gateway(connection.other(own.vpc))
    device = tunnel_device(network, connection, own)
    drop = marks.drop("NO_ROUTE", "vpn", connection.id, connection.origin)
    near, far = (phrases.by_family_of(network.vpc[v].prefixes) for v in (own.vpc, connection.other(own.vpc)))
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
    routes += [KernelRoute(p, MISS, metric=_LOWEST) for p in _EVERYWHERE]
    return Space(own.id, "vpn-gateway", (own.public,), tuple(routes), ruleset=Ruleset((), (chain,)), forwards=True)
