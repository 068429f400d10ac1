"""budnet prove"""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from budnet.cli.output import file_argument, format_option, literal_option, print_json, report, style
from budnet.cli.source import network, source_option
from budnet.ir.network import Network
from budnet.reach.engine import Engine
from budnet.reach.guaranteed import prove_cluster
from budnet.reach.points import Point
from budnet.reach.prove import Proof, Status, prove
from budnet.reach.trace import Trace

_COLOUR = {Status.PROVED: "green", Status.REFUTED: "red", Status.UNKNOWN: "yellow"}


@click.command()
@file_argument
@source_option
@click.option("--guarantees", type=click.Path(dir_okay=False), help="With --from: a file with `guarantees:` about that network.")
@format_option
@literal_option
def command(file: str | None, source: str | None, guarantees: str | None, form: str) -> None:
    """Prove the guarantees of FILE, and that exactly its declared flows are delivered. Exit 1 if one is not proved.

    Of a network that runs already (--from) the guarantees stand in a file of their own, in the same words; their sides are
    NAMESPACE/WORKLOAD, NAMESPACE/*, NAMESPACE?KEY=VALUE, `internet`, and prefixes.

    \b
    Examples:
      budnet prove
      budnet prove network.yaml --format json
      budnet prove --from kubernetes:manifests --guarantees guarantees.yaml
    """
    if bool(source) != bool(guarantees):
        raise click.UsageError("--from and --guarantees belong together: a network, and what must hold of it")
    found = network(file, source)
    if guarantees:
        found = _with(found, guarantees)
    start = time.perf_counter()
    proofs = prove_cluster(found) if source else prove(Engine(found))
    seconds = time.perf_counter() - start
    if form == "json":
        print_json("prove", {"guarantees": [proof_json(p) for p in proofs], "seconds": round(seconds, 3)})
    else:
        for proof in proofs:
            print_proof(proof)
        good = sum(p.status is Status.PROVED for p in proofs)
        click.echo(
            f"\n{good} of {len(proofs)} proved, over {max(p.count for p in proofs) or len(proofs)} pairs of addresses, in {seconds:.2f} s"
        )
    sys.exit(0 if all(p.status is Status.PROVED for p in proofs) else 1)


def _with(network: Network, file: str) -> Network:
    from budnet.pipeline import with_guarantees

    loaded = with_guarantees(network, file)
    if loaded.diagnostics:
        report(loaded)
    if loaded.network is None:
        sys.exit(3)
    return loaded.network


def print_proof(proof: Proof) -> None:
    """One guarantee, and where it is refuted the packet and what happens to it."""
    place = f"  ({proof.origin})" if proof.origin.line else ""
    click.echo(f"{style(f'{proof.status.value:8}', _COLOUR[proof.status], bold=True)} {proof.summary}{place}")
    if proof.trace is not None:
        click.echo("\n".join(f"         {line}" for line in trace_lines(proof.trace)))


def trace_lines(trace: Trace) -> list[str]:
    """A packet's way, a line each place."""
    what = f"{trace.port}/{trace.protocol.name.lower()}"
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
    return out


def proof_json(proof: Proof) -> dict[str, Any]:
    """A row of `budnet prove --format json`."""
    packet = proof.packet and {
        "src": proof.packet.source.label, "dst": proof.packet.destination.label, "source": _address(proof.packet.source),
        "destination": _address(proof.packet.destination), "protocol": proof.packet.protocol.name, "port": proof.packet.port,
    }  # fmt: skip
    return {
        "name": proof.name, "status": proof.status.value, "summary": proof.summary, "because": proof.because, "packet": packet,
        "trace": trace_lines(proof.trace) if proof.trace else None, "origin": str(proof.origin) if proof.origin.line else None,
    }  # fmt: skip


def _address(point: Point) -> str | None:
    return str(point.address) if point.known else None
