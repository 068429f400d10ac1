"""Which questions a Network raises: every source to every destination, on each port that listens and some that do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from typing import NamedTuple

from budnet.ir import icmp
from budnet.ir.address import Address, Prefix, Protocol
from budnet.ir.endpoint import WIREGUARD, ClusterService, Endpoint, EndpointKind, Listener
from budnet.ir.network import Network

CLOSED: tuple[tuple[Protocol, int], ...] = ((Protocol.TCP, 22), (Protocol.TCP, 443), (Protocol.TCP, 8080), (Protocol.UDP, 161))
"""Asked of every destination that does not listen there: what an intruder tries first."""
CLOSED_OUTSIDE: tuple[tuple[Protocol, int], ...] = ((Protocol.TCP, 80), (Protocol.UDP, 443))


class Question(NamedTuple):
    """May `source` open a connection to `destination` on this port, or ping it, and who answers?"""

    source: str
    destination: str
    """An endpoint's or a Service's id."""
    address: Address
    protocol: Protocol
    port: int
    service: bool = False


Wanted = Callable[[Endpoint, Endpoint], bool]


def questions(network: Network, wanted: Wanted | None = None) -> Iterator[Question]:
    """All of them, or those from a source to a destination that are wanted. In a stable order, about six for each ordered pair."""
    mixed = _mixed(network)
    services = {c.id: [s for s in network.services if s.cluster == c.id] for c in network.clusters}
    for source in (e for e in network.endpoints if is_asker(network, e)):
        families = frozenset(a.version for a in source.addresses)
        for destination in network.endpoints:
            sensible = destination is not source and _sensible(source, destination)
            if sensible and (wanted is None or wanted(source, destination)):
                yield from (
                    Question(source.id, destination.id, *rest)
                    for rest in _direct(families, destination)
                    if not mixed or _told_apart(mixed, source, destination, rest[0])
                )
        for service in services.get(source.cluster, ()):
            if source.id not in service.backends:  # which replica a pod's own Service picks may be itself
                yield from _by_service(source, service)


def is_asker(network: Network, endpoint: Endpoint) -> bool:
    """Everything of ours that a filter can be about, and some outside."""
    return endpoint.filtered or _asks_from_outside(network, endpoint)


def cost(families: frozenset[int], destination: Endpoint) -> int:
    """How many questions somebody with addresses of these families asks about a destination."""
    return sum(1 for _ in _direct(families, destination))


def _asks_from_outside(network: Network, endpoint: Endpoint) -> bool:
    """One client for the internet, and one for each set of addresses."""
    clients = {"internet/client", *(f"internet/{g.name}" for g in network.address_groups)}
    return endpoint.kind is EndpointKind.EXTERNAL and endpoint.id in clients


def _sensible(source: Endpoint, destination: Endpoint) -> bool:
    """The outside is not asked about itself, and what a VPC provides is asked for from inside it."""
    if destination.kind in (EndpointKind.RESOLVER, EndpointKind.METADATA):
        return source.vpc == destination.vpc
    return not (source.kind is EndpointKind.EXTERNAL and destination.kind is EndpointKind.EXTERNAL)


def _mixed(network: Network) -> dict[tuple[str, str], list[Prefix]]:
    """Ranges of one VPC that mean another one where a second VPC's packets go: by (who sends, whose range it is)."""
    reached = {v.id: {v.id} for v in network.vpcs}
    for between in (*(p.between for p in network.peerings), *(v.between for v in network.vpns)):
        for one, other in (between, between[::-1]):
            reached[one].add(other)
    out: dict[tuple[str, str], list[Prefix]] = {}
    for one, other, prefix in _overlaps(network):
        for sender in (v for v, near in reached.items() if other in near and v != one):
            out.setdefault((sender, one), []).append(prefix)
    return out


def _overlaps(network: Network) -> Iterator[tuple[str, str, Prefix]]:
    """(a VPC, another one, a range of the other that overlaps one of the first), both ways round."""
    ranges = sorted(((p, v.id) for v in network.vpcs for p in v.prefixes), key=lambda r: (r[0].version, int(r[0].network_address)))
    for i, (a, one) in enumerate(ranges):
        for b, other in takewhile(lambda r, a=a: r[0].version == a.version and r[0].overlaps(a), ranges[i + 1 :]):  # type: ignore[misc]
            if one != other:
                yield from ((one, other, b), (other, one, a))


def _told_apart(mixed: Mapping[tuple[str, str], list[Prefix]], source: Endpoint, destination: Endpoint, address: Address) -> bool:
    """Whether a packet to one of the destination's addresses means it, and not something with that address in another VPC."""
    taken = mixed.get((source.vpc, destination.vpc), ())
    return not any(address.version == p.version and address in p for p in taken)


def _direct(families: frozenset[int], destination: Endpoint) -> Iterator[tuple[Address, Protocol, int]]:
    outside = destination.kind is EndpointKind.EXTERNAL
    ports = [(x.protocol, x.port) for x in _tried(destination.listeners)]
    closed = CLOSED_OUTSIDE if outside else () if not destination.filtered else CLOSED
    ports += [p for p in closed if p not in ports]
    for address in (*destination.addresses, *destination.public):
        if address.version in families:
            for protocol, port in (*ports, *echo(destination, address)):
                yield address, protocol, port


def echo(destination: Endpoint, address: Address) -> Iterator[tuple[Protocol, int]]:
    """What `ping` sends to an address, if somebody there answers it."""
    if destination.takes_icmp:
        yield Protocol.ICMP if address.version == 4 else Protocol.ICMPV6, icmp.ECHO[address.version]


def _tried(listeners: tuple[Listener, ...]) -> list[Listener]:
    return [x for x in listeners if x.protocol in (Protocol.TCP, Protocol.UDP) and x.transport != WIREGUARD]


def _by_service(source: Endpoint, service: ClusterService) -> Iterator[Question]:
    families = {a.version for a in source.addresses}
    for address in service.addresses:
        if address.version in families:
            for port in service.ports:
                if port.protocol in (Protocol.TCP, Protocol.UDP):
                    yield Question(source.id, service.id, address, port.protocol, port.port, service=True)
