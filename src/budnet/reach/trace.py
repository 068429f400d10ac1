"""One question, answered with reasons: from whom, to whom, on which protocol and port."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from budnet.ir.address import Address, Protocol
from budnet.ir.called import named
from budnet.ir.endpoint import ClusterService, Endpoint
from budnet.ir.origin import NOWHERE, Origin
from budnet.packets.addresses import AddressSet
from budnet.reach import deciding, mesh_access, semantics
from budnet.reach.disposition import Disposition, Reason, Verdict
from budnet.reach.doubt import UNSAID
from budnet.reach.engine import Engine
from budnet.reach.path import ANYHOW, Call, Gate, Path
from budnet.reach.points import Point, PointKind
from budnet.reach.relay import way
from budnet.records import replace


@dataclass(frozen=True, slots=True)
class Trace:
    """A verdict, the places passed, and each filter's word on the way: whether it lets the packet pass, None if unknown."""

    source: Point
    destination: Point
    protocol: Protocol
    port: int
    verdict: Verdict
    hops: tuple[str, ...]
    steps: tuple[tuple[Gate, bool | None], ...]


def trace(engine: Engine, source: Point, destination: Point, protocol: Protocol, port: int, call: Call = ANYHOW) -> Trace:
    """Follows one packet and its answer. `port` is the destination's, 0..65535, or an ICMP message's number."""
    found = way(engine, source, destination, beyond=True, call=call)
    bit = engine.alphabet.bit(protocol, port)
    verdict = judge(engine, found, bit)
    steps = tuple((gate, _word(gate, bit)) for gate in (*found.gates, *reversed(found.answers)))
    return Trace(source, destination, protocol, port, verdict, tuple(found.hops), steps)


def again(engine: Engine, found: Trace) -> Trace:
    """The same packet in another Network, whose outside may be cut otherwise."""
    return trace(engine, _there(engine, found.source), _there(engine, found.destination), found.protocol, found.port)


def _there(engine: Engine, point: Point) -> Point:
    if point.endpoint is None:
        return next(p for p in engine.points if p.endpoint is None and point.address in p.members)
    same = (p for p in engine.points if p.endpoint is not None and p.endpoint.id == point.endpoint.id)
    return next(p for p in same if p.address == point.address or (not p.known and p.address.version == point.address.version))


def _word(gate: Gate, bit: int) -> bool | None:
    if gate.passes & bit:
        return True
    return None if gate.perhaps & bit else False


def judge(engine: Engine, way: Path, bit: int) -> Verdict:
    """What becomes of the transports in one bit of the alphabet on a path."""
    blocked = [g for g in way.gates if not (g.passes | g.perhaps) & bit]
    answers = [g for g in reversed(way.answers) if not g.passes & bit]
    if blocked:
        first, *others = (_reason(engine, g) for g in (*blocked, *answers))
        return Verdict(blocked[0].otherwise, first, tuple(others))
    doubtful = [_reason(engine, g, doubts(engine, way, g)) for g in way.gates if not g.passes & bit]
    if doubtful:
        return Verdict(Disposition.UNKNOWN, doubtful[0], tuple(doubtful[1:]))
    if way.arrives is None:
        return Verdict(Disposition.EXITS, Reason("", "internet", way.destination.label, NOWHERE))
    if not engine.listening[way.arrives.id] & bit:
        reason = Reason("TARGET_PORT_RESTRICTION", "listener", way.arrives.id, way.arrives.origin)
        return Verdict(Disposition.NOT_LISTENING, reason, tuple(_reason(engine, g) for g in answers))
    if answers:
        first, *others = (_reason(engine, g) for g in answers)
        return Verdict(answers[0].otherwise, first, tuple(others))
    return Verdict(Disposition.DELIVERED, Reason("", "listener", way.arrives.id, way.arrives.origin))


def listeners(engine: Engine, way: Path) -> int:
    """What answers at the end of a path; past the modelled world, everything may."""
    return engine.alphabet.all if way.arrives is None else engine.listening[way.arrives.id]


def service_backends(engine: Engine, service: ClusterService, protocol: Protocol, port: int) -> list[tuple[Point, int]]:
    """Where kube-proxy sends a connection to a ClusterIP: one of these (point, port) pairs; none if the port is unknown."""
    target = next((p.target for p in service.ports if p.protocol is protocol and p.port == port), None)
    if target is None:
        return []
    family = {a.version for a in service.addresses}
    points = (p for backend in service.backends for p in engine.interfaces[backend])
    return [(p, target) for p in points if p.address.version in family]


def find(engine: Engine, name: str) -> list[Point]:
    """The points a user means: an endpoint's id, a service or tier (all of theirs), pods as `ir/called.py` reads them, or an
    address inside or outside."""
    from ipaddress import ip_address

    try:
        address = ip_address(name)
    except ValueError:
        address = None
    if address is not None:
        return [_at(engine, address)]
    if name == "internet":
        # private addresses around a cluster of which nothing more is known are not the internet
        vpcs = bool(engine.network.vpcs)
        found = [p for p in engine.points if p.kind is PointKind.OUTSIDE and (vpcs or not p.members & semantics.NOT_PUBLIC)]
        return [p if p.endpoint is not None else replace(p, label=name) for p in found]
    found = [p for p in engine.points if p.endpoint is not None and _called(p.endpoint, name)]
    return found or [p for e in named(engine.network.endpoints, name) for p in engine.interfaces[e.id]]


def _called(endpoint: Endpoint, name: str) -> bool:
    return name in (endpoint.id, endpoint.service, endpoint.id.rpartition("/")[0], endpoint.id.rpartition("/")[2], endpoint.vpc)


def _at(engine: Engine, address: Address) -> Point:
    found = [p for p in engine.points if p.address == address or (p.kind is PointKind.OUTSIDE and address in p.members)]
    if len(found) > 1:
        raise ValueError(f"{address} is an address in several networks: name one of {', '.join(p.label for p in found)}")
    if found:
        # of a part of the outside the very address that is asked about: what becomes of it is what becomes of all of the part
        alone = found[0].kind is PointKind.OUTSIDE and found[0].endpoint is None
        return replace(found[0], address=address, members=AddressSet.of([address]), label=str(address)) if alone else found[0]
    raise ValueError(f"{address} belongs to a network of ours but to no endpoint")


def _reason(engine: Engine, gate: Gate, text: str = "") -> Reason:
    return Reason(gate.code, gate.layer, gate.object, origin_of(engine, gate), text)


def doubts(engine: Engine, way: Path, gate: Gate) -> str:
    """Why it is not known whether a gate lets something through."""
    ingress = gate.otherwise is Disposition.DENIED_IN
    own, peer = (way.destination if ingress else way.source).endpoint, gate.peer.endpoint
    return "; ".join(engine.doubts.about(own, peer if gate.peer.kind is PointKind.INTERFACE else None, ingress)) or UNSAID


def origin_of(engine: Engine, gate: Gate) -> Origin:
    """The line that made the object behind a gate; of several policies the last, which is the most specific."""
    name = gate.object.split("+")[-1 if gate.layer == "network-policy" else 0]
    return engine.origins.get((gate.layer, name), NOWHERE)


def pod_at(way: Path, gate: Gate) -> Endpoint:
    """Whose policies a gate on a way is."""
    # where no route leads there, the destination's own policies are asked all the same
    pod = way.arrives or way.destination.endpoint if gate.otherwise is Disposition.DENIED_IN else way.source.endpoint
    assert pod is not None and gate.layer == "network-policy"
    return pod


def rules_behind(engine: Engine, way: Path, gate: Gate, bit: int) -> Iterator[tuple[str, Origin]]:
    """The rules of a filter that let a transport through: what `explain` names beside a gate that passed."""
    ingress = gate.otherwise is Disposition.DENIED_IN
    network, index = engine.network, gate.peer.index
    match gate.layer:
        case "security-group":
            for group in (network.security_group[i] for i in gate.object.split("+") if i):
                for rule in group.ingress if ingress else group.egress:
                    if engine.alphabet.mask(rule.match) & bit and index in engine.group_peer(rule.peer):
                        yield rule.id, rule.origin
        case "network-policy":
            yield from deciding.accepting(engine, pod_at(way, gate), gate.peer, ingress, bit)
        case mesh_access.LAYER:
            yield from mesh_access.rules_behind(network, gate)
        case "egress-filter":
            sender = way.source.endpoint
            for egress in network.egress_filters:
                for entry in egress.rules if egress.id == gate.object else ():
                    hit = sender is not None and sender.id in entry.sources and engine.alphabet.mask(entry.match) & bit
                    if hit and any(index in engine.covered(p) for p in entry.prefixes):
                        yield entry.id, entry.origin
        case "sni-filter":
            sender = way.source.endpoint
            for sni in network.sni_filters:
                for line in sni.rules if sni.id == gate.object else ():
                    if sender is not None and sender.id in line.sources and index in engine.names.allowed(sni.vpc, line, way.call.says):
                        yield line.id, line.origin
        case "dns-filter":
            for dns in network.dns_filters:
                for wanted in dns.rules if dns.id == gate.object else ():
                    if any(semantics.covers(n, way.call.name) for n in wanted.names):
                        yield wanted.id, wanted.origin
