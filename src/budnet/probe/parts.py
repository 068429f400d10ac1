"""What a design promises when a part of it is lost, and whether it is kept: NETWORK -> parts, promises; account -> verdict.

A promise is read off the Network. Where others stand in for the part, under the same name, clients go on to them: only
requests that were on their way may fail, so none that begins later than a deadline after the loss. Where nobody does, what
the part carries fails while it is away, and comes back by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from budnet.ir.address import Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind, Listener
from budnet.ir.links import VpnConnection
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.pki.plan import presented
from budnet.twin.drilling import DNS, HTTPS, PLAIN, TLS, Request
from budnet.twin.handshake import POSTGRESQL

VPN, BALANCER, RESOLVER = "VPN gateway", "load balancer", "resolver"
DEADLINE = 1.0
"""Seconds that a client waits for its answer."""
START, EXCHANGE = 3.0, 3.0
"""Seconds: for a process to start again, and for a tunnel's two ends to agree anew (a second, and the repetitions of IKE)."""
_MOST = 64
"""So many different requests are enough for one part."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that can be lost, with the requests that cross it. `others` stand in for it."""

    node: str
    kind: str
    others: tuple[str, ...]
    requests: tuple[Request, ...]
    origin: Origin

    @property
    def limit(self) -> float:
        """Seconds: of errors after the loss where others stand in, else until it is back after its return."""
        return DEADLINE if self.others else START + (EXCHANGE if self.kind == VPN else 0)

    @property
    def promise(self) -> str:
        """In words."""
        if self.others:
            return f"keeps working: at most {self.limit:g} s of errors ({', '.join(self.others)} beside it)"
        return f"fails, and is back within {self.limit:g} s of its return (nothing stands in for it)"

    def broken(self, account: Mapping[str, Any]) -> str:
        """In which way an account does not keep the promise; empty where it does."""
        if account["failed_before"]:
            return "requests failed before anything was lost"
        if self.others:
            if (account["last_failure"] or 0) > self.limit:
                return f"requests that began {account['last_failure']:g} s after the loss failed"
        elif not account["failed_away"]:
            return "nothing failed while it was away, so something stands in for it that the file does not say"
        elif account["recovered_after_return"] is None:
            return "it did not come back"
        elif account["recovered_after_return"] > self.limit:
            return f"it was back after {account['recovered_after_return']:g} s"
        return ""


def parts(network: Network) -> list[Part]:
    """One VPN gateway of each connection, one balancer of each service, each resolver: those that requests cross."""
    found = [gateway(network, v, v.gateways[0].id) for v in network.vpns]
    for kind in (EndpointKind.LOAD_BALANCER, EndpointKind.RESOLVER):
        first = {(e.vpc, e.service): e for e in reversed(network.endpoints) if e.kind is kind}
        found += [endpoint(network, e) for e in reversed(first.values())]
    return [p for p in found if p.requests]


def part(network: Network, node: str) -> Part | None:
    """The part of this name; None where there is none."""
    for connection in network.vpns:
        if node in (g.id for g in connection.gateways):
            return gateway(network, connection, node)
    found = network.endpoint.get(node)
    return endpoint(network, found) if found else None


def gateway(network: Network, connection: VpnConnection, node: str) -> Part:
    """A gateway of a VPN; a connection has one tunnel, so nothing stands in for it."""
    ends = set(connection.between)
    across = (r for s in network.inside for r in _asked(network, [s], crossing=ends))
    return Part(node, VPN, (), tuple(islice(across, _MOST)), connection.origin)


def endpoint(network: Network, lost: Endpoint) -> Part:
    """An endpoint, with those of its service in the same network beside it."""
    if lost.kind is EndpointKind.RESOLVER:
        return Part(lost.id, RESOLVER, (), tuple(islice(_questions(network, lost), _MOST)), lost.origin)
    alike = [e for e in network.inside if (e.vpc, e.service, e.kind) == (lost.vpc, lost.service, lost.kind) and e.service] or [lost]
    kind = BALANCER if lost.kind is EndpointKind.LOAD_BALANCER else lost.kind.value
    others = tuple(e.id for e in alike if e is not lost)
    return Part(lost.id, kind, others, tuple(islice(_asked(network, alike), _MOST)), lost.origin)


def _asked(network: Network, servers: list[Endpoint], crossing: set[str] | None = None) -> Iterator[Request]:
    """What the flows let clients ask of servers that are alike; with `crossing`, only from one of two VPCs to the other."""
    first = servers[0]
    for flow in network.flows:
        if flow.link or flow.via or first.id not in flow.destinations.endpoints:
            continue
        for source in (network.endpoint[s] for s in flow.sources.endpoints if s in network.endpoint):
            if source in servers or (crossing is not None and {source.vpc, first.vpc} != crossing):
                continue
            addresses = tuple(a for s in servers for a in _address(source, s))
            for listener in first.listeners if addresses else ():
                ports = flow.match.ports
                if listener.protocol is Protocol.TCP and ports.first <= listener.port <= ports.last and not listener.loopback:
                    yield from _to(network, source, first, addresses, listener)


def _address(source: Endpoint, server: Endpoint) -> list[str]:
    at = server.public if source.kind is EndpointKind.EXTERNAL and server.public else server.addresses
    families = {a.version for a in source.addresses}
    return [str(a) for a in at if a.version in families][:1]


def _to(network: Network, source: Endpoint, server: Endpoint, addresses: tuple[str, ...], listener: Listener) -> Iterator[Request]:
    if listener.transport != "tls":
        if listener.transport in ("plaintext", "ssh"):
            yield Request(source.id, PLAIN, addresses, listener.port, server.service)
        return
    if server.hosts:
        for host in server.hosts:
            yield Request(source.id, HTTPS, addresses, listener.port, host.host.replace("*", "www", 1))
        return
    kind = POSTGRESQL if server.software == "postgresql" else TLS
    for one in presented(network, server)[:1]:
        yield Request(source.id, kind, addresses, listener.port, one.names[0])


def _questions(network: Network, resolver: Endpoint) -> Iterator[Request]:
    """Every name with an IPv4 address that the view has, from each of its clients in turn."""
    clients = [e for e in network.inside if e.vpc == resolver.vpc and e.kind in (EndpointKind.POD, EndpointKind.HOST)]
    names = list(dict.fromkeys(r.name for r in network.records if r.view == resolver.vpc and r.kind == "A"))
    for number, name in enumerate(names if clients else ()):
        client = clients[number % len(clients)]
        if at := _address(client, resolver):
            yield Request(client.id, DNS, tuple(at), 53, name)
