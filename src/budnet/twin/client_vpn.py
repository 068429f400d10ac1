"""A client VPN in a twin: its gateway is the endpoint, and one client stands on the internet with the other end of the tunnel."""

from __future__ import annotations

from ipaddress import ip_network

from budnet.ir.address import single
from budnet.ir.endpoint import Endpoint
from budnet.ir.links import ClientVpn
from budnet.ir.network import Network
from budnet.twin import phrases
from budnet.twin.phrases import Marks
from budnet.twin.plan import Chain, KernelRoute, Rule, Ruleset, Space
from budnet.twin.process import Process
from budnet.twin.servers import hostport, wireguard
from budnet.twin.tools import Tools
from budnet.twin.tunnels import End, Peer, WireGuardEnd, key_pair


def devices(network: Network, vpn: ClientVpn) -> tuple[str, str]:
    """The tunnel's device at the gateway and at the client: no two daemons of a twin have one name."""
    number = network.client_vpns.index(vpn)
    return f"wgs{number}", f"wgc{number}"


def chains(network: Network, vpn: ClientVpn, gateway: Endpoint, marks: Marks) -> tuple[Chain, ...]:
    """At the gateway: what comes out of the tunnel goes on as the gateway's own; nothing else is passed on."""
    device, _ = devices(network, vpn)
    drop = marks.drop("NO_ROUTE", "client-vpn", vpn.id, vpn.origin)
    own = next(a for a in gateway.addresses if a.version == 4)
    passed = (
        Rule("tcp flags syn tcp option maxseg size set rt mtu"),
        Rule("ct state established,related accept"),
        Rule(f'iifname "{device}" oifname "eth0" ip saddr {vpn.pool} ip daddr {phrases.one_of(vpn.routes)} accept', vpn.id),
        Rule(drop, vpn.id),
    )
    return (
        Chain("through", passed, "type filter hook forward priority 0; policy drop"),
        Chain("own", (Rule(f'oifname "eth0" ip saddr {vpn.pool} snat ip to {own}', vpn.id),), "type nat hook postrouting priority 100"),
    )


def client(vpn: ClientVpn) -> Space:
    """A machine on the internet, with nothing but its way out: the tunnel's device and routes come when the tunnel does."""
    return Space(vpn.client_space, "external", (vpn.client,), (KernelRoute(ip_network("0.0.0.0/0"), "eth0"),), ruleset=Ruleset())


def stage(network: Network, vpn: ClientVpn, tools: Tools) -> tuple[list[Process], list[End]]:
    """Both ends, with new keys. Raises Missing."""
    at_gateway, at_client = devices(network, vpn)
    server, person = key_pair(), key_pair()
    inside, theirs = vpn.pool.network_address + 1, vpn.pool.network_address + 2
    public = network.endpoint[vpn.id].public[0]
    processes = [
        wireguard.daemon(tools, name=vpn.id, namespace=vpn.id, device=at_gateway),
        wireguard.daemon(tools, name=vpn.client_space, namespace=vpn.client_space, device=at_client),
    ]
    ends: list[End] = [
        WireGuardEnd(
            vpn.id, vpn.id, at_gateway, server.private, vpn.port, (Peer(person.public, (single(theirs),)),), (inside,), (vpn.pool,)
        ),
        WireGuardEnd(
            vpn.id, vpn.client_space, at_client, person.private, vpn.port,
            (Peer(server.public, vpn.routes, hostport(str(public), vpn.port)),), (theirs,), vpn.routes,
        ),
    ]  # fmt: skip
    return processes, ends
