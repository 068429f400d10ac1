"""The report of `budnet up --attach`: one screen, for a manager as well as for an engineer."""

from __future__ import annotations

import time
from collections import Counter

import click

from budnet.cli.output import style
from budnet.cli.prove import print_proof
from budnet.ir.endpoint import EndpointKind
from budnet.ir.network import Network
from budnet.probe import truth
from budnet.probe.layers import LAYERS, Layer
from budnet.probe.sample import chosen
from budnet.reach.engine import Engine
from budnet.reach.prove import Proof, Status, prove
from budnet.twin.lab import Twin

_SHOWN = 10


def screen(network: Network, file: str, twin: Twin, seconds: float) -> bool:
    """Prints it; returns whether everything is as it should be."""
    status = twin.facts
    click.echo(f"{style(network.name, 'cyan', True)} from {file}\n")
    pods = sum(e.kind is EndpointKind.POD for e in network.inside)
    tiers = len({s.tier for s in network.subnets})
    _row(
        "network",
        f"{len(network.vpcs)} VPCs, {tiers} subnets in {len(network.subnets)} zone subnets, {pods} pods, {len(network.inside) - pods} hosts",
    )
    _row(
        "twin",
        f"up in {seconds:.2f} s: {len(status['spaces'])} namespaces, {len(status['listeners'])} listeners of budnet's own, and for real",
    )
    software = Counter(s["software"] for s in status["servers"])
    _row(
        "",
        ", ".join(f"{name} x{count}" if count > 1 else name for name, count in sorted(software.items())) or "no server that is installed",
    )
    if status["mesh"]["said"]:
        _row("mesh", status["mesh"]["said"] if status["mesh"]["kind"] else style(status["mesh"]["said"], "yellow"))
    if status["missing"]:
        _row("", style(f"not here: {', '.join(status['missing'])}; listeners of budnet's own stand in", "yellow"))
    for link, why in status["tunnels_down"].items():
        _row("", style(f"the tunnel of {link} is not up: {why}", "yellow"))
    start = time.perf_counter()
    proofs = prove(Engine(network))
    proved = _proofs(proofs, time.perf_counter() - start)
    asked, left_out = chosen(network)
    table = truth.truth(network, twin, asked)
    table.left_out = left_out
    agreed = _packets(table)
    layers = [_layer(layer, network, twin) for layer in LAYERS]  # all of them are shown, also behind one that failed
    return all(layers) and proved and agreed


def _row(title: str, text: str) -> None:
    click.echo(f"  {title:9} {text}")


def _proofs(proofs: list[Proof], seconds: float) -> bool:
    good = sum(p.status is Status.PROVED for p in proofs)
    mark = _mark(good == len(proofs))
    _row("proof", f"{mark} {good} of {len(proofs)} guarantees proved over {proofs[0].count} pairs of addresses in {seconds:.2f} s")
    for proof in proofs:
        if proof.status is not Status.PROVED:
            print_proof(proof)
    return good == len(proofs)


def _packets(table: truth.Truth) -> bool:
    good = table.agree == table.questions
    rate = table.questions / table.seconds if table.seconds else 0
    _row(
        "packets",
        f"{_mark(good)} {table.agree} of {table.questions} flows behave as proved, in {table.seconds:.1f} s ({rate:,.0f} a second)",
    )
    fates = ", ".join(f"{count} {fate.lower().replace('_', ' ')}" for fate, count in sorted(table.fates.items(), key=lambda f: -f[1]))
    _row("", fates)
    if table.omission:
        _row("", table.omission)
    for each in table.disagree[:_SHOWN]:
        click.echo(f"    {each}")
    if len(table.disagree) > _SHOWN:
        click.echo(f"    and {len(table.disagree) - _SHOWN} more: `budnet probe` lists them")
    return good


def _layer(layer: Layer, network: Network, twin: Twin) -> bool:
    """A layer that has nothing to ask of this network is not shown."""
    table = layer.truth(network, twin)
    good = table.agree == table.questions
    if table.questions:
        _row(layer.name, f"{_mark(good)} {table.agree} of {table.questions} {layer.what}")
    for note in table.notes:
        _row("", style(f"not asked: {note}", "yellow"))
    for each in table.disagree[:_SHOWN]:
        click.echo(f"    {each}")
    return good


def _mark(good: bool) -> str:
    return style("ok ", "green", True) if good else style("NO ", "red", True)
