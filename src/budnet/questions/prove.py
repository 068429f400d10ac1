"""Guarantees of either kind of network, and their answers."""

from __future__ import annotations

from typing import Any

from budnet.ir.network import Network
from budnet.questions.answer import Answer
from budnet.questions.place import span
from budnet.questions.reach import address_json, trace_lines
from budnet.reach.engine import Engine
from budnet.reach.guaranteed import prove_cluster
from budnet.reach.proof import Proof, Status
from budnet.reach.prove import prove
from budnet.source.diagnostic import Diagnostic, Severity

PACKET = ("src", "dst", "source", "destination", "protocol", "port")
COLUMNS = ("name", "status", "summary", "note", "because", *(f"packet.{name}" for name in PACKET), "trace", "origin")


def proofs(network: Network) -> list[Proof]:
    """Of our own networks also that exactly the declared flows are delivered (decision 0024 has why there are two provers)."""
    return prove(Engine(network)) if network.vpcs else prove_cluster(network)


def answer(found: list[Proof]) -> Answer:
    """A row for each guarantee."""
    rows = [proof_json(p) for p in found]
    return Answer("prove", rows, COLUMNS, {"guarantees": rows})


def proof_json(proof: Proof) -> dict[str, Any]:
    """A row of `budnet prove --format json`."""
    packet = proof.packet and {
        "src": proof.packet.source.label, "dst": proof.packet.destination.label, "source": address_json(proof.packet.source),
        "destination": address_json(proof.packet.destination), "protocol": proof.packet.protocol.name, "port": proof.packet.port,
    }  # fmt: skip
    return {
        "name": proof.name, "status": proof.status.value, "summary": proof.summary, "note": proof.note or None, "because": proof.because, "packet": packet,
        "trace": trace_lines(proof.trace) if proof.trace else None, "origin": str(proof.origin) if proof.origin.line else None,
    }  # fmt: skip


REFUTED, NOT_KNOWN, BESIDE = "R901", "R902", "R903"


def said(found: list[Proof]) -> list[Diagnostic]:
    """What is not proved, and what has to be known of what is, at the line of the guarantee: for editors and code scanning."""
    out = []
    for proof in found:
        if proof.status is not Status.PROVED:
            code, word = (REFUTED, "refuted") if proof.status is Status.REFUTED else (NOT_KNOWN, "not known")
            packet = f": {trace_lines(proof.trace)[0]}" if proof.trace else f": {proof.note}" if proof.note else ""
            severity = Severity.ERROR if proof.status is Status.REFUTED else Severity.WARNING
            out.append(Diagnostic(code, severity, f"{word}: {proof.summary}{packet}", span(proof.origin), proof.because))
        elif proof.note:
            out.append(Diagnostic(BESIDE, Severity.INFO, f"proved: {proof.summary}: {proof.note}", span(proof.origin), proof.because))
    return out
