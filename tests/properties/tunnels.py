"""A Network whose peerings are tunnels."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from budnet.ir.cloud import Peering, Route, TargetKind
from budnet.ir.links import VpnConnection, VpnGateway
from budnet.ir.network import Network


def as_tunnels(network: Network) -> Network:
    """Every peering becomes a WireGuard connection, with gateways at addresses that nothing else in the Network has."""
    vpns = tuple(_connection(network, p, number) for number, p in enumerate(network.peerings))
    tables = tuple(replace(t, routes=tuple(map(_route, t.routes))) for t in network.route_tables)
    return replace(network, peerings=(), vpns=vpns, route_tables=tables)


def _route(route: Route) -> Route:
    return replace(route, target=TargetKind.VPN) if route.target is TargetKind.PEERING else route


def _connection(network: Network, peering: Peering, number: int) -> VpnConnection:
    one, two = (
        VpnGateway(f"{vpc}/vpn-{peering.id}", vpc, ip_address(f"192.0.2.{2 * number + end}"), (), peering.origin)
        for end, vpc in enumerate(peering.between, 1)
    )
    return VpnConnection(peering.id, peering.between, "wireguard", "", (one, two), peering.origin)
