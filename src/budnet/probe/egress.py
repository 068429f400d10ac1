"""Egress by name: who resolves what, and what becomes of a connection under the right name, a wrong one, and none.

Predicted by the prover from the lists of resolvers and filters; observed with real look-ups, real ClientHellos and real NTP.
Every refusal has its evidence: the resolver's answer, a packet in a filter's log, or the SNI filter's own log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

import dns.exception
import dns.message
import dns.rcode

from budnet.catalog.egress import hosts
from budnet.ir.address import Address, Protocol
from budnet.ir.endpoint import Endpoint
from budnet.ir.filters import HostName
from budnet.ir.network import Network
from budnet.probe.answer import Answer
from budnet.probe.hello import client_hello
from budnet.probe.in_twin import InTwin
from budnet.probe.question import Question
from budnet.probe.truth import Truth
from budnet.reach.egress import Names
from budnet.reach.engine import Engine
from budnet.reach.path import Call, path
from budnet.reach.points import Point
from budnet.reach.trace import judge
from budnet.twin import prober
from budnet.twin.lab import Twin
from budnet.twin.prober import Observed

EGRESS = "egress"
STRANGERS = ("not-on-any-list.example", "hf.co.not-on-any-list.example", "localhost.localdomain")
"""Names that nobody allows; the second one has an allowed name in front."""
_TLS, _QUIC, _DOT = (Protocol.TCP, 443), (Protocol.UDP, 443), (Protocol.TCP, 853)
_NTP = (Protocol.UDP, 123)
_NTP_PACKET = b"\x23" + b"\0" * 47


@dataclass(frozen=True, slots=True)
class Try:
    """A connection of `source` to `host` at `address`, saying `says` where it is TLS."""

    source: str
    host: str
    address: Address
    protocol: Protocol
    port: int
    says: str = ""

    @property
    def question(self) -> Question:
        """As a table shows it."""
        under = f" as {self.says or 'nobody'}" if (self.protocol, self.port) == _TLS and self.says != self.host else ""
        return Question(self.source, f"internet/{self.host}{under}", self.address, self.protocol, self.port)

    @property
    def packet(self) -> prober.Question:
        """What is sent."""
        payload = client_hello(self.says) if (self.protocol, self.port) == _TLS else _NTP_PACKET if self.port == 123 else b"\n"
        return prober.Question(self.source, str(self.address), self.protocol.value, self.port, payload)


def truth(network: Network, twin: Twin) -> Truth:
    """Look-ups first, then connections."""
    table, engine = Truth(), Engine(network)
    _look_ups(network, engine.names, twin, table)
    observer = InTwin(network, twin)
    tries = [t for t in _tries(network, engine.names) if observer.reads_names or t.says == t.host]
    answers = dict(twin.ask(t.packet for t in tries))
    for number, each in enumerate(tries):
        table.add(each.question, [_predicted(engine, each)], _observed(observer, each, answers[number]))
    _pages(network, engine, twin, table)
    return table


# ---- look-ups -----------------------------------------------------------------------------------------------------------


def _look_ups(network: Network, names: Names, twin: Twin, table: Truth) -> None:
    """At every VPC's resolver: every modelled name outside, one label more than is meant, and names of nobody."""
    asked = [row for vpc in network.vpcs for row in _look_ups_in(network, names, vpc.id)]
    packets = [
        prober.Question(a.id, str(_common(a, r)), prober.UDP, 53, dns.message.make_query(n, _kind(r)).to_wire()) for a, r, n in asked
    ]
    for number, seen in twin.ask(packets):
        asker, resolver, name = asked[number]
        listed = network.dns_filter.get(asker.vpc)
        refused = Answer("DENIED_OUT", "dns-filter", listed.id if listed else "", listed.origin if listed else None)
        known = Answer("DELIVERED", "dns-filter", name)
        question = Question(asker.id, f"{resolver.id} {name}", _common(asker, resolver), Protocol.UDP, 53)
        table.add(question, [known if names.looked_up(asker.vpc, name) else refused], _heard(seen, known, refused))


def _look_ups_in(network: Network, names: Names, vpc: str) -> Iterator[tuple[Endpoint, Endpoint, str]]:
    asker, resolver = next((e for e in network.inside if e.vpc == vpc), None), network.endpoint.get(f"{vpc}/resolver")
    if asker is None or resolver is None or vpc not in network.dns_filter:
        return
    modelled = _hosts(network)
    deeper = [d for f in network.dns_filters for rule in f.rules for n in rule.names for d in _beyond(n)]
    for name in dict.fromkeys((*modelled, *deeper, *STRANGERS)):
        if name in modelled or not names.looked_up(vpc, name):
            yield asker, resolver, name


def _heard(seen: Observed, known: Answer, refused: Answer) -> Answer:
    try:
        message = dns.message.from_wire(seen.said)
    except (dns.exception.DNSException, ValueError):
        return Answer("LOST", "dns-filter", seen.kind)
    if message.answer:
        return known
    return (
        refused
        if message.rcode() in (dns.rcode.REFUSED, dns.rcode.NXDOMAIN)
        else Answer("LOST", "dns-filter", dns.rcode.to_text(message.rcode()))
    )


# ---- connections --------------------------------------------------------------------------------------------------------


def _tries(network: Network, names: Names) -> Iterator[Try]:
    """From everybody in an egress row, and from one in each VPC who is in none, to the hosts that stand for each row."""
    stand_for = {row: _representatives(network, row) for row in dict.fromkeys(_row(r.id) for f in network.egress_filters for r in f.rules)}
    for filter_ in network.egress_filters:
        senders = dict.fromkeys(s for rule in filter_.rules for s in rule.sources)
        silent = next((e.id for e in network.inside if e.vpc == filter_.vpc and e.id not in senders), None)
        for sender in (*senders, *([silent] if silent else [])):
            mine = {_row(r.id) for r in filter_.rules if sender in r.sources}
            tried = dict.fromkeys(h for row, found in stand_for.items() for h in found[: None if row in mine else 1])
            for host in tried:
                yield from _to(network, names, sender, host, any(host in stand_for[row] for row in mine))


def _to(network: Network, names: Names, sender: str, host: str, mine: bool) -> Iterator[Try]:
    """Under its own name; where the sender has something to do with it, under others and past the filters, too."""
    source, target = network.endpoint[sender], network.endpoint[f"internet/{host}"]
    serves = {(x.protocol, x.port) for x in target.listeners}
    for address in target.addresses:
        if address.version not in {a.version for a in source.addresses}:
            continue
        if _NTP in serves:
            yield Try(sender, host, address, *_NTP, says=host)
        if _TLS not in serves:
            continue
        yield Try(sender, host, address, *_TLS, says=host)
        if mine:
            for name in _other_names(network, names, source.vpc, sender, host):
                yield Try(sender, host, address, *_TLS, says=name)
            yield from (Try(sender, host, address, *way, says=host) for way in (_QUIC, _DOT))


def _other_names(network: Network, names: Names, vpc: str, sender: str, host: str) -> list[str]:
    """None; one of the sender's others; one of somebody else's; one deeper than is meant; one of nobody."""
    rules = network.sni_filter[vpc].rules if vpc in network.sni_filter else ()
    own = [n for r in rules if sender in r.sources for n in r.names]
    others = [n for r in rules if sender not in r.sources for n in r.names if n not in own and n.apex]
    deeper = [d for n in own for d in _beyond(n)]
    also = [n.name for n in own if n.apex and n.name != host]
    return ["", *also[:1], *(n.name for n in others[:1]), *deeper[:1], STRANGERS[0]]


def _representatives(network: Network, row: str) -> list[str]:
    """Of a row two names, and for each name that means more the hosts below it."""
    rule = next(r for f in network.egress_filters for r in f.rules if _row(r.id) == row)
    modelled = _hosts(network)
    below = [h for n in rule.names if n.depth for h in modelled if h != n.name and h.endswith(f".{n.name}")]
    return list(dict.fromkeys([*[n.name for n in rule.names if n.name in modelled][:2], *below]))


def _predicted(engine: Engine, each: Try) -> Answer:
    source = _point(engine, each.source, each.address.version)
    target = next(p for p in engine.interfaces[f"internet/{each.host}"] if p.address == each.address)
    verdict = judge(engine, path(engine, source, target, call=Call("", each.says)), engine.alphabet.bit(each.protocol, each.port))
    reason = verdict.reason
    return Answer(verdict.disposition.value, reason.layer, reason.object, reason.origin)


def _observed(observer: InTwin, each: Try, seen: Observed) -> Answer:
    if seen.kind == "open" and (each.protocol, each.port) == _TLS:
        return observer.told(each.source, f"internet/{each.host}", str(each.address), each.says, seen.said)
    found = observer.plainly(f"internet/{each.host}", seen)
    # the filter is written where its VPC is; what it should have let through says more
    return found._replace(origin=None) if found.layer == "egress-filter" else found


# ---- whole connections ----------------------------------------------------------------------------------------------------


def _pages(network: Network, engine: Engine, twin: Twin, table: Truth) -> None:
    """For every row one HTTPS request to its end, certificate checked."""
    if not any(s["id"] == "outside-hosts" for s in twin.status()["servers"]):
        return
    tries: dict[str, Try] = {}
    for filter_ in network.sni_filters:
        for rule in filter_.rules:
            for host in _representatives(network, _row(rule.id))[:1] if rule.names else ():
                source, target = network.endpoint[rule.sources[0]], network.endpoint[f"internet/{host}"]
                address = next((a for a in target.addresses if a.version in {b.version for b in source.addresses}), None)
                if address is not None:
                    tries.setdefault(_row(rule.id), Try(source.id, host, address, *_TLS, says=host))
    asked = list(tries.values())
    for number, said in twin.browse([(t.source, str(t.address), t.port, t.says) for t in asked]):
        each = asked[number]
        question = Question(each.source, f"https://{each.host}", each.address, each.protocol, each.port)
        # who shows another page than its name, such as an ACME server, has shown its certificate all the same
        who = f"internet/{each.host}" if said.startswith("HTTP/") else said
        table.add(question, [_predicted(engine, each)], Answer("DELIVERED", "listener", who))


# ---- small things -------------------------------------------------------------------------------------------------------


def _row(rule: str) -> str:
    return rule.partition(":")[0]


def _beyond(name: HostName) -> Iterator[str]:
    """What is next to a name and not meant: itself where only what is below it is, and the host one label deeper than is
    meant, which would be there if it were."""
    if not name.apex:
        yield name.name
    deeper = hosts(name.name, name.depth + 1)[-1] if name.depth < 2 else ""
    if 0 < len(deeper) < 254:
        yield deeper


def _hosts(network: Network) -> dict[str, None]:
    return {e.id.removeprefix("internet/"): None for e in network.outside if "." in e.id}


def _point(engine: Engine, endpoint: str, version: int) -> Point:
    return next(p for p in engine.interfaces[endpoint] if p.address.version == version)


def _common(a: Endpoint, b: Endpoint) -> Address:
    """An address of `b` that `a` can speak to."""
    return next(x for x in b.addresses if x.version in {y.version for y in a.addresses})


def _kind(resolver: Endpoint) -> str:
    return "A" if ip_address(resolver.addresses[0]).version == 4 else "AAAA"
