"""What a design promises when a part of it is lost, and whether it is kept: NETWORK -> parts, promises; account -> verdict.

A promise is read off the Network. Where others stand in for the part, under the same name, clients go on to them: only
requests that were on their way may fail, so none that begins later than a deadline after the loss. Where another tunnel of
the same VPN does, it has to be seen first that the one is down. Where nobody does, what the part carries fails while it is
away, and comes back by itself. A tunnel comes back in any case, or nothing would stand in for the other one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from budnet.ir.address import Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind, Listener
from budnet.ir.links import VpnConnection
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.pki.plan import presented
from budnet.twin.bfd import DETECTION
from budnet.twin.drilling import DNS, HTTPS, PLAIN, TLS, Request
from budnet.twin.handshake import POSTGRESQL

VPN, BALANCER, RESOLVER = "VPN gateway", "load balancer", "resolver"
DEADLINE = 1.0
"""Seconds that a client waits for its answer."""
START, EXCHANGE = 3.0, 3.0
"""Seconds: for a process to start again, and for a tunnel's two ends to agree anew (the other end gives the lost one up after DPD
and its repetitions, and begins)."""
_MOST = 64
"""So many different requests are enough for one part."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that can be lost, with the requests that cross it. `others` stand in for it."""

    nodes: tuple[str, ...]
    """Lost together."""
    kind: str
    others: tuple[str, ...]
    requests: tuple[Request, ...]
    origin: Origin

    @property
    def name(self) -> str:
        """As `drill --part` takes it."""
        return "+".join(self.nodes)

    @property
    def limit(self) -> float:
        """Seconds: of errors after the loss where others stand in, else until it is back after its return."""
        if self.others:
            return DEADLINE + (DETECTION if self.kind == VPN else 0)
        return self.back

    @property
    def back(self) -> float:
        """Seconds until it is as it was, after its return."""
        return START + (EXCHANGE if self.kind == VPN else 0)

    @property
    def promise(self) -> str:
        """In words."""
        if self.others:
            return f"keeps working: at most {self.limit:g} s of errors ({', '.join(self.others)} beside it)"
        its, it = ("their", "them") if len(self.nodes) > 1 else ("its", "it")
        return f"fails, and is back within {self.limit:g} s of {its} return (nothing stands in for {it})"

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
        if self.kind == VPN and account["restored_after_return"] is None:
            return "its tunnel did not come up again"
        return ""


def parts(network: Network) -> list[Part]:
    """Of each VPN the first gateway at either end, and all of one end together; one balancer of each service, each resolver:
    those that requests cross."""
    found = [gateways(network, v, lost) for v in network.vpns for lost in _lost(v)]
    for kind in (EndpointKind.LOAD_BALANCER, EndpointKind.RESOLVER):
        first = {(e.vpc, e.service): e for e in reversed(network.endpoints) if e.kind is kind}
        found += [endpoints(network, [e]) for e in reversed(first.values())]
    return [p for p in found if p.requests]


def part(network: Network, name: str) -> Part | None:
    """The part of this name, NODE or NODE+NODE for several that stand in for each other; None where there is none."""
    nodes = dict.fromkeys(name.split("+"))
    for connection in network.vpns:
        if set(nodes) <= {g.id for g in connection.gateways}:
            return gateways(network, connection, tuple(nodes))
    found = [network.endpoint[n] for n in nodes if n in network.endpoint]
    alike = {(e.vpc, e.service, e.kind) for e in found}
    return endpoints(network, found) if len(found) == len(nodes) and len(alike) == 1 else None


def _lost(connection: VpnConnection) -> Iterator[tuple[str, ...]]:
    one, other = (tuple(g.id for g in connection.at(vpc)) for vpc in connection.between)
    return iter(dict.fromkeys((one[:1], other[:1], one)))


def gateways(network: Network, connection: VpnConnection, lost: tuple[str, ...]) -> Part:
    """Gateways of a VPN. Those of its other tunnels stand in: with either of its ends a tunnel is lost."""
    ends = set(connection.between)
    across = (r for s in network.inside for r in _asked(network, [s], crossing=ends))
    home = next(g.vpc for g in connection.gateways if g.id in lost)
    others = tuple(t.gateway(home).id for t in connection.tunnels if not any(g.id in lost for g in t.gateways))
    return Part(lost, VPN, others, tuple(islice(across, _MOST)), connection.origin)


def endpoints(network: Network, lost: Sequence[Endpoint]) -> Part:
    """Endpoints of one service, with the others of it in the same network beside them."""
    nodes, first = tuple(e.id for e in lost), lost[0]
    if first.kind is EndpointKind.RESOLVER:
        return Part(nodes, RESOLVER, (), tuple(islice(_questions(network, first), _MOST)), first.origin)
    alike = [e for e in network.inside if (e.vpc, e.service, e.kind) == (first.vpc, first.service, first.kind) and e.service] or [first]
    kind = BALANCER if first.kind is EndpointKind.LOAD_BALANCER else first.kind.value
    others = tuple(e.id for e in alike if e not in lost)
    return Part(nodes, kind, others, tuple(islice(_asked(network, alike), _MOST)), first.origin)


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
