"""Ways in for people: a service of kind `client-vpn` is the gateway, and what its clients may do is what flows say of it."""

from __future__ import annotations

from budnet.ir.address import Address, Prefix, Protocol
from budnet.ir.endpoint import Endpoint
from budnet.ir.links import ROUTED, ClientVpn
from budnet.model.service import Service
from budnet.resolve.draft import Draft
from budnet.source.document import Path
from budnet.source.text import quoted

UNKNOWN_CLIENTS, NO_PUBLIC_ADDRESS, ONE_PORT, POOL_TAKEN, POOL_SMALL, NO_ADDRESS = "R231", "R232", "R233", "R234", "R235", "R236"


def client_vpns(draft: Draft) -> None:
    """The pass."""
    for name, service in draft.topology.services.items():
        if service.kind == "client-vpn" and _check(draft, name, service):
            for endpoint in draft.endpoints_of(name):
                _client_vpn(draft, name, service, endpoint)


def _check(draft: Draft, name: str, service: Service) -> bool:
    before, path = len(draft.diagnostics), ("services", name)
    if service.clients not in draft.topology.addresses:
        known = list(draft.topology.addresses)
        help = draft.suggest(str(service.clients), known) or "name a set of `addresses`: where these people come from"
        draft.error(UNKNOWN_CLIENTS, f"there is no set of addresses {quoted(str(service.clients))}", (*path, "clients"), help)
    if any(not e.public for e in draft.endpoints_of(name)):
        draft.error(NO_PUBLIC_ADDRESS, f"'{name}' has no public address for its clients to connect to", (*path, "subnet"),
                    "put it into a public IPv4 subnet")  # fmt: skip
    if len(service.ports) != 1 or any(p.port.protocol is not Protocol.UDP for p in service.ports.values()):
        draft.error(ONE_PORT, f"'{name}' needs one UDP port for its tunnel", (*path, "ports") if service.ports else path,
                    "write `ports: {tunnel: 51820/udp}`", key=not service.ports)  # fmt: skip
    assert service.pool is not None, "the model asks for it"
    _pool(draft, service.pool, (*path, "pool"))
    return len(draft.diagnostics) == before


def _pool(draft: Draft, pool: Prefix, path: Path) -> None:
    if pool.version != 4 or pool.num_addresses < 4:
        draft.error(
            POOL_SMALL, f"{pool} cannot be the addresses inside a tunnel", path, "take an IPv4 range of /30 or wider, such as 10.250.0.0/24"
        )
    for vpc in draft.vpcs:
        if any(p.version == pool.version and p.overlaps(pool) for p in vpc.prefixes):
            draft.error(POOL_TAKEN, f"{pool} overlaps network '{vpc.id}'", path, "take a range outside every network",
                        (("the network's range", ("networks", vpc.id, "cidr")),))  # fmt: skip


def _client_vpn(draft: Draft, name: str, service: Service, endpoint: Endpoint) -> None:
    assert service.pool is not None
    client = _client(draft, endpoint, draft.topology.addresses[str(service.clients)])
    if client is None:
        draft.error(NO_ADDRESS, f"'{service.clients}' has no IPv4 address left for a client of '{name}'", ("services", name, "clients"),
                    "widen the set")  # fmt: skip
        return
    linked = {v for x in draft.links if x.method in ROUTED and endpoint.vpc in x.between for v in x.between} | {endpoint.vpc}
    routes = tuple(p for v in draft.vpcs if v.id in linked for p in v.prefixes if p.version == 4)
    port = endpoint.listeners[0].port
    origin = draft.origin("services", name)
    draft.client_vpns.append(ClientVpn(endpoint.id, str(service.clients), port, service.pool, client, routes, origin))


def _client(draft: Draft, endpoint: Endpoint, prefixes: list[Prefix]) -> Address | None:
    """An address of the set that no other client in the model has; from the end, as others come from the beginning."""
    for prefix in (p for p in prefixes if p.version == 4):
        for step in range(2, min(prefix.num_addresses, 64)):
            address = prefix.network_address + (prefix.num_addresses - step)
            if draft.pins.fix(f"{endpoint.id}/client", address) is None:
                return address
    return None
