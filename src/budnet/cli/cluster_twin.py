"""`budnet up` and `budnet probe` of a cluster that budnet did not write."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from functools import cached_property

import click

from budnet.cli.output import print_json, style
from budnet.cli.source import network
from budnet.cli.which_twin import one_of_its_own
from budnet.errors import AlreadyUp, NoTwin, WrongQuestion
from budnet.ir.called import named
from budnet.ir.digest import digests
from budnet.probe import truth
from budnet.probe.rehearsal import Expected, Rehearsal, rehearse
from budnet.source.diagnostic import suggest
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

    def _meant(self, names: Sequence[str]) -> set[str]:
        """The ids that names mean as they do elsewhere; without names all. Raises WrongQuestion where nobody is called so."""
        endpoints = self.rehearsal.network.endpoints
        found = {name: {e.id for e in named(endpoints, name)} for name in names}
        for name, ids in found.items():
            if not ids:
                raise WrongQuestion(f"nobody that runs is called '{name}'. {suggest(name, [e.service for e in endpoints])}".strip())
        return set().union(*found.values()) if names else {e.id for e in endpoints}

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

    def ask(self, sources: Sequence[str], targets: Sequence[str], progress: truth.Progress | None = None) -> truth.Truth:
        """Real packets, compared; by a twin of its own where none is up. `sources` and `targets`: whom only, by name."""
        expected = Expected(self.rehearsal)
        here, there = self._meant(sources), self._meant(targets)
        asked = [q for q in self.rehearsal.questions(expected) if q.source in here and q.destination in there]
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
