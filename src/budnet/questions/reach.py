"""Whether one reaches another, on one port or on any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from budnet.errors import WrongQuestion
from budnet.ir.address import PortRange, Protocol, spelt_one
from budnet.packets.transports import Transports
from budnet.questions import asked
from budnet.questions.answer import Answer
from budnet.questions.matrix import transports_json
from budnet.reach import relay
from budnet.reach.disposition import Disposition, Reason
from budnet.reach.engine import Engine
from budnet.reach.invoke import invoke
from budnet.reach.points import Point
from budnet.reach.trace import Trace, listeners, trace


@dataclass(frozen=True, slots=True)
class Reached:
    """The pair that is shown; of a question without a port also what passes and what may pass, over all pairs."""

    best: Trace
    note: str
    """What a user has to know of how the question was understood."""
    allowed: Transports | None = None
    unknown: Transports = Transports()

    @property
    def reachable(self) -> bool | None:
        """None where it is not known."""
        if self.allowed is None:
            return reachable(self.best)
        return True if self.allowed else None if self.unknown else False


def reach(engine: Engine, source: str, destination: str, port: str | None = None) -> Reached:
    """Of several endpoints the first pair that is delivered, else the one that came furthest. Raises WrongQuestion."""
    question = asked.who(engine, source, destination)
    if port is None:
        return _any_port(engine, question)
    protocol, number = asked.port(engine, port, question.destinations)
    best, others = best_trace(engine, question, protocol, number)
    notes = filter(None, [question.note, others, asked.beyond(engine, protocol)])
    return Reached(invoke(engine, best) if port == asked.MESH else best, "; ".join(notes))


def best_trace(engine: Engine, question: asked.Asked, protocol: Protocol, port: int) -> tuple[Trace, str]:
    """Of all pairs the first that is delivered; else the first that may be; else the one that came furthest. And what is to be said
    of the others, where they do not fare alike: pods of one name, addresses of two families, parts of the internet."""
    pairs = [(s, d) for s, d in question.pairs if s.address.version in protocol.spoken_over]
    traces = [trace(engine, s, d, protocol, port, question.call) for s, d in pairs]
    if question.pairs and not pairs:
        other = Protocol.ICMPV6 if protocol is Protocol.ICMP else Protocol.ICMP
        raise WrongQuestion(f"these two have no addresses that speak {protocol.name.lower()}; ask for {other.name.lower()}")
    if not traces:
        raise WrongQuestion("source and destination have no address family in common, or are one and the same")
    unknown = (t for t in traces if t.verdict.disposition is Disposition.UNKNOWN)
    best = next((t for t in traces if t.verdict.reachable), None) or next(unknown, None) or max(traces, key=lambda t: len(t.hops))
    return best, _others(best, traces)


def _others(best: Trace, traces: list[Trace]) -> str:
    other = next((t for t in traces if reachable(t) is not reachable(best)), None)
    if other is None:
        return ""
    pass_ = sum(bool(t.verdict.reachable) for t in traces)
    ends = " -> ".join(str(p.address) if p.known else p.label for p in (other.source, other.destination))
    return f"of {len(traces)} pairs of addresses {pass_} pass; {ends} is {other.verdict.disposition.value}"


def _any_port(engine: Engine, question: asked.Asked) -> Reached:
    delivered, doubtful, best = 0, 0, None
    for s, d in question.pairs:
        way = relay.way(engine, s, d, call=question.call)
        heard = way.back & listeners(engine, way) & engine.alphabet.all
        got, perhaps = way.forward & heard, way.possible & heard
        delivered, doubtful = delivered | got, doubtful | perhaps
        if best is None or (got and not best[1]) or (perhaps and not best[2]):
            best = trace(engine, s, d, *_example(engine.alphabet.decode(got or perhaps)), question.call), got, perhaps
    if best is None:
        raise WrongQuestion("source and destination have no address family in common, or are one and the same")
    return Reached(best[0], question.note, engine.alphabet.decode(delivered), engine.alphabet.decode(doubtful & ~delivered))


def _example(transports: Transports) -> tuple[Protocol, int]:
    protocol, ports = next(iter(transports), (Protocol.TCP, PortRange(443, 443)))
    return protocol, ports.first


def reachable(found: Trace) -> bool | None:
    """None where it is not known."""
    return None if found.verdict.disposition is Disposition.UNKNOWN else found.verdict.reachable


COLUMNS = ("src", "dst", "source", "destination", "protocol", "port", "reachable", "disposition", "reasons", "hops", "note")


def answer(found: Reached) -> Answer:
    """One row: the document itself."""
    document = trace_json(found.best) | {"note": found.note or None}
    if found.allowed is not None:
        document |= {"reachable": found.reachable, "allowed": transports_json(found.allowed), "unknown": transports_json(found.unknown)}
    return Answer("reach", [document], [*COLUMNS, *(("allowed", "unknown") if found.allowed is not None else ())], document)


def address_json(point: Point) -> str | None:
    """Of a packet's end; None where it is not known."""
    return str(point.address) if point.known else None


def trace_json(found: Trace) -> dict[str, Any]:
    """A trace as `budnet reach --format json` has it."""
    verdict = found.verdict
    reasons = [] if verdict.disposition is Disposition.DELIVERED else [verdict.reason, *verdict.blockers]
    return {
        "reachable": reachable(found), "disposition": verdict.disposition.value, "reasons": [_reason_json(r) for r in reasons],
        "hops": list(found.hops), "src": found.source.label, "dst": found.destination.label,
        "source": address_json(found.source), "destination": address_json(found.destination),
        "protocol": found.protocol.name, "port": found.port,
    }  # fmt: skip


def _reason_json(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "layer": reason.layer,
        "object": reason.object,
        "why": reason.text or None,
        "origin": str(reason.origin) if reason.origin.line else None,
    }


def trace_lines(trace: Trace) -> list[str]:
    """A packet's way, a line each place."""
    what = spelt_one(trace.protocol, trace.port)
    ends = [f"{p.label} ({p.address})" if p.known else p.label for p in (trace.source, trace.destination)]
    out = [f"packet: {' -> '.join(ends)} {what}"]
    out.append("way:    " + " > ".join(trace.hops))
    for gate, passed in trace.steps:
        way = "answer" if gate.answer else "request"
        word = {True: "pass", False: "STOP", None: "????"}[passed]
        out.append(f"  {word}  {way:7}  {gate.layer} {gate.object}" + ("" if passed else f"  [{gate.code}]"))
    verdict = trace.verdict
    out.append(
        f"verdict: {verdict.disposition.value}" + (f" by {verdict.reason.layer} {verdict.reason.object}" if not verdict.reachable else "")
    )
    out += [f"why:     {r.text}" for r in (verdict.reason, *verdict.blockers) if r.text]
    return out
