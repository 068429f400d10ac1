"""budnet reach"""

from __future__ import annotations

import sys
from typing import Any

import click

from budnet.cli import asked
from budnet.cli.output import format_option, literal_option, print_json, style
from budnet.cli.prove import trace_lines
from budnet.cli.source import network, source_option
from budnet.ir.address import PortRange, Protocol
from budnet.packets.transports import Transports
from budnet.reach import relay
from budnet.reach.disposition import Disposition, Reason
from budnet.reach.engine import Engine
from budnet.reach.invoke import invoke
from budnet.reach.trace import Trace, listeners, trace


@click.command()
@click.argument("src", metavar="SOURCE")
@click.argument("destination")
@click.argument("port", required=False)
@click.option("-f", "--file", type=click.Path(dir_okay=False), help="The topology.")
@source_option
@format_option
@literal_option
def command(src: str, destination: str, port: str | None, file: str | None, source: str | None, form: str) -> None:
    """Whether SOURCE reaches DESTINATION [on PORT], hop by hop, with what decided. Exit 1 if not.

    SOURCE and DESTINATION are services, endpoint ids, NETWORK/SUBNET, NAMESPACE/WORKLOAD, NAMESPACE/*, NAMESPACE?KEY=VALUE,
    addresses, or `internet`; DESTINATION may be a host name, which is looked up first and said in the TLS handshake. `mesh` as PORT asks for a call from sidecar to sidecar: the
    packets, and then whether the callee's sidecar accepts the caller's identity. Of several endpoints the first pair that
    is delivered is shown, else the first one that is not. What is unknown counts as no.

    \b
    Examples:
      budnet reach budapp postgresql sql
      budnet reach internet postgresql 5432/tcp
      budnet reach budapp budcluster mesh
      budnet reach budgateway inference
      budnet reach shop/web shop/db 5432/tcp --from kubernetes:manifests
      budnet reach budgateway api.openai.com 443/tcp
    """
    engine = Engine(network(file, source))
    question = asked.who(engine, src, destination)
    if question.note:
        click.echo(question.note, err=True)
    if port is None:
        _ports(engine, question, form)
        return
    protocol, number = asked.port(engine, port, question.destinations)
    best = best_trace(engine, question, protocol, number)
    best = invoke(engine, best) if port == asked.MESH else best
    if form == "json":
        print_json("reach", trace_json(best))
    else:
        click.echo("\n".join(trace_lines(best)))
    sys.exit(0 if best.verdict.reachable else 1)


def best_trace(engine: Engine, question: asked.Asked, protocol: Protocol, port: int) -> Trace:
    """Of all pairs the first that is delivered; else the one that came furthest."""
    traces = [trace(engine, s, d, protocol, port, question.call) for s, d in question.pairs]
    if not traces:
        from budnet.cli.output import wrong

        wrong("source and destination have no address family in common, or are one and the same")
    unknown = (t for t in traces if t.verdict.disposition is Disposition.UNKNOWN)
    return next((t for t in traces if t.verdict.reachable), None) or next(unknown, None) or max(traces, key=lambda t: len(t.hops))


def _ports(engine: Engine, question: asked.Asked, form: str) -> None:
    """Without a port: everything that is delivered, and over all pairs."""
    delivered, doubtful, best = 0, 0, None
    for s, d in question.pairs:
        way = relay.way(engine, s, d, call=question.call)
        heard = way.back & listeners(engine, way) & engine.alphabet.all
        got, perhaps = way.forward & heard, way.possible & heard
        delivered, doubtful = delivered | got, doubtful | perhaps
        if best is None or (got and not best[1]) or (perhaps and not best[2]):
            best = trace(engine, s, d, *_example(engine.alphabet.decode(got or perhaps)), question.call), got, perhaps
    assert best is not None
    unknown = engine.alphabet.decode(doubtful & ~delivered)
    if form == "json":
        from budnet.cli.output import transports_json

        print_json("reach", trace_json(best[0]) | {
            "reachable": bool(delivered) or (None if unknown else False),
            "allowed": transports_json(engine.alphabet.decode(delivered)), "unknown": transports_json(unknown),
        })  # fmt: skip
    else:
        click.echo("\n".join(trace_lines(best[0])))
        if delivered or not unknown:
            answer = style("yes", "green", True) if delivered else style("no", "red", True)
            click.echo(f"{answer}: {engine.alphabet.decode(delivered)}")
        if unknown:
            click.echo(f"{style('unknown', 'yellow', True)}: {unknown}")
    sys.exit(0 if delivered else 1)


def _example(transports: Transports) -> tuple[Protocol, int]:
    protocol, ports = next(iter(transports), (Protocol.TCP, PortRange(443, 443)))
    return protocol, ports.first


def reachable(found: Trace) -> bool | None:
    """What JSON says: null where it is not known."""
    return None if found.verdict.disposition is Disposition.UNKNOWN else found.verdict.reachable


def trace_json(found: Trace) -> dict[str, Any]:
    """`budnet reach --format json`."""
    verdict = found.verdict
    reasons = [] if verdict.disposition is Disposition.DELIVERED else [verdict.reason, *verdict.blockers]
    return {
        "reachable": reachable(found), "disposition": verdict.disposition.value, "reasons": [_reason_json(r) for r in reasons],
        "hops": list(found.hops), "src": found.source.label, "dst": found.destination.label,
        "protocol": found.protocol.name, "port": found.port,
    }  # fmt: skip


def _reason_json(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "layer": reason.layer,
        "object": reason.object,
        "origin": str(reason.origin) if reason.origin.line else None,
    }
