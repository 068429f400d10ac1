"""Guarantees, proved or refuted with a packet; and whether exactly the declared flows are delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from budnet.ir.address import PORTED, Protocol
from budnet.ir.intent import Flow, Guarantee, GuaranteeKind, Side
from budnet.ir.links import PUBLIC
from budnet.ir.network import Network
from budnet.ir.origin import NOWHERE, Origin
from budnet.packets.transports import Transports
from budnet.reach import airgap
from budnet.reach.engine import Engine
from budnet.reach.matrix import Pair, asked, count, pairs, receivers, senders
from budnet.reach.points import Point, PointKind
from budnet.reach.proof import Packet, Proof, Status
from budnet.reach.prove_mesh import prove_mesh
from budnet.reach.trace import trace
from budnet.records import replace

__all__ = ["Packet", "Proof", "Status", "prove"]


def prove(engine: Engine, found: list[Pair] | None = None) -> list[Proof]:
    """Every guarantee of the Network, and before them the one that comes with every file: exactly the declared flows. `found`: its
    pairs, where they are known already."""
    table, sides, total = list(pairs(engine)) if found is None else found, _Sides(engine), count(engine)
    proofs = [_nothing_else(engine, table, sides, total), _all_declared(engine, table, sides), *prove_mesh(engine)]
    proofs += [_no_way_out(engine.network)] if engine.network.airgap else []
    return proofs + [replace(_guarantee(engine, g, table, sides), count=total) for g in engine.network.guarantees]


def _no_way_out(network: Network) -> Proof:
    """Of an air gap, from its tables alone: packets may be stopped by a filter that somebody opens tomorrow."""
    found = next(iter(airgap.ways_out(network)), None)
    if found is not None:
        return Proof("airgap-no-way-out", Status.REFUTED, f"an air gap has no way out, but {found.what}", found.origin)
    return Proof("airgap-no-way-out", Status.PROVED, "no gateway, route, public address, name or issuer leads out", NOWHERE)


class _Sides:
    """Which points a Side means."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._known: dict[Side, frozenset[int]] = {}
        self._points: dict[str, list[int]] = {}
        for point in engine.points:
            if point.endpoint is not None:
                self._points.setdefault(point.endpoint.id, []).append(point.index)

    def __call__(self, side: Side) -> frozenset[int]:
        known = self._known.get(side)
        if known is None:
            outside = {i for prefix in side.prefixes for i in self.engine.covered(prefix)}
            known = self._known[side] = frozenset(
                [i for e in side.endpoints for i in self._points.get(e, ())]
                + [i for i in outside if self.engine.points[i].kind is PointKind.OUTSIDE]
            )
        return known


def _nothing_else(engine: Engine, table: list[Pair], sides: _Sides, total: int) -> Proof:
    """Nothing is delivered that no flow declares."""
    declared: dict[tuple[int, int], int] = {}
    for flow in engine.network.flows:
        mask = engine.alphabet.mask(flow.match)
        for source in sides(flow.sources):
            for destination in sides(flow.destinations):
                declared[source, destination] = declared.get((source, destination), 0) | mask
    for pair in table:
        extra = pair.delivered & ~declared.get((pair.source.index, pair.destination.index), 0)
        if extra:
            packet = _example(engine, pair, extra)
            return _refuted(engine, "nothing-undeclared", "a packet that no flow declares is delivered", NOWHERE, packet)
    return Proof("nothing-undeclared", Status.PROVED, "nothing is delivered that no flow declares", NOWHERE, count=total)


def _all_declared(engine: Engine, table: list[Pair], sides: _Sides) -> Proof:
    """Every declared flow is delivered, in every address family that both ends have."""
    best: dict[tuple[int, str, int], tuple[int, Pair]] = {}
    for pair in table:
        # a destination may be known by its own and by a public address: one of them has to work
        key = (pair.source.index, _identity(pair.destination), pair.destination.address.version)
        before = best.get(key, (0, pair))
        # an outside host stands for many: what its address set or range of ports may be listening to is not ours to say
        got = pair.answered if pair.destination.kind is PointKind.OUTSIDE else pair.delivered
        best[key] = before[0] | got, before[1] if before[0] else pair
    able, targets, count = {p.index for p in senders(engine)}, _by_identity(engine), 0
    for flow in engine.network.flows:
        mask = engine.alphabet.mask(flow.match)
        wanted = {(_identity(engine.points[d]), engine.points[d].address.version) for d in sides(flow.destinations)}
        for source in able & sides(flow.sources):
            for identity, version in wanted:
                known = best.get((source, identity, version)) or _nothing(engine.points[source], targets.get((identity, version), ()))
                count += known is not None
                missing = 0 if known is None else mask & engine.spoken[version] & ~known[0]
                if known is not None and missing:
                    return _not_delivered(engine, flow, known[1], missing)
    return Proof("all-declared", Status.PROVED, "every declared flow is delivered", NOWHERE, count=count)


def _nothing(source: Point, targets: Sequence[Point]) -> tuple[int, Pair] | None:
    """Of two that are a pair, though nothing arrives; None where they are none. A public address, the last one, says more."""
    found = next((t for t in reversed(targets) if asked(source, t)), None)
    return None if found is None else (0, Pair(source, found, 0, 0, 0))


def _by_identity(engine: Engine) -> dict[tuple[str, int], list[Point]]:
    """Who may be asked, by name and address family."""
    out: dict[tuple[str, int], list[Point]] = {}
    for point in receivers(engine):
        out.setdefault((_identity(point), point.address.version), []).append(point)
    return out


def _identity(point: Point) -> str:
    return point.endpoint.id if point.endpoint is not None else point.label


def _not_delivered(engine: Engine, flow: Flow, pair: Pair, missing: int) -> Proof:
    packet = _example(engine, pair, missing)
    return _refuted(engine, "all-declared", f"the flow {flow.id} is not delivered", flow.origin, packet)


def _guarantee(engine: Engine, guarantee: Guarantee, table: list[Pair], sides: _Sides) -> Proof:
    mask = 0
    for match in guarantee.matches:
        mask |= engine.alphabet.mask(match)
    if not guarantee.matches:
        mask = engine.alphabet.all
    look = {
        GuaranteeKind.NEVER: _never,
        GuaranteeKind.ONLY: _only,
        GuaranteeKind.REACHES: _reaches,
        GuaranteeKind.ENCRYPTED: _encrypted,
    }[guarantee.kind]
    wrong = look(engine, guarantee, sides)
    for pair in _all_between(engine, guarantee, table, sides) if guarantee.kind is GuaranteeKind.REACHES else table:
        bits = wrong(pair) & mask & engine.spoken[pair.source.address.version]
        if bits:
            packet = _example(engine, pair, bits)
            return _refuted(engine, guarantee.id, sentence(guarantee), guarantee.origin, packet, guarantee.because)
    return Proof(guarantee.id, Status.PROVED, sentence(guarantee), guarantee.origin, guarantee.because)


def _all_between(engine: Engine, guarantee: Guarantee, table: list[Pair], sides: _Sides) -> Iterator[Pair]:
    """REACHES is about every pair of its two sides, those included between which nothing arrives."""
    known = {(p.source.index, p.destination.index): p for p in table}
    able, targets = {p.index for p in senders(engine)}, {p.index for p in receivers(engine)}
    for s in sorted(able & sides(guarantee.sources)):
        for d in sorted(targets & sides(guarantee.destinations)):
            source, destination = engine.points[s], engine.points[d]
            if asked(source, destination):
                yield known.get((s, d)) or Pair(source, destination, 0, 0, 0)


Wrong = Callable[[Pair], int]


def _never(engine: Engine, guarantee: Guarantee, sides: _Sides) -> Wrong:
    sources, destinations = sides(guarantee.sources), sides(guarantee.destinations)
    return lambda p: p.forward if p.source.index in sources and p.destination.index in destinations else 0


def _only(engine: Engine, guarantee: Guarantee, sides: _Sides) -> Wrong:
    sources, destinations = sides(guarantee.sources), sides(guarantee.destinations)
    return lambda p: p.forward if p.source.index not in sources and p.destination.index in destinations else 0


def _reaches(engine: Engine, guarantee: Guarantee, sides: _Sides) -> Wrong:
    return lambda p: ~p.delivered


def _encrypted(engine: Engine, guarantee: Guarantee, sides: _Sides) -> Wrong:
    waived = {i for side in guarantee.waivers for i in sides(side)}
    bit = engine.alphabet.bit
    # between networks a tunnel and TLS at a public front protect whatever passes
    sealed = {frozenset(x.between) for x in engine.network.links if x.method in ("vpn", PUBLIC)}
    clear = {e.id: sum({bit(x.protocol, x.port) for x in e.listeners if x.transport == "plaintext"}) for e in engine.network.inside}

    def wrong(pair: Pair) -> int:
        source, destination = pair.source.endpoint, pair.destination.endpoint
        if source is None or destination is None or pair.destination.index in waived or destination.id not in clear or not source.subnet:
            return 0
        a, b = engine.network.subnet[source.subnet], engine.network.subnet[destination.subnet]
        crossing = a.tier != b.tier if guarantee.across == "subnets" else a.vpc != b.vpc and frozenset((a.vpc, b.vpc)) not in sealed
        return pair.delivered & clear[destination.id] if crossing else 0

    return wrong


def sentence(guarantee: Guarantee) -> str:
    """A guarantee in words."""
    ports = " on " + ", ".join(str(m) for m in guarantee.matches) if guarantee.matches else ""
    source, destination = guarantee.sources.name, guarantee.destinations.name
    match guarantee.kind:
        case GuaranteeKind.NEVER:
            return f"nothing from {source} reaches {destination}{ports}"
        case GuaranteeKind.ONLY:
            return f"only {source} reaches {destination}{ports}"
        case GuaranteeKind.REACHES:
            return f"{source} reaches {destination}{ports}"
        case GuaranteeKind.ENCRYPTED:
            return f"everything between {guarantee.across} is encrypted, but for the waivers"


def _example(engine: Engine, pair: Pair, bits: int) -> Packet:
    """A packet of the set: on a port that answers where there is one, so that a user can try it."""
    if pair.destination.endpoint is not None and bits & engine.listening[pair.destination.endpoint.id]:
        bits &= engine.listening[pair.destination.endpoint.id]
    return Packet(pair.source, pair.destination, *one_of(engine.alphabet.decode(bits)))


def one_of(transports: Transports) -> tuple[Protocol, int]:
    """A packet of a set, TCP first: it is what a reader expects of an example."""
    protocol, ports = min(transports, key=lambda t: (t[0] is not Protocol.TCP, t[0]))
    return protocol, max(ports.first, 1) if protocol in PORTED else ports.first


def _refuted(engine: Engine, name: str, summary: str, origin: Origin, packet: Packet, because: str = "") -> Proof:
    found = trace(engine, packet.source, packet.destination, packet.protocol, packet.port)
    return Proof(name, Status.REFUTED, summary, origin, because, packet, found)
