"""Names: what each DNS server answers, and who is behind each external name over HTTPS.

Predicted from the Network's records and host routes, observed by asking the resolvers of the twin and by making a TLS
connection to its load balancers as a browser would: name in SNI and Host, certificate checked against the twin's CA.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

import dns.exception
import dns.message
import dns.rcode

from budnet.ir.address import Address, Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.names import PUBLIC_VIEW, Record
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.probe.answer import Answer
from budnet.probe.question import Question
from budnet.probe.truth import Truth
from budnet.twin import prober
from budnet.twin.lab import Twin

NAMES = "names"
_NONE = "no such name"


def truth(network: Network, twin: Twin) -> Truth:
    """Both kinds of name questions."""
    table = Truth()
    _dns(network, twin, table)
    _https(network, twin, table)
    return table


# ---- DNS --------------------------------------------------------------------------------------------------------------


def _dns(network: Network, twin: Twin, table: Truth) -> None:
    asked = [
        (asker, server, name, kind, answer) for asker, server, view in _views(network) for name, kind, answer in _expected(network, view)
    ]
    packets = []
    for asker, server, name, kind, _ in asked:
        query = dns.message.make_query(name, kind)
        packets.append(prober.Question(asker.id, str(_common(asker, server)), prober.UDP, 53, query.to_wire()))
    answers = dict(twin.ask(packets))
    for number, (asker, server, name, kind, (wanted, origin)) in enumerate(asked):
        question = Question(asker.id, f"{server.id} {name} {kind}", _common(asker, server), Protocol.UDP, 53)
        seen = (
            Answer("DELIVERED", NAMES, _read(answers[number]))
            if answers[number].kind == "open"
            else Answer("LOST", NAMES, answers[number].kind)
        )
        table.add(question, [Answer("DELIVERED", NAMES, wanted, origin)], seen)


def _common(a: Endpoint, b: Endpoint) -> Address:
    """An address of `b` that `a` can speak to."""
    return next(x for x in b.addresses if x.version in {y.version for y in a.addresses})


def _views(network: Network) -> Iterator[tuple[Endpoint, Endpoint, str]]:
    """(who asks, whom, which view): one endpoint in each VPC, and a client on the internet."""
    for vpc in network.vpcs:
        asker = next((e for e in network.inside if e.vpc == vpc.id), None)
        server = network.endpoint.get(f"{vpc.id}/resolver")
        if asker and server:
            yield asker, server, vpc.id
    client, public = network.endpoint.get("internet/client"), network.endpoint.get("internet/name-server")
    if client and public and client.addresses:
        yield client, public, PUBLIC_VIEW


def _expected(network: Network, view: str) -> Iterator[tuple[str, str, tuple[str, Origin]]]:
    """Every name of the view with its answer, and every name that only other views have: of that, none."""
    here: dict[tuple[str, str], list[Record]] = {}
    for record in network.records:
        if record.view == view:
            here.setdefault((record.name, record.kind), []).append(record)
    for (name, kind), records in here.items():
        yield name, kind, (", ".join(sorted(r.data for r in records)), records[0].origin)
    known = {name for name, _ in here}
    elsewhere = {r.name: r for r in network.records if r.name not in known and r.kind in ("A", "AAAA")}
    for name, record in elsewhere.items():
        yield name, record.kind, (_NONE, record.origin)


def _read(observed: prober.Observed) -> str:
    """The data of an answer, sorted; or that there is none. A name of another view may not exist or be refused."""
    try:
        message = dns.message.from_wire(observed.said)
    except (dns.exception.DNSException, ValueError):
        return "not a DNS answer"
    if message.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN, dns.rcode.REFUSED):
        return dns.rcode.to_text(message.rcode())
    data = sorted(str(item).rstrip(".") for rrset in message.answer for item in rrset)
    return ", ".join(data) or _NONE


# ---- HTTPS ------------------------------------------------------------------------------------------------------------


def _https(network: Network, twin: Twin, table: Truth) -> None:
    real = {s["id"] for s in twin.status()["servers"]}
    balancers = [e for e in network.endpoints if e.kind is EndpointKind.LOAD_BALANCER and e.id in real]
    client = network.endpoint.get("internet/client")
    asked = []
    for balancer in balancers:
        port = next((x.port for x in balancer.listeners if x.transport == "tls"), None)
        address = next((a for a in balancer.public), None)
        if port and address and client:
            asked += [(client, balancer, route, str(address), port) for route in balancer.hosts]
    for number, said in twin.browse([(c.id, address, port, route.host) for c, _, route, address, port in asked]):
        source, _, route, at, port = asked[number]
        question = Question(source.id, f"https://{route.host}", ip_address(at), Protocol.TCP, port)
        wanted = [Answer("DELIVERED", NAMES, b, route.origin) for b in route.backends]
        table.add(question, wanted, Answer("DELIVERED", NAMES, said))
