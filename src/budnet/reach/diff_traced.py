"""Why something passes in one network and not in another, by following one packet of it in both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.packets.transports import Transports
from budnet.reach import relay
from budnet.reach.difference import Cause
from budnet.reach.disposition import Disposition
from budnet.reach.engine import Engine
from budnet.reach.points import Point
from budnet.reach.prove import one_of
from budnet.reach.trace import Trace, origin_of, rules_behind, trace

_Key: TypeAlias = str | int
Points = Callable[[Engine, _Key], list[Point]]
"""Who is meant by what both networks call alike."""


@dataclass(frozen=True, slots=True)
class Words:
    """How a cause is said, by the direction of the change."""

    rule: str
    stop: str
    here: str
    listens: str


OPENED = Words("added: {}", "no longer stopped by {}", "{} is new", "something listens there now")
CLOSED = Words("removed: {}", "stopped by {}", "{} is gone", "nobody listens there any more")


def labelled(engine: Engine, key: _Key) -> list[Point]:
    """By what tables call them: of two networks of ours."""
    return [p for p in engine.points if p.label == key]


class Traced:
    """Causes of what passes in the first of two networks and not in the second."""

    def __init__(self, passes: Engine | Network, stops: Engine | Network, words: Words, points: Points) -> None:
        self._passes, self._stops = ((x if isinstance(x, Engine) else None) for x in (passes, stops))
        self._networks = [x.network if isinstance(x, Engine) else x for x in (passes, stops)]
        self._words, self._points = words, points
        self._flows = {f.origin: f.id for f in self._networks[0].flows}
        self._known: dict[tuple[_Key, _Key, Transports], tuple[Cause, ...]] = {}
        self._theirs: frozenset[str] | None = None

    def causes(self, src: _Key, dst: _Key, transports: Transports) -> tuple[Cause, ...]:
        """Rows and rules that only the first network has; where there are none, what stops the packet in the second."""
        key = src, dst, transports
        if key not in self._known:
            self._known[key] = self._causes(*key)
        return self._known[key]

    def _causes(self, src: _Key, dst: _Key, transports: Transports) -> tuple[Cause, ...]:
        passes, stops = self._engines()
        there = self._trace(stops, src, dst, transports)
        gone = [str(k) for k in (src, dst) if not self._points(stops, k)]
        if gone:
            return tuple(Cause(self._words.here.format(name)) for name in gone)
        here = self._trace(passes, src, dst, transports)
        rules = self._rules(passes, here) if here is not None else {}
        if rules:
            return tuple(Cause(self._words.rule.format(text), origin) for origin, text in rules.items())
        blocked = [gate for gate, passed in there.steps if passed is False] if there is not None else []
        if not blocked and there is not None and there.verdict.disposition is Disposition.NOT_LISTENING:
            return (Cause(self._words.listens),)
        return tuple(Cause(self._words.stop.format(f"{g.layer} {g.object}"), origin_of(stops, g)) for g in blocked)

    def _engines(self) -> tuple[Engine, Engine]:
        self._passes = self._passes or Engine(self._networks[0])
        self._stops = self._stops or Engine(self._networks[1])
        return self._passes, self._stops

    def _trace(self, engine: Engine, src: _Key, dst: _Key, transports: Transports) -> Trace | None:
        """Of the pairs that are meant the first on which the packet passes, else the first."""
        protocol, port = one_of(transports)
        several = engine.network.several
        ends = (
            (s, d) for s, d in product(self._points(engine, src), self._points(engine, dst))
            if s.endpoint is None or s.endpoint is not d.endpoint or s.endpoint.id in several
        )  # fmt: skip
        traces = (
            trace(engine, s, d, protocol, port)
            for s, d in ends
            if s.address.version == d.address.version and s.address.version in protocol.spoken_over
        )
        first = next(traces, None)
        if first is None or all(passed for _, passed in first.steps):
            return first
        return next((t for t in traces if all(passed for _, passed in t.steps)), first)

    def _rules(self, engine: Engine, found: Trace) -> dict[Origin, str]:
        """By their lines: those of the first network that the second has not, under the names of the flows they come of."""
        way = relay.way(engine, found.source, found.destination, beyond=True)
        bit = engine.alphabet.bit(found.protocol, found.port)
        behind = (r for gate, passed in found.steps if passed for r in rules_behind(engine, way, gate, bit))
        return {origin: self._flows.get(origin, rule) for rule, origin in behind if origin.line and rule not in self._others()}

    def _others(self) -> frozenset[str]:
        """The rules of the second network that are called by what they say. Those of policies are called by their places."""
        if self._theirs is None:
            n = self._networks[1]
            rules = [r.id for g in n.security_groups for r in (*g.ingress, *g.egress)] + [r.id for f in n.egress_filters for r in f.rules]
            policies = [r.id for p in n.policies for r in (*(p.ingress or ()), *(p.egress or ()))]
            self._theirs = frozenset(rules + policies)
        return self._theirs
