"""budnet prove"""

from __future__ import annotations

import sys
import time

import click

from budnet.cli.output import file_argument, forms, markdown, print_answer, print_sarif, report, style, taking_options
from budnet.cli.source import network, source_option
from budnet.ir.address import spelt_one
from budnet.ir.network import Network
from budnet.questions.prove import answer, proofs, said
from budnet.questions.reach import trace_lines
from budnet.reach.proof import Proof, Status

_COLOUR = {Status.PROVED: "green", Status.REFUTED: "red", Status.UNKNOWN: "yellow"}


@click.command()
@file_argument
@source_option
@click.option("--guarantees", type=click.Path(dir_okay=False), help="With --from: a file with `guarantees:` about that network.")
@forms("sarif")
@click.option("--watch", "watched", is_flag=True, help="Prove again whenever it is edited, what the edit can touch; ends with Ctrl-C.")
@taking_options
def command(file: str | None, source: str | None, guarantees: str | None, form: str, watched: bool) -> None:
    """Prove the guarantees of FILE, and that exactly its declared flows are delivered. Exit 1 if one is not proved.

    Of a network that runs already (--from) the guarantees stand in a file of their own, in the same words; their sides are
    NAMESPACE/WORKLOAD, NAMESPACE/*, NAMESPACE?KEY=VALUE, `internet`, and prefixes.

    \b
    Examples:
      budnet prove
      budnet prove network.yaml --format json
      budnet prove --format sarif > budnet.sarif
      budnet prove --from kubernetes:manifests --guarantees guarantees.yaml
      budnet prove --from kubernetes:manifests --guarantees guarantees.yaml --watch
    """
    if bool(source) != bool(guarantees):
        raise click.UsageError("--from and --guarantees belong together: a network, and what must hold of it")
    if watched:
        from budnet.cli.watch import watch

        watch(file, source, guarantees, form)
    found = network(file, source)
    if guarantees:
        found = _with(found, guarantees)
    start = time.perf_counter()
    proved = proofs(found)
    seconds = time.perf_counter() - start
    if form in ("json", "csv"):
        print_answer(answer(proved), form)
    elif form == "sarif":
        print_sarif(said(proved))
    elif form == "markdown":
        markdown(["", "guarantee", "packet", "line"], (_row(p) for p in proved))
    else:
        for proof in proved:
            print_proof(proof)
        good = sum(p.status is Status.PROVED for p in proved)
        click.echo(f"\n{good} of {len(proved)} proved, over {max(p.count for p in proved) or len(proved)} pairs of addresses")
        click.echo(f"budnet: proved in {seconds:.2f} s", err=True)  # stdout is the same whenever the network is
    sys.exit(0 if all(p.status is Status.PROVED for p in proved) else 1)


def _row(proof: Proof) -> tuple[str, ...]:
    packet = proof.packet
    shown = f"`{packet.source.label}` to `{packet.destination.label}` {spelt_one(packet.protocol, packet.port)}" if packet else ""
    summary = f"{proof.summary}: {proof.note}" if proof.note else proof.summary
    return proof.status.value, summary, shown, str(proof.origin) if proof.origin.line else ""


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
    if proof.note:
        click.echo(f"         {proof.note}")
    if proof.trace is not None:
        click.echo("\n".join(f"         {line}" for line in trace_lines(proof.trace)))
