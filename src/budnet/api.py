"""The questions of the command line for programs: `import budnet`, then `budnet.load(...)`.

Every method answers with rows: a pandas or polars data frame where one of them is installed, else a list of dicts; in either
case with the values of the command's `--format json`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from budnet.errors import BudnetError

if TYPE_CHECKING:
    from budnet.ir.network import Network as Resolved

Rows = list[dict[str, Any]]


class Unreadable(BudnetError):
    """What was to be loaded has errors; the text is the report that the command line prints."""


def load(place: str | None = None, guarantees: str | None = None) -> Network:
    """A FILE, `catalog/NAME`, or a network that runs already as `--from` takes it; nothing is what the commands take then.

    `guarantees`: a file with guarantees about a network that runs already. Raises `Unreadable`.

    >>> import budnet
    >>> budnet.load("catalog/foundry").prove(frame=False)[0]["status"]
    'proved'
    """
    from budnet import pipeline

    if place is not None and place.startswith("kubernetes:"):
        network = _observed(place.partition(":")[2])
        if guarantees is not None:
            network = _sound(pipeline.with_guarantees(network, guarantees))
        return Network(network)
    return Network(_sound(pipeline.load(place)))


def _sound(loaded: Any) -> Resolved:
    from budnet.source.diagnostic import in_order
    from budnet.source.report import to_text

    if loaded.network is None:
        raise Unreadable(to_text(in_order(loaded.diagnostics), {loaded.file: loaded.text}, False))
    network: Resolved = loaded.network
    return network


def _observed(where: str) -> Resolved:
    from budnet.observe.kubernetes import cluster, sources
    from budnet.observe.kubernetes.fields import Problems
    from budnet.source.diagnostic import in_order
    from budnet.source.report import to_text

    problems = Problems()
    found = cluster.network(sources.objects(where, problems), problems).network
    if not found.endpoints:
        raise Unreadable(to_text(in_order(problems.found), {}, False) or f"{where}: nothing in it sends or answers")
    return found


class Network:
    """A network to ask about. `frame=False` gives lists of dicts whatever is installed."""

    def __init__(self, resolved: Resolved) -> None:
        self.resolved = resolved

    def matrix(self, frame: bool = True) -> Any:
        """Who reaches whom: the rows of `budnet matrix`.

        >>> import budnet
        >>> row = budnet.load("catalog/foundry").matrix(frame=False)[0]
        >>> sorted(row)
        ['allowed', 'dst', 'one_way', 'src', 'unknown']
        """
        from budnet.cli.matrix import rows_json

        return _given(list(rows_json(self.resolved)), frame)

    def reach(self, src: str, dst: str, port: str) -> dict[str, Any]:
        """Whether one reaches the other on a port, with what decided: the document of `budnet reach`.

        >>> import budnet
        >>> budnet.load("catalog/foundry").reach("budapp", "postgresql", "sql")["reachable"]
        True
        """
        from budnet.cli import asked
        from budnet.cli.reach import best_trace, trace_json
        from budnet.reach.engine import Engine

        engine = Engine(self.resolved)
        try:
            question = asked.who(engine, src, dst)
            return trace_json(best_trace(engine, question, *asked.port(engine, port, question.destinations)))
        except SystemExit:
            raise ValueError(f"{src} to {dst} on {port} names nobody, or no port") from None

    def prove(self, frame: bool = True) -> Any:
        """The guarantees: the rows of `budnet prove`."""
        from budnet.cli.prove import proof_json
        from budnet.reach.engine import Engine
        from budnet.reach.guaranteed import prove_cluster
        from budnet.reach.prove import prove

        proofs = prove(Engine(self.resolved)) if self.resolved.vpcs else prove_cluster(self.resolved)
        return _given([proof_json(p) for p in proofs], frame)

    def diff(self, other: Network, frame: bool = True) -> Any:
        """What `other` opens and closes against this one: the rows of `budnet diff`, each with what it `is`."""
        from budnet.cli.diff import between, row_json

        found = between(self.resolved, other.resolved)
        changes = {"opened": found.opened, "closed": found.closed, "unknown": found.unknown}
        return _given([{"is": what, **row_json(c)} for what, each in changes.items() for c in each], frame)


def _given(rows: Rows, frame: bool) -> Any:
    """As a data frame, by whichever library there is."""
    from importlib import import_module
    from importlib.util import find_spec

    name = next((n for n in ("pandas", "polars") if find_spec(n)), None) if frame else None
    return rows if name is None else import_module(name).DataFrame(rows)
