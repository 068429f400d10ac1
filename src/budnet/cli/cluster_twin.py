"""`budnet up` and `budnet probe` of a cluster that budnet did not write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cached_property

import click

from budnet.cli.output import print_json, style
from budnet.cli.source import network
from budnet.cli.which_twin import one_of_its_own
from budnet.errors import AlreadyUp, NoTwin
from budnet.ir.digest import digests
from budnet.probe import truth
from budnet.probe.rehearsal import Expected, Rehearsal, rehearse
from budnet.twin import lab, tools
from budnet.twin.build import plan
from budnet.twin.staging import Stage


class ClusterTwin:
    """What runs of a cluster, and its twin by name."""

    def __init__(self, source: str, name: str, everything: bool) -> None:
        self.name = name
        self.rehearsal: Rehearsal = rehearse(network(None, source), everything)

    @cached_property
    def staged(self) -> Stage:
        """The same for the same cluster, so that a twin that is up is known again."""
        network = self.rehearsal.network
        return Stage(plan(network), (), (), (), made_of=tuple(digests(network).items()))

    def up(self) -> None:
        """Brings it up; one of the same cluster that is up is left alone. Raises AlreadyUp where another one is."""
        try:
            lab.up(self.staged, tools.find(), self.name)
        except AlreadyUp:
            if not self.is_up():
                raise

    def is_up(self) -> bool:
        """Whether the twin of this name is of this very cluster."""
        try:
            return bool(lab.Twin(self.name).facts["plan"] == self.staged.digest)
        except NoTwin:
            return False

    def ask(self, wanted: Callable[[str, str], bool], progress: truth.Progress | None = None) -> truth.Truth:
        """Real packets, compared; by a twin of its own where none is up."""
        expected = Expected(self.rehearsal)
        asked = [q for q in self.rehearsal.questions(expected) if wanted(q.source, q.destination)]
        own = one_of_its_own("probe", lambda name: lab.up(self.staged, tools.find(), name, attached=True))
        with nullcontext(lab.Twin(self.name)) if self.is_up() else own as twin:
            found = truth.truth(self.rehearsal.network, twin, asked, progress, expected)
        found.notes += self.rehearsal.notes
        if self.rehearsal.unknown:
            found.notes.append(f"{self.rehearsal.unknown} questions were not asked: what decides them is not modelled, or not known")
        return found


def up(source: str, name: str, everything: bool, form: str) -> None:
    """`budnet up --from`."""
    twin = ClusterTwin(source, name, everything)
    twin.up()
    status = lab.Twin(name).status()
    seconds, spaces, listeners = status["timings"]["total"], len(status["spaces"]), len(status["listeners"])
    if form == "json":
        print_json(
            "up",
            {
                "name": name,
                "topology": status["name"],
                "seconds": round(seconds, 3),
                "spaces": spaces,
                "listeners": listeners,
                "notes": twin.rehearsal.notes,
            },
        )
        return
    say(twin.rehearsal.notes)
    click.echo(f"{source} is up in {seconds:.2f} s: {spaces} namespaces, {listeners} listeners of budnet's own")
    click.echo(f"`budnet ps` lists them, `budnet probe --from {source}` tries every flow, `budnet down` takes it down")


def say(notes: Sequence[str]) -> None:
    """What is not as in the cluster."""
    for note in notes:
        click.echo(style(f"note: {note}", "yellow"))
