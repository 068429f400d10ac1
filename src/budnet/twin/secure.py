"""Which servers of the twin speak TLS, as which profile says; and a front for those that cannot do it themselves."""

from __future__ import annotations

from collections.abc import Callable, Collection

from budnet.ir.address import Protocol
from budnet.ir.endpoint import Endpoint
from budnet.ir.network import Network
from budnet.tls.enforce import DEFAULT, Setting, enforce, server_of
from budnet.twin.servers import Certificate
from budnet.twin.servers.tls_ports import Door

Taken = Collection[tuple[str, str, int]]
"""(namespace, protocol, port) on which a real server listens."""


def setting(network: Network, endpoint: Endpoint, profile: str = "") -> Setting:
    """What the server at an endpoint is told: by this profile, or that of its first port with one."""
    name = profile or _profile(endpoint)
    found = next((p for p in network.tls_profiles if p.id == name), None)
    return enforce(found, server_of(endpoint))[0] if found else DEFAULT


def ask_clients(network: Network) -> bool:
    """Whether any server wants to see a client's certificate."""
    asking = {p.id for p in network.tls_profiles if p.clients}
    return any(x.profile in asking for e in network.endpoints for x in e.listeners)


def doors(network: Network, taken: Taken, certificate: Callable[[Endpoint], Certificate | None]) -> list[Door]:
    """Every TCP port with a profile on which no software of its own listens; fronts of links pass on."""
    out = []
    relays = {end for front in network.fronts for end in (front.near, front.far)}
    for endpoint in (e for e in network.inside if e.id not in relays):
        ports = [x for x in endpoint.listeners if x.profile and x.protocol is Protocol.TCP and (endpoint.id, "tcp", x.port) not in taken]
        own = certificate(endpoint) if ports and endpoint.addresses else None
        if own is not None:
            out += [Door(endpoint.id, x.port, own, setting(network, endpoint, x.profile)) for x in ports]
    return out


def _profile(endpoint: Endpoint) -> str:
    return next((x.profile for x in endpoint.listeners if x.profile), "")
