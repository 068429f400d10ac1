"""TLS: what each port that is written with a profile shows to a neighbour that may reach it.

Predicted from the profile and from what the server that runs there can be told; observed by our own ClientHellos from
inside the namespaces. What else listens beside such a port is asked of the kernel: a second, open door is no TLS question
but a question of TLS.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from budnet.ir.address import Address, Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind, Listener
from budnet.ir.names import TlsProfile
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.probe.answer import Answer
from budnet.probe.predicted import Predicted
from budnet.probe.question import Question
from budnet.probe.truth import Truth
from budnet.tls.enforce import HAPROXY, POSTGRESQL, REDIS, REGISTRY, Server, server_of
from budnet.tls.scan import Seen
from budnet.tls.verdict import compare
from budnet.twin.handshakes import Door
from budnet.twin.lab import Twin

TLS = "tls"
_RUNNING = {"PostgreSQL": POSTGRESQL, "Redis": REDIS, "Valkey": REDIS, "Docker Registry": REGISTRY, "HAProxy": HAPROXY}
"""What speaks, by the name that the twin gives it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A port with a profile, who asks it, and by which of its addresses."""

    source: Endpoint
    target: Endpoint
    listener: Listener
    address: Address
    profile: TlsProfile


def truth(network: Network, twin: Twin) -> Truth:
    """Every port with a profile."""
    table = Truth()
    asked = list(_asked(network))
    servers = _servers(twin)
    doors = []
    for each in asked:
        running = servers.get((each.target.id, each.listener.port))
        names = _names(network, each.target)
        name = next((n for n in names if not n.replace(":", ".").replace(".", "").isdigit()), "")
        starttls = "postgresql" if running is POSTGRESQL else ""
        doors.append(Door(each.source.id, each.target.id, str(each.address), each.listener.port, name, starttls))
    start = time.perf_counter()
    answers = twin.handshakes(doors)
    table.seconds = time.perf_counter() - start
    for each, answer in zip(asked, answers, strict=True):
        ports = [(protocol, port) for protocol, port in answer.pop("ports")]
        server = servers.get((each.target.id, each.listener.port)) or server_of(each.target)
        _rows(table, network, each, server, Seen(**answer), ports)
    return table


def _rows(table: Truth, network: Network, asked: Asked, server: Server, seen: Seen, ports: list[tuple[str, int]]) -> None:
    def add(what: str, wanted: str, found: str, origin: Origin) -> None:
        question = Question(asked.source.id, f"{asked.target.id} {what}", asked.address, Protocol.TCP, asked.listener.port)
        table.add(question, [Answer("DELIVERED", TLS, wanted, origin)], Answer("DELIVERED", TLS, found))

    for row in compare(asked.profile, server, seen, _names(network, asked.target)):
        add(row.what, row.wanted, row.seen, asked.profile.origin if row.about == "profile" else asked.target.origin)
    written = {(x.protocol.name.lower(), x.port) for x in asked.target.listeners}
    add("ports that listen", _text(written), _text(set(ports)), asked.target.origin)


def _text(ports: set[tuple[str, int]]) -> str:
    return ", ".join(f"{port}/{protocol}" for protocol, port in sorted(ports, key=lambda p: (p[1], p[0])))


def _servers(twin: Twin) -> dict[tuple[str, int], Server]:
    """Which kind of server listens where."""
    found = {}
    for server in twin.status()["servers"]:
        kind = next((k for name, k in _RUNNING.items() if server["software"].startswith(name)), HAPROXY)
        for space, _, port in [*((server["space"], *at) for at in server["listens"]), *server["elsewhere"]]:
            found[space, port] = kind
    return found


def _asked(network: Network) -> Iterator[Asked]:
    """Each port once, fronts of links left to their own layer; from the first endpoint that the proof lets through; from itself where it lets nobody."""
    predicted = Predicted(network)
    profiles = {p.id: p for p in network.tls_profiles}
    relays = {end for front in network.fronts for end in (front.near, front.far)}
    for target in (e for e in network.inside if e.id not in relays):
        for listener in target.listeners:
            if listener.profile and listener.protocol is Protocol.TCP and target.addresses:
                source, address = _neighbour(network, predicted, target, listener)
                yield Asked(source, target, listener, address, profiles[listener.profile])


def _neighbour(network: Network, predicted: Predicted, target: Endpoint, listener: Listener) -> tuple[Endpoint, Address]:
    outside = {e.id for e in network.outside}
    for source in sorted(network.endpoints, key=lambda e: e.vpc != target.vpc):
        reachable = (*target.public, *(a for a in target.addresses if a.version == 6)) if source.id in outside else target.addresses
        address = next((a for a in reachable if a.version in {b.version for b in source.addresses}), None)
        if source is target or address is None or not (source.filtered or source.id in outside):
            continue
        answers = predicted(Question(source.id, target.id, address, Protocol.TCP, listener.port))
        if answers[0].disposition == "DELIVERED":
            return source, address
    return target, target.addresses[0]


def _names(network: Network, target: Endpoint) -> list[str]:
    """What the certificate has to be for: public names, the Service's full name, else the address."""
    public = [route.host for route in target.hosts]
    services = [s for s in network.services if target.id in s.backends]
    inside = [f"{s.name}.{s.namespace}.svc.{network.cluster[s.cluster].domain}" for s in services]
    private = [r.name for r in network.records if r.data in map(str, target.addresses)] if target.kind is EndpointKind.LOAD_BALANCER else []
    return list(dict.fromkeys(public or inside or private)) or [str(target.addresses[0])]
