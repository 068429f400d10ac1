"""Guarantees asked again whenever what they are about is edited."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from budnet import pipeline
from budnet.errors import WrongQuestion
from budnet.ir.intent import Guarantee
from budnet.ir.network import Network
from budnet.observe.kubernetes import live
from budnet.observe.kubernetes.watched import Watched
from budnet.packets.addresses import address
from budnet.packets.transports import Transports
from budnet.questions import place
from budnet.questions.prove import proofs
from budnet.reach.guaranteed import Prover
from budnet.reach.proof import Proof
from budnet.reach.table.change import Change
from budnet.reach.table.table import Table
from budnet.records import replace
from budnet.source.diagnostic import Diagnostic, in_order


@dataclass(frozen=True, slots=True)
class Flow:
    """Between two workloads, or parts of the outside, what passes now and did not, and the other way round."""

    src: str
    dst: str
    opened: Transports
    closed: Transports


@dataclass(frozen=True, slots=True)
class Seen:
    """What an edit came to."""

    proofs: list[Proof]
    asked: tuple[int, ...]
    """Positions of the proofs that were worked out again; the others are as they were."""
    flows: list[Flow] | None
    """None where everything was worked out anew."""
    said: list[Diagnostic]
    seconds: float
    """To prove; reading is not in it."""


class Watch:
    """One network and its guarantees. `look` gives what has become of them, and None while nothing was edited.

    What only an edit of a cluster's policies can touch is proved again alone (`reach/table/change.py`). A FILE of our own is
    proved whole.
    """

    def __init__(self, file: str | None, source: str | None, guarantees: str | None) -> None:
        self._file, self._guarantees = file, guarantees
        self._watched: Watched | None = None
        if source is not None:
            kind, _, where = source.partition(":")
            if kind not in place.KINDS or not where or where == "-" or live.means(where):
                raise WrongQuestion(f"'{source}' cannot be watched: only folders and files can, such as kubernetes:manifests")
            if not Path(where).exists():
                place.running(source)  # which says what is wrong
            self._watched = Watched(where)
        self._network: Network | None = None
        self._asked: tuple[Guarantee, ...] | None = None
        self._prover: Prover | None = None
        self._stamps: list[int] = []

    def look(self) -> Seen | None:
        """Once. Raises Unreadable where what is there now cannot be asked about; what was known before is kept."""
        return self._cluster(self._watched) if self._watched else self._own()

    def _own(self) -> Seen | None:
        file = Path(self._file or pipeline.DEFAULT_FILE)
        if not self._edited([file, pipeline.lock_path(file)]):
            return None
        loaded = pipeline.load(self._file)
        network = place.sound(loaded)
        start = time.perf_counter()
        found = proofs(network)
        return Seen(found, tuple(range(len(found))), None, loaded.diagnostics, time.perf_counter() - start)

    def _cluster(self, watched: Watched) -> Seen | None:
        assert self._guarantees is not None
        asked_others = self._edited([Path(self._guarantees)])
        observed = watched.read()
        if observed is None and not asked_others:
            return None
        before = self._network
        if observed is not None:
            self._network = observed.network
        assert self._network is not None
        if asked_others or before is None or self._asked is None or before.endpoints is not self._network.endpoints:
            self._asked = None  # unless what follows goes well
            self._asked = place.sound(pipeline.with_guarantees(self._network, self._guarantees)).guarantees
        network = replace(self._network, guarantees=self._asked)
        said = in_order(observed.problems.found) if observed is not None else []
        start = time.perf_counter()
        if asked_others or self._prover is None:
            self._prover = Prover(network)
            return Seen(self._prover.proofs, tuple(range(len(self._prover.proofs))), None, said, time.perf_counter() - start)
        again = self._prover.edit(network)
        flows = None if again.change is None else list(_flows(self._prover.table, again.change))
        return Seen(self._prover.proofs, again.asked, flows, said, time.perf_counter() - start)

    def _edited(self, files: list[Path]) -> bool:
        stamps = [f.stat().st_mtime_ns if f.exists() else 0 for f in files]
        if stamps == self._stamps:
            return False
        self._stamps = stamps
        return True


def _flows(table: Table, change: Change) -> Iterator[Flow]:
    """What a change opened and closed between workloads, each said once."""
    columns = table.columns
    edges = list(columns.edges_of_columns())
    said: dict[tuple[int, int], tuple[Transports, Transports]] = {}
    known: dict[tuple[str, str], set[tuple[int, int]]] = {}

    def label(column: int) -> str:
        if column < columns.inside:
            return columns.members[column][0].service
        return f"outside from {address(edges[column])}"

    def alone(column: int) -> bool:
        """Whether it is one pod, which asks itself nothing."""
        members = columns.members[column] if column < columns.inside else ()
        return len(members) == 1 and members[0].id not in several

    several = set(table.network.several)
    for source, destination, before, after in change.pairs():
        ends = label(source), label(destination)
        if (before, after) not in said:
            was, now = table.sets(before)[0], table.sets(after)[0]
            said[before, after] = now - was, was - now
        opened, closed = said[before, after]
        if not (source == destination and alone(source)) and (opened or closed) and (before, after) not in known.setdefault(ends, set()):
            known[ends].add((before, after))
            yield Flow(*ends, opened, closed)
