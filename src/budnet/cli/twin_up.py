"""budnet up"""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from budnet.cli.output import file_argument, format_option, is_airgapped, is_literal, load, name_option, print_json, style, taking_options
from budnet.cli.source import source_option
from budnet.errors import AlreadyUp

if TYPE_CHECKING:
    from budnet.ir.network import Network
    from budnet.pipeline import Loaded


@click.command()
@file_argument
@click.option(
    "--attach", is_flag=True, help="Prove and probe it, print the report, stay up until Ctrl-C (on a terminal), and take it down."
)
@click.option("--mesh", type=click.Choice(["haproxy", "dapr"]), default="haproxy", show_default=True,
              help="Who the sidecars are: one HAProxy, or Dapr's own programs where they are on PATH.")  # fmt: skip
@source_option
@click.option("--all", "everything", is_flag=True, help="With --from: every pod, and not only two of each class.")
@name_option
@format_option
@taking_options
def command(file: str | None, attach: bool, mesh: str, source: str | None, everything: bool, name: str, form: str) -> None:
    """Bring the twin of FILE up: namespaces, filters and real servers on this machine, with no way out of it.

    A twin of the same file that is up already is left as it is. Of a cluster that runs already (--from) the twin has pods, nodes
    and hosts outside, with its policies as filters; what it does not have is said.

    \b
    Examples:
      budnet up && budnet probe && budnet down
      budnet up --attach
      budnet up other.yaml --name other
      budnet up --mesh dapr
      budnet up --from kubernetes:manifests && budnet probe --from kubernetes:manifests && budnet down
    """
    if source:
        if file or attach:
            raise click.UsageError(
                "--from takes the place of FILE, and goes without --attach: `budnet probe --from` brings up, asks and takes down"
            )
        from budnet.cli.cluster_twin import up as up_cluster

        up_cluster(source, name, everything, form)
        return
    loaded = load(file)
    network = loaded.network
    assert network is not None
    start = time.perf_counter()
    missing = bring_up(network, name, attach, mesh)
    seconds = time.perf_counter() - start
    _lock(loaded)
    if attach:
        sys.exit(_report(network, loaded, name, seconds))
    from budnet.twin.lab import Twin

    status = Twin(name).status()
    if form == "json":
        print_json("up", {"name": name, "topology": network.name, "seconds": round(seconds, 3), "spaces": len(status["spaces"]),
                          "servers": len(status["servers"]), "missing": missing,
                          "mesh": status["mesh"]["kind"], "tunnels_down": status["tunnels_down"], "notes": status["notes"], "signed": status["signed"]})  # fmt: skip
        return
    if missing:
        click.echo(style(f"not here: {', '.join(missing)}; listeners of budnet's own stand in (`make setup` unpacks real ones)", "yellow"))
    _signed(status)
    for link, why in status["tunnels_down"].items():
        click.echo(style(f"the tunnel of {link} is not up, so nothing passes over it: {why}", "yellow"))
    if status["mesh"]["said"]:
        click.echo(status["mesh"]["said"] if status["mesh"]["kind"] else style(status["mesh"]["said"], "yellow"))
    up = f"{len(status['spaces'])} namespaces, {len(status['servers'])} real servers, {len(status['listeners'])} listeners of budnet's own"
    click.echo(
        f"{network.name} is up in {seconds:.2f} s: {up}\n`budnet ps` lists them, `budnet probe` tries every flow, `budnet down` takes it down"
    )


def _signed(status: dict[str, Any]) -> None:
    """Who signed what was ordered, and what is otherwise than the file says."""
    for each in status["signed"]:
        failed = f": {each['error']}" if each["error"] else ""
        text = f"certificate '{each['row']}' ({each['origin']}) is signed by {each['by']}{failed}"
        click.echo(style(text, "red") if failed else text)
    for note in status["notes"]:
        click.echo(style(note, "yellow"))


def bring_up(network: Network, name: str, attached: bool, mesh: str = "haproxy") -> list[str]:
    """Plans, stages and starts a twin; returns what could not be had. A twin of the same topology that is up is left alone."""
    from budnet.twin import lab, tools
    from budnet.twin.build import plan
    from budnet.twin.staging import stage

    found = tools.find()
    staged = stage(network, plan(network), found, mesh)
    try:
        lab.up(staged, found, name, attached)
    except AlreadyUp:
        if attached or lab.Twin(name).status()["plan"] != staged.digest:
            raise
    return list(staged.missing)


def _lock(loaded: Loaded) -> None:
    """Addresses that now exist must not move: a file of the user's gets its lock. Those of its faults are not worth one."""
    from budnet.cli.lock import write

    if Path(loaded.file).exists() and not is_literal() and not is_airgapped():
        write(Path(loaded.file), loaded.addresses)


def _report(network: Network, loaded: Loaded, name: str, seconds: float) -> int:
    """Proof, probe, one screen; then wait, then down. 1 if a guarantee is refuted or an answer differs."""
    from budnet.cli.screen import screen
    from budnet.twin.lab import Twin

    twin = Twin(name)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        good = screen(network, loaded.file, twin, seconds)
        if sys.stdin.isatty():
            click.echo("\nIt stays up until Ctrl-C. In another terminal: budnet ps, budnet exec NODE COMMAND, budnet probe")
            try:
                signal.pause()
            except KeyboardInterrupt:
                click.echo()
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave us half way down
        twin.down()
    click.echo("down: nothing is left")
    return 0 if good else 1
