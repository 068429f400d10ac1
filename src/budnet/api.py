"""The questions of the command line for programs: `import budnet`, then `budnet.load(...)`.

Every question is answered with a `budnet.questions.answer.Answer`: `.rows` is a list of dicts with the values of the command's
`--format json`, `.frame()` a pandas or polars data frame of them, `.to_json()` the command's whole document. What cannot be read
raises `Unreadable`, and a question that names nobody `WrongQuestion`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from os import PathLike, fspath
from typing import TYPE_CHECKING, TypeAlias

from budnet.errors import Unreadable, WrongQuestion

if TYPE_CHECKING:
    from budnet.ir.network import Network as Resolved
    from budnet.questions.answer import Answer
    from budnet.questions.matrix import Row
    from budnet.questions.place import Place
    from budnet.reach.engine import Engine

Where: TypeAlias = "str | PathLike[str]"
Port: TypeAlias = str | int
"""As on the command line; a number alone is of TCP."""

__all__ = ["Network", "Unreadable", "WrongQuestion", "load"]


def load(place: Where | None = None, guarantees: Where | None = None, *, literal: bool = False, airgapped: bool = False) -> Network:
    """A FILE, `catalog/NAME`, or a network that runs already as `--from` takes it; nothing is what the commands take then.

    `guarantees`: a file with guarantees about a network that runs already. `literal` and `airgapped` are the options of those names.

    >>> import budnet
    >>> foundry = budnet.load("catalog/foundry")
    >>> foundry.prove()[0]["status"]
    'proved'
    """
    from budnet import pipeline
    from budnet.questions import place as places

    found = places.read(None if place is None else fspath(place), literal, airgapped)
    if guarantees is None:
        return Network(found)
    if not found.observed:
        raise WrongQuestion("`guarantees` belong to a network that budnet did not write; a file of ours has its own")
    return Network(found, places.sound(pipeline.with_guarantees(found.network, fspath(guarantees))))


class Network:
    """A network to ask about. Names, ports and filters are written as on the command line."""

    def __init__(self, place: Place, resolved: Resolved | None = None) -> None:
        self.place = place
        self.resolved = resolved or place.network

    def __repr__(self) -> str:
        return f"<budnet network {self.resolved.name} from {self.place.name}: {len(self.resolved.endpoints)} endpoints>"

    @cached_property
    def _engine(self) -> Engine:
        from budnet.reach.engine import Engine

        return Engine(self.resolved)

    @property
    def problems(self) -> Answer:
        """What was wrong with what was read, and did not stop it."""
        from budnet.questions import lint
        from budnet.questions.answer import Answer

        rows = lint.answer(self.place.said).rows
        return Answer("load", rows, lint.COLUMNS, {"diagnostics": rows})

    def matrix(
        self, *, workload: str | None = None, peer: str | None = None, direction: str | None = None, port: Port | None = None,
        allowed: bool = False, unknown: bool = False, denied: bool = False, by: str | None = None,
    ) -> Answer:  # fmt: skip
        """Who reaches whom: the rows of `budnet matrix`, with its filters.

        >>> import budnet
        >>> found = budnet.load("catalog/foundry").matrix(workload="*/postgresql", direction="in", port="5432/tcp")
        >>> found[0]["allowed"]
        [{'protocol': 'TCP', 'ports': [[5432, 5432]]}]
        """
        from budnet.questions import matrix
        from budnet.questions.answer import Answer
        from budnet.questions.classes import rectangles
        from budnet.questions.focus import Focus

        if by is not None and by not in matrix.BY:
            raise WrongQuestion(f"'{by}' is not one of {', '.join(matrix.BY)}")
        answers = {"allowed": allowed, "unknown": unknown, "denied": denied}
        focus = Focus(workload, peer, direction, None if port is None else str(port), tuple(a for a, asked in answers.items() if asked))
        pairs, joined = matrix.of(self.resolved, by, focus), by == "class"
        found: Iterator[Row] = rectangles(pairs, focus) if joined else matrix.rows(pairs, focus)
        rows = [each for row in found for each in matrix.row_json(row, joined)]
        return Answer(
            "matrix",
            rows,
            matrix.COLUMNS,
            {"rows": rows, "endpoints": pairs.endpoints, "outside": matrix.outside_json(pairs), "both_families": pairs.both},
        )

    def reach(self, src: str, dst: str, port: Port | None = None) -> Answer:
        """Whether one reaches the other on a port, or on any, with what decided: one row, the document of `budnet reach`.

        >>> import budnet
        >>> budnet.load("catalog/foundry").reach("budapp", "postgresql", "sql")[0]["reachable"]
        True
        """
        from budnet.questions import reach

        return reach.answer(reach.reach(self._engine, src, dst, None if port is None else str(port)))

    def explain(self, src: str, dst: str, port: Port) -> Answer:
        """Every filter on the way, a row each; `.document["changes"]` is the smallest change that would open the flow.

        >>> import budnet
        >>> found = budnet.load("catalog/foundry").explain("internet", "postgresql", "5432/tcp")
        >>> found.document["reachable"]
        False
        """
        from budnet.questions import explain

        return explain.answer(explain.explain(self._engine, src, dst, str(port), self.place.loaded))

    def exposure(self, new_pods: bool = True) -> Answer:
        """What the internet reaches, a row each; `.document["new_pods"]` is what pods that are not there yet could."""
        from budnet.questions import exposure

        return exposure.answer(exposure.exposure(self.resolved, new_pods))

    def prove(self) -> Answer:
        """The guarantees, a row each. Raises WrongQuestion where there are none: a network that runs already gets them from `load`."""
        from budnet.questions import prove

        if self.place.observed and not self.resolved.guarantees:
            raise WrongQuestion("nothing is guaranteed about this network: name a file of guarantees, `load(place, guarantees=FILE)`")
        return prove.answer(prove.proofs(self.resolved))

    def lint(self) -> Answer:
        """What is odd about policies and Services, a row each."""
        from budnet.questions import lint

        return lint.answer(lint.lint(self.place))

    def diff(self, other: Network | Where) -> Answer:
        """What `other`, a network or what `load` takes, opens and closes against this one: the rows of `budnet diff`, each with what
        it `is`."""
        from budnet.questions import diff

        new = other if isinstance(other, Network) else load(other)
        return diff.answer(diff.between(self.resolved, new.resolved))
