"""budnet prove"""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from budnet.cli.output import file_argument, format_option, literal_option, network, print_json, style
from budnet.reach.engine import Engine
from budnet.reach.prove import Proof, Status, prove
from budnet.reach.trace import Trace

_COLOUR = {Status.PROVED: "green", Status.REFUTED: "red", Status.UNKNOWN: "yellow"}


@click.command()
@file_argument
@format_option
@literal_option
def command(file: str | None, form: str) -> None:
    """Prove the guarantees of FILE, and that exactly its declared flows are delivered. Exit 1 if one is refuted.

    \b
    Examples:
      budnet prove
      budnet prove network.yaml --format json
    """
    found = network(file)
    start = time.perf_counter()
    proofs = prove(Engine(found))
    seconds = time.perf_counter() - start
    if form == "json":
        print_json("prove", {"guarantees": [proof_json(p) for p in proofs], "seconds": round(seconds, 3)})
    else:
        for proof in proofs:
            print_proof(proof)
        good = sum(p.status is Status.PROVED for p in proofs)
        click.echo(f"\n{good} of {len(proofs)} proved, over {proofs[0].count or len(proofs)} pairs of addresses, in {seconds:.2f} s")
    sys.exit(0 if all(p.status is Status.PROVED for p in proofs) else 1)


def print_proof(proof: Proof) -> None:
    """One guarantee, and where it is refuted the packet and what happens to it."""
    place = f"  ({proof.origin})" if proof.origin.line else ""
    click.echo(f"{style(f'{proof.status.value:8}', _COLOUR[proof.status], bold=True)} {proof.summary}{place}")
    if proof.trace is not None:
        click.echo("\n".join(f"         {line}" for line in trace_lines(proof.trace)))


def trace_lines(trace: Trace) -> list[str]:
    """A packet's way, a line each place."""
    what = f"{trace.port}/{trace.protocol.name.lower()}"
    out = [f"packet: {trace.source.label} ({trace.source.address}) -> {trace.destination.label} ({trace.destination.address}) {what}"]
    out.append("way:    " + " > ".join(trace.hops))
    for gate, passed in trace.steps:
        way = "answer" if gate.answer else "request"
        out.append(f"  {'pass' if passed else 'STOP'}  {way:7}  {gate.layer} {gate.object}" + ("" if passed else f"  [{gate.code}]"))
    verdict = trace.verdict
    out.append(
        f"verdict: {verdict.disposition.value}" + (f" by {verdict.reason.layer} {verdict.reason.object}" if not verdict.reachable else "")
    )
    return out


def proof_json(proof: Proof) -> dict[str, Any]:
    """A row of `budnet prove --format json`."""
    packet = proof.packet and {
        "src": proof.packet.source.label, "dst": proof.packet.destination.label, "source": str(proof.packet.source.address),
        "destination": str(proof.packet.destination.address), "protocol": proof.packet.protocol.name, "port": proof.packet.port,
    }  # fmt: skip
    return {
        "name": proof.name, "status": proof.status.value, "summary": proof.summary, "because": proof.because, "packet": packet,
        "trace": trace_lines(proof.trace) if proof.trace else None, "origin": str(proof.origin) if proof.origin.line else None,
    }  # fmt: skip
