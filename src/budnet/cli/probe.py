"""budnet probe"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from budnet.cli.output import load, name_option, print_json, style, table, taking_options
from budnet.cli.which_twin import twin_for
from budnet.errors import WrongQuestion
from budnet.probe import layers, report, truth
from budnet.probe.sample import chosen
from budnet.questions.place import is_observed

PACKETS = "packets"
LAYERS = [PACKETS, *(layer.name for layer in layers.LAYERS)]


@click.command()
@click.argument("arguments", nargs=-1, metavar="[FILE] [LAYER]")
@click.option("--layer", type=click.Choice(LAYERS), help="Ask only this. The same as the word LAYER.")
@click.option(
    "--from",
    "sources",
    multiple=True,
    metavar="NODE",
    help="Only questions from this endpoint, service or subnet. Repeatable. `kubernetes:WHERE` takes the place of FILE.",
)
@click.option("--to", "targets", multiple=True, metavar="NODE", help="Only questions to this endpoint, service or subnet. Repeatable.")
@click.option("--junit", "junit_file", type=click.Path(dir_okay=False, path_type=Path), help="Write a JUnit report to this file as well.")
@click.option("--evidence", type=click.Path(dir_okay=False, path_type=Path), help="Write every question with its answers to this CSV file.")
@click.option(
    "--all", "everything", is_flag=True, help="Also those between members of a large fleet, of which a part is left out otherwise."
)
@click.option("--at", "place", metavar="HOST:PORT", help="With `tls`: ask this server of the real world, and no twin.")
@click.option("--profile", help="With --at: the TLS profile of FILE that it should have.")
@click.option("--starttls", type=click.Choice(["postgresql"]), default=None, help="With --at: how the server's protocol gets to TLS.")
@name_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
@taking_options
def command(
    arguments: Sequence[str], layer: str | None, sources: Sequence[str], targets: Sequence[str], junit_file: Path | None,
    evidence: Path | None, everything: bool, place: str | None, profile: str | None, starttls: str | None, name: str, form: str,
) -> None:  # fmt: skip
    """Send real packets along every flow there is and could be, and compare each fate with the proof. Exit 1 if one differs.

    Uses the twin that is up, if it was made of the same; where none is, one for the purpose. Every answer has evidence: who
    answered, or which rule dropped the packet. Silence is reported as LOST, never as a denial.

    LAYER is packets, or a layer of questions about what answers: dns, names, links, airgap, tls. Without one, all are asked.

    \b
    Examples:
      budnet probe
      budnet probe tls
      budnet probe tls --at 127.0.0.1:8443 --profile external
      budnet probe --from budapp --to data
      budnet probe --format json --junit probe.xml
      budnet probe --evidence probe.csv
      budnet probe catalog/fleet --all
      budnet probe --from kubernetes:manifests --to shop/db
    """
    file, layer = _file_and_layer(arguments, layer)
    networks, sources = [s for s in sources if is_observed(s)], [s for s in sources if not is_observed(s)]
    if networks:
        if file or len(networks) > 1 or layer not in (None, PACKETS):
            raise click.UsageError("a cluster is asked for packets only, and is one: --from kubernetes:WHERE takes the place of FILE")
        from budnet.cli.cluster_twin import ClusterTwin

        asked_cluster = ClusterTwin(networks[0], name, everything)
        _finish(asked_cluster.ask(sources, targets, _progress(form)), form, junit_file, evidence)
    if place or profile or starttls:
        if not place or layer != "tls":
            raise click.UsageError("--at HOST:PORT and --profile go with `budnet probe tls`")
        from budnet.cli.probe_at import probe_at

        probe_at(place, profile, starttls or "", file, form)
    network = load(file).network
    assert network is not None
    result = truth.Truth()
    with twin_for("probe", network, file, name) as twin:
        if layer in (None, PACKETS):
            rows, left_out = chosen(network, everything or bool(sources or targets))
            asked = [q for q in rows if _wanted(q.source, sources) and _wanted(q.destination, targets)]
            if not asked and (sources or targets):
                raise WrongQuestion("no question is from one of these to one of those: name endpoints, services or subnets")
            result = truth.truth(network, twin, asked, _progress(form))
            result.left_out = left_out
        if not sources and not targets and layer != PACKETS:
            result.join(layers.truth(network, twin, layer or ""))
    _finish(result, form, junit_file, evidence)


def _finish(result: truth.Truth, form: str, junit_file: Path | None, evidence: Path | None) -> NoReturn:
    """Prints and writes what came of it; ends with 0 where all agree."""
    for path, text in ((junit_file, report.junit), (evidence, report.evidence)):
        if path:
            path.write_text(text(result), encoding="utf-8")
    if form == "json":
        print_json("probe", result.json())
    else:
        _print(result)
    sys.exit(0 if result.agree == result.questions else 1)


def _file_and_layer(arguments: Sequence[str], layer: str | None) -> tuple[str | None, str | None]:
    """`budnet probe tls`: a word that is a layer is no file, unless a file is called so."""
    words = [a for a in arguments if a in LAYERS and not Path(a).exists()]
    files = [a for a in arguments if a not in words]
    if len(files) > 1 or len(words) > 1 or (words and layer):
        raise click.UsageError(f"one FILE and one LAYER at most; layers are {', '.join(LAYERS)}")
    return (files[0] if files else None), layer or (words[0] if words else None)


def _wanted(node: str, chosen: Sequence[str]) -> bool:
    parts = node.split("/")
    return not chosen or any(
        c == node or c in parts or node.startswith(f"{c}/") or node.rpartition("-")[0].endswith(f"/{c}") for c in chosen
    )


def _progress(form: str) -> truth.Progress | None:
    if form == "json" or not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        click.echo(f"\r{done} of {total} flows", nl=done >= total, err=True)

    return show


def _print(result: truth.Truth) -> None:
    if result.disagree:
        rows = [d.json() for d in result.disagree]
        table(["from", "to", "port", "predicted", "observed", "line"],
              ((r["src"], r["dst"], f"{r['port']}/{r['protocol'].lower()}", r["predicted"], r["observed"], r["origin"] or "") for r in rows))  # fmt: skip
    for note in result.notes:
        click.echo(style(f"note: {note}", "yellow"))
    fates = ", ".join(f"{count} {fate}" for fate, count in sorted(result.fates.items(), key=lambda f: -f[1]))
    word = style("agree", "green", True) if not result.disagree else style(f"{len(result.disagree)} DISAGREE", "red", True)
    click.echo(f"{result.questions} questions, {result.agree} answered alike: {word}\n{fates}\n{result.seconds:.2f} s of packets")
    if result.omission:
        click.echo(result.omission)
