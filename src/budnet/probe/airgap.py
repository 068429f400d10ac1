"""An air gap: nobody gets out, no name outside means anything inside, and who stands in for the outside answers.

Everybody inside tries hosts of every row that the file had, and clients on the internet. Each try has evidence of its own (what dropped
it); and the modelled internet counts what comes in from our networks while they try: nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from ipaddress import ip_address

import dns.exception
import dns.message
import dns.rcode

from budnet.ir.address import Address, Protocol
from budnet.ir.airgap import Airgap
from budnet.ir.endpoint import Endpoint
from budnet.ir.intent import Flow
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.probe import mirror
from budnet.probe.answer import Answer
from budnet.probe.in_twin import InTwin
from budnet.probe.question import Question
from budnet.probe.truth import Truth
from budnet.twin import prober
from budnet.twin.lab import Twin

AIRGAP = "airgap"
STAYS, SAYS_TIME, IS_REGISTRY, NO_ADDRESS = "STAYS", "a time server", "a registry", "no address"
_INTERNET, _CLIENT = "internet", "internet/client"
_NTP_REQUEST = b"\x23" + b"\0" * 47
_NTP_ANSWERS = 4
_OUT = ("DELIVERED", "EXITS", "NOT_LISTENING", "LOST")
"""Fates of packets that got there, and of those whose end nobody saw."""


def truth(network: Network, twin: Twin) -> Truth:
    """Empty where the file has no air gap."""
    table = Truth()
    gap = network.airgap
    if gap is None:
        return table
    before = _arrived(twin)
    _ways_out(network, gap, twin, table)
    arrived = _arrived(twin) - before
    _names(network, gap, twin, table)
    question = Question("any", "internet: packets from inside", _anywhere(network), Protocol.TCP, 0)
    table.add(
        question, [Answer(STAYS, AIRGAP, "0", gap.origin)], Answer(STAYS if not arrived else "EXITS", AIRGAP, str(arrived), gap.origin)
    )
    _time(network, gap, twin, table)
    _registry(network, gap, twin, table)
    if network.bundle is not None and network.bundle.items:
        table.join(mirror.truth(network, gap, twin, next(iter(_pullers(network, gap, twin)), None)))
    return table


def outside(network: Network, gap: Airgap) -> Iterator[tuple[Endpoint, Origin]]:
    """Hosts that rows of the file led to, and a client on the internet."""
    places = {row.origin for row in gap.rows}
    yield from ((e, e.origin) for e in network.outside if e.origin in places)
    if _CLIENT in network.endpoint:
        yield network.endpoint[_CLIENT], gap.origin


def _ways_out(network: Network, gap: Airgap, twin: Twin, table: Truth) -> None:
    """The first host of each row, from everybody."""
    firsts: dict[Origin, Endpoint] = {}
    for host, origin in outside(network, gap):
        firsts.setdefault(origin, host)
    tries: list[tuple[Question, Origin]] = []
    for source in network.inside:
        for origin, host in firsts.items():
            for address in host.addresses:
                if address.version in {a.version for a in source.addresses}:
                    protocol, port = next(((x.protocol, x.port) for x in host.listeners), (Protocol.TCP, 443))
                    tries.append((Question(source.id, host.id, address, protocol, port), origin))
    for number, seen in InTwin(network, twin).ask([q for q, _ in tries]):
        asked, origin = tries[number]
        observed = seen if seen.disposition in _OUT else Answer(STAYS, AIRGAP, asked.source, origin)
        table.add(asked, [Answer(STAYS, AIRGAP, asked.source, origin)], observed)


def _arrived(twin: Twin) -> int:
    """IP packets that the modelled internet has received; what neighbours say to each other (multicast of IPv6) is none of them."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as lines:
        twin.exec(_INTERNET, ["cat", "/proc/net/snmp", "/proc/net/snmp6"], (0, writing, 2))
        os.close(writing)
        words = [line.split() for line in lines]
    four = next((row for row in words if row[0] == "Ip:" and row[1].isdigit()), ())
    names = next((row for row in words if row[0] == "Ip:" and not row[1].isdigit()), ())
    six = {row[0]: int(row[1]) for row in words if row[0].startswith("Ip6")}
    received = int(dict(zip(names, four, strict=True)).get("InReceives", 0))
    return received + six.get("Ip6InReceives", 0) - six.get("Ip6InMcastPkts", 0)


def _names(network: Network, gap: Airgap, twin: Twin, table: Truth) -> None:
    """Every host, asked of the resolver of every network."""
    tries = []
    for vpc in network.vpcs:
        asker = next((e for e in network.inside if e.vpc == vpc.id), None)
        server = network.endpoint.get(f"{vpc.id}/resolver")
        if asker is not None and server is not None:
            tries += [(asker, server, h.id.removeprefix("internet/"), o) for h, o in outside(network, gap) if "." in h.id]
    packets = [
        prober.Question(a.id, str(_common(a, s)), prober.UDP, 53, dns.message.make_query(name, "A").to_wire()) for a, s, name, _ in tries
    ]
    for number, seen in twin.ask(packets):
        asker, server, name, origin = tries[number]
        question = Question(asker.id, f"{server.id} {name}", _common(asker, server), Protocol.UDP, 53)
        said = _read(seen.said) if seen.kind == "open" else seen.kind
        table.add(question, [Answer(STAYS, AIRGAP, NO_ADDRESS, origin)], Answer(STAYS, AIRGAP, said, origin))


def _read(said: bytes) -> str:
    try:
        message = dns.message.from_wire(said)
    except (dns.exception.DNSException, ValueError):
        return "not a DNS answer"
    found = [item.to_text() for row in message.answer for item in row]
    return ", ".join(found) or NO_ADDRESS


def _time(network: Network, gap: Airgap, twin: Twin, table: Truth) -> None:
    """A request of NTP version 4 (RFC 5905, 7.3) from everybody who is let to the time server; our own listener is none."""
    tries = [t for t in _clients(network, gap.time) if t[0].match.protocol is Protocol.UDP and t[2].id in _real(twin)]
    packets = [prober.Question(s.id, str(_common(s, t)), prober.UDP, f.match.ports.first, _NTP_REQUEST) for f, s, t in tries]
    for number, seen in twin.ask(packets):
        flow, source, server = tries[number]
        said = SAYS_TIME if len(seen.said) >= 48 and seen.said[0] & 7 == _NTP_ANSWERS else seen.kind
        question = Question(source.id, server.id, _common(source, server), Protocol.UDP, flow.match.ports.first)
        table.add(question, [Answer("DELIVERED", AIRGAP, SAYS_TIME, flow.origin)], Answer("DELIVERED", AIRGAP, said, flow.origin))


def _registry(network: Network, gap: Airgap, twin: Twin, table: Truth) -> None:
    """`GET /` over TLS, certificate checked, from everybody who pulls from the mirror."""
    tries = _pullers(network, gap, twin)
    names = {b: s.host for s in network.services for b in s.backends}
    pages = [(s.id, str(_common(s, t)), f.match.ports.first, names.get(t.id, str(t.addresses[0]))) for f, s, t in tries]
    for number, said in twin.browse(pages):
        flow, source, server = tries[number]
        question = Question(source.id, server.id, ip_address(pages[number][1]), Protocol.TCP, pages[number][2])
        found = IS_REGISTRY if said == "" else said
        table.add(question, [Answer("DELIVERED", AIRGAP, IS_REGISTRY, flow.origin)], Answer("DELIVERED", AIRGAP, found, flow.origin))


def _pullers(network: Network, gap: Airgap, twin: Twin) -> list[tuple[Flow, Endpoint, Endpoint]]:
    return [t for t in _clients(network, gap.registry) if t[0].transport == "tls" and t[2].id in _real(twin)]


def _clients(network: Network, service: str) -> Iterator[tuple[Flow, Endpoint, Endpoint]]:
    """(flow, who asks, whom): for each source of each flow to a service, its first endpoint."""
    for flow in network.flows:
        if service and flow.destinations.name == service:
            for source in (network.endpoint[i] for i in flow.sources.endpoints):
                for target in (network.endpoint[i] for i in flow.destinations.endpoints[:1]):
                    if source is not target and _share(source, target):
                        yield flow, source, target


def _real(twin: Twin) -> set[str]:
    return {s["id"] for s in twin.facts["servers"]}


def _share(a: Endpoint, b: Endpoint) -> bool:
    return bool({x.version for x in a.addresses} & {x.version for x in b.addresses})


def _common(a: Endpoint, b: Endpoint) -> Address:
    """An address of `b` that `a` can speak to."""
    return next(x for x in b.addresses if x.version in {y.version for y in a.addresses})


def _anywhere(network: Network) -> Address:
    return network.vpcs[0].prefixes[0].network_address
