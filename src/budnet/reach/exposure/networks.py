"""Our own networks: what arrives from the outside, over routes, addresses, gateways, ACLs, security groups and policies together,
is listened to, and is answered; and what a load balancer that is reached so hands on to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from budnet.ir import icmp
from budnet.ir.address import EVERYWHERE, Protocol, spelt_one
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.network import Network
from budnet.packets.addresses import AddressSet
from budnet.reach.engine import Engine
from budnet.reach.exposure.clusters import PUBLIC
from budnet.reach.exposure.verdict import Exposure, Word
from budnet.reach.matrix import Pair, pairs
from budnet.reach.path import path
from budnet.reach.points import PointKind
from budnet.reach.trace import origin_of, rules_behind

_Key = tuple[str, Protocol, int]


def exposures(network: Network) -> list[Exposure]:
    """One for each service and port that anybody outside reaches; what nobody reaches is not listed."""
    if not network.vpcs:
        return []
    engine = Engine(network)
    return of_pairs(engine, pairs(engine))


def of_pairs(engine: Engine, found: Iterable[Pair]) -> list[Exposure]:
    """The same of the pairs of a Network."""
    who: dict[_Key, AddressSet] = {}
    example: dict[_Key, Pair] = {}
    behind: dict[tuple[str, str], int] = {}
    for pair in found:
        end = pair.destination.endpoint
        if end is None or not pair.delivered:
            continue
        source = pair.source.endpoint
        if pair.source.kind is PointKind.OUTSIDE or (source is not None and source.kind is EndpointKind.EXTERNAL):
            if end.kind is EndpointKind.EXTERNAL or not end.filtered:
                continue
            for protocol, port in _ports(engine, end, pair.delivered):
                key = end.service or end.id, protocol, port
                members = pair.source.members if source is None else AddressSet.of([pair.source.address])
                who[key] = who.get(key, AddressSet()) | members
                example.setdefault(key, pair)
        elif source is not None:
            behind[source.id, end.id] = behind.get((source.id, end.id), 0) | pair.delivered
    out = [_exposure(engine, key, who[key], example[key]) for key in who]
    reached = {e.id: e for p in example.values() if (e := p.destination.endpoint) is not None}
    out += {(x.workload, x.port, x.entry): x for balancer in reached.values() for x in _balanced(engine, balancer, behind)}.values()
    order = list(Word)
    return sorted(out, key=lambda x: (order.index(x.word), x.workload, x.port, x.entry))


def _ports(engine: Engine, end: Endpoint, delivered: int) -> Iterator[tuple[Protocol, int]]:
    for x in end.listeners:
        if not x.loopback and delivered & engine.alphabet.bit(x.protocol, x.port):
            yield x.protocol, x.port
    for protocol, message in ((Protocol.ICMP, icmp.ECHO[4]), (Protocol.ICMPV6, icmp.ECHO[6])):
        if end.takes_icmp and delivered & engine.alphabet.bit(protocol, message):
            yield protocol, message


def _exposure(engine: Engine, key: _Key, who: AddressSet, example: Pair) -> Exposure:
    workload, protocol, port = key
    way, bit = path(engine, example.source, example.destination), engine.alphabet.bit(protocol, port)
    rules = [(name, origin) for gate in way.gates for name, origin in rules_behind(engine, way, gate, bit)]
    end = example.destination.endpoint
    assert end is not None
    everywhere = _most(who)
    gates = ", ".join(dict.fromkeys(f"{g.layer} {g.object}" for g in way.gates if g.object and origin_of(engine, g).line))
    return Exposure(
        workload, spelt_one(protocol, port), " > ".join(way.hops[1:-1]) or "the internet", "public address",
        spelt_one(protocol, port),
        Word.EVERYWHERE if everywhere else Word.RANGES, () if everywhere else who.prefixes(), f"let in by {gates or 'everything on the way'}",
        tuple(dict.fromkeys(name for name, _ in rules)), next((o for _, o in rules if o.line), end.origin),
        tuple(map(str, end.public)) or (str(example.destination.address),),
    )  # fmt: skip


def _most(who: AddressSet) -> bool:
    """Whether all of a family is among them that no address of the Network itself has and no name stands for: a set of a few
    thousand such addresses is missing from every answer, and says nothing about who is let in."""
    for family in EVERYWHERE:
        there = AddressSet.of([family]) & PUBLIC
        size, missing = (sum(last - first + 1 for first, last in some.parts) for some in (there, there - who))
        if missing < size // 65536:
            return True
    return False


def _balanced(engine: Engine, balancer: Endpoint, behind: dict[tuple[str, str], int]) -> Iterator[Exposure]:
    """What a load balancer hands on: the pods of its host rules that it reaches."""
    for rule in balancer.hosts:
        for backend in rule.backends:
            if behind.get((balancer.id, backend), 0) & engine.alphabet.bit(Protocol.TCP, rule.port):
                service = engine.network.endpoint[backend].service
                yield Exposure(
                    service, f"{rule.port}/tcp", balancer.service, "load balancer", rule.host, Word.THROUGH, (),
                    f"through {balancer.service}, for requests of {rule.host}", (), rule.origin,
                )  # fmt: skip
