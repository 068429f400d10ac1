"""A Network whose peerings are tunnels."""

from __future__ import annotations

from ipaddress import ip_address

from budnet.ir.cloud import Peering, Route, TargetKind
from budnet.ir.links import VpnConnection, VpnGateway, VpnTunnel
from budnet.ir.network import Network
from budnet.records import replace


def as_tunnels(network: Network, count: int = 2) -> Network:
    """Every peering becomes a WireGuard connection of so many tunnels, with gateways at addresses that nothing else in the Network has."""
    vpns = tuple(_connection(network, p, number, count) for number, p in enumerate(network.peerings))
    tables = tuple(replace(t, routes=tuple(map(_route, t.routes))) for t in network.route_tables)
    return replace(network, peerings=(), vpns=vpns, route_tables=tables)


def _route(route: Route) -> Route:
    return replace(route, target=TargetKind.VPN) if route.target is TargetKind.PEERING else route


def _connection(network: Network, peering: Peering, number: int, count: int) -> VpnConnection:
    """Connections have eight addresses each."""
    tunnels = tuple(
        VpnTunnel(f"{peering.id}-{n}", (_gateway(network, peering, 0, n, number), _gateway(network, peering, 1, n, number)))
        for n in range(1, count + 1)
    )
    return VpnConnection(peering.id, peering.between, "wireguard", "", tunnels, peering.origin)


def _gateway(network: Network, peering: Peering, end: int, n: int, number: int) -> VpnGateway:
    vpc = peering.between[end]
    public = ip_address(f"192.0.2.{8 * number + 2 * (n - 1) + end + 1}")
    inside = tuple(p.network_address + 1 for p in network.vpc[vpc].prefixes)
    return VpnGateway(f"{vpc}/vpn-{peering.id}-{n}", vpc, "", public, inside, peering.origin)
