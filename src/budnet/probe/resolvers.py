"""DNS: what each name server answers, asked in each view from inside it.

Every record of a view is asked for, every name that only other views have, names that have no data of a kind or only
names below them, and a name in each zone that nobody has; some in capitals and some over TCP. Answers are compared with
`reach/resolution.py`: what it is (RFC 2308: there, without data, or no such name), what it says, and how long it may be kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

from budnet.ir.address import Address, Protocol
from budnet.ir.endpoint import Endpoint
from budnet.ir.names import PUBLIC_VIEW
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.probe.answer import Answer
from budnet.probe.question import Question
from budnet.probe.truth import Truth
from budnet.reach.resolution import Reply, View
from budnet.twin import prober
from budnet.twin.lab import Twin
from budnet.twin.prober import Observed

DNS = "dns"
PAYLOAD = 1232
"""Bytes that an answer over UDP may have (DNS Flag Day 2020)."""
_NOBODY = "nobody-is-called-this"
_CAPITALS, _TCP = 7, 20
"""One answer in so many is asked for once more in capitals, and over TCP."""
_AT_ONCE = 120
"""So many questions at a time to one server: more fill the queues of its sockets, and what is lost is waited for."""


class Query(NamedTuple):
    """One question of DNS in one view."""

    asker: Endpoint
    server: Endpoint
    view: View
    name: str
    kind: str
    stream: bool = False
    origin: Origin | None = None
    """Of the record, in this view or another, that made us ask."""


def truth(network: Network, twin: Twin) -> Truth:
    """All views in one table."""
    table = Truth()
    asked = [list(queries(network, *each)) for each in views(network)]
    for start in range(0, max(map(len, asked), default=0), _AT_ONCE):
        part = [query for each in asked for query in each[start : start + _AT_ONCE]]
        for number, seen in twin.ask(_packet(q) for q in part):
            _compare(table, part[number], seen)
    return table


def views(network: Network) -> Iterator[tuple[Endpoint, Endpoint, View]]:
    """(who asks, whom, which view): one endpoint in each VPC, and a client on the internet."""
    for vpc in network.vpcs:
        asker = next((e for e in network.inside if e.vpc == vpc.id), None)
        server = network.endpoint.get(f"{vpc.id}/resolver")
        if asker and server:
            yield asker, server, View(network, vpc.id)
    client, public = network.endpoint.get("internet/client"), network.endpoint.get("internet/name-server")
    if client and public and client.addresses:
        yield client, public, View(network, PUBLIC_VIEW)


def queries(network: Network, asker: Endpoint, server: Endpoint, view: View) -> Iterator[Query]:
    """What is asked of one name server."""
    there = [(name, kind) for name, rows in view.records.items() for kind in dict.fromkeys(r.kind for r in rows)]
    for number, (name, kind) in enumerate(there):
        yield Query(asker, server, view, name, kind)
        if number % _CAPITALS == 0:
            yield Query(asker, server, view, name.upper(), kind)
        if number % _TCP == 0:
            yield Query(asker, server, view, name, kind, stream=True)
    for name, rows in view.records.items():
        kinds = {r.kind for r in rows}
        yield from (Query(asker, server, view, name, kind) for kind in _others(kinds))
    yield from (Query(asker, server, view, name, "A") for name in sorted(view.between))
    forward = [z for z in view.zones if not z.endswith(".arpa")]
    yield from (Query(asker, server, view, f"{_NOBODY}.{zone}", "A") for zone in forward)
    known = {*view.records, *view.between}
    elsewhere = {r.name: r for r in network.records if r.name not in known and r.kind != "PTR"}
    yield from (Query(asker, server, view, r.name, r.kind, origin=r.origin) for r in elsewhere.values())


def _others(kinds: set[str]) -> Iterator[str]:
    """A kind of which a name has no data. An alias has what it stands for."""
    if "CNAME" in kinds:
        yield "A"
    elif "PTR" not in kinds:
        yield next(kind for kind in ("AAAA", "A", "TXT") if kind not in kinds)


def _packet(query: Query) -> prober.Question:
    wire = dns.message.make_query(query.name, query.kind, use_edns=0, payload=PAYLOAD).to_wire()
    said = len(wire).to_bytes(2, "big") + wire if query.stream else wire
    return prober.Question(query.asker.id, str(_common(query)), prober.TCP if query.stream else prober.UDP, 53, said)


def _common(query: Query) -> Address:
    """An address of the server that who asks can speak to."""
    return next(x for x in query.server.addresses if x.version in {y.version for y in query.asker.addresses})


def _compare(table: Truth, query: Query, seen: Observed) -> None:
    reply = query.view.reply(query.name, query.kind)
    protocol = Protocol.TCP if query.stream else Protocol.UDP
    question = Question(query.asker.id, f"{query.server.id} {query.name} {query.kind}", _common(query), protocol, 53)
    answer = Answer("DELIVERED", DNS, read(seen.said, query, reply)) if seen.kind == "open" else Answer("LOST", DNS, seen.kind)
    table.add(question, [Answer("DELIVERED", DNS, expected(reply), query.origin or reply.origin)], answer)


def expected(reply: Reply) -> str:
    """A reply in words that an observed one can be compared with."""
    return ", ".join([reply.rcode, *sorted(f"{kind} {data}" for _, kind, data, _ in reply.answers)])


def read(said: bytes, query: Query, reply: Reply) -> str:
    """What came back, in the same words. What was cut off, and is no different as far as it goes, is as expected."""
    try:
        message = dns.message.from_wire(said[2:] if query.stream else said)
    except (dns.exception.DNSException, ValueError):
        return "not a DNS answer"
    rows = [(row, kind, text) for row in message.answer for kind, text in texts(row)]
    longest = {(name, kind): ttl for name, kind, _, ttl in reply.answers}
    words = {f"{kind} {text}" for _, kind, text in rows}
    if message.flags & dns.flags.TC and words <= {f"{kind} {data}" for _, kind, data, _ in reply.answers}:
        return expected(reply)
    late = [
        f"kept {row.ttl} s, not {bound}"
        for row, kind, _ in rows
        if (bound := longest.get((row.name.to_text(omit_final_dot=True).lower(), kind))) is not None and row.ttl > bound
    ]
    return ", ".join([dns.rcode.to_text(message.rcode()), *sorted(words), *sorted(set(late))])


def texts(row: dns.rrset.RRset) -> Iterator[tuple[str, str]]:
    """(kind, data) of each record, as the Network spells data: in small letters without the final dot, texts without quotes."""
    kind = dns.rdatatype.to_text(row.rdtype)
    for item in row:
        text = item.to_text()
        yield kind, text.strip('"') if kind == "TXT" else " ".join(part.rstrip(".") for part in text.lower().split(" "))
