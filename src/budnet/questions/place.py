"""FILE or KIND:WHERE -> the network that is asked about, and what was wrong with what was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from budnet.errors import Unreadable, WrongQuestion
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.source.diagnostic import Diagnostic, in_order
from budnet.source.report import to_text
from budnet.source.span import Span

if TYPE_CHECKING:
    from budnet.observe.kubernetes.cluster import Observed
    from budnet.pipeline import Loaded

KINDS = ("kubernetes",)
"""Networks that run already and that budnet did not write."""


@dataclass(frozen=True)
class Place:
    """A network to ask about. Of `loaded` and `observed` it has one: whichever it was read by."""

    name: str
    network: Network
    said: list[Diagnostic] = field(default_factory=list)
    """What was wrong and did not stop it."""
    loaded: Loaded | None = None
    observed: Observed | None = None


def is_observed(place: str | None) -> bool:
    """Whether a name has the form KIND:WHERE."""
    return place is not None and place.partition(":")[0] in KINDS


def read(place: str | None, literal: bool = False, airgapped: bool = False) -> Place:
    """FILE or KIND:WHERE; None is what the commands take then. Raises Unreadable, with the report of what is wrong."""
    if place is not None and is_observed(place):
        return running(place)
    from budnet import pipeline

    loaded = pipeline.load(place, literal, airgapped)
    return Place(loaded.file, sound(loaded), loaded.diagnostics, loaded=loaded)


def sound(loaded: Loaded) -> Network:
    """The network of a file without errors. Raises Unreadable."""
    if loaded.network is None:
        raise Unreadable(report(loaded.diagnostics, {loaded.file: loaded.text}))
    return loaded.network


def running(source: str, progress: Callable[[int, int], None] | None = None) -> Place:
    """KIND:WHERE. `progress` is told how many bytes of how many are read. Raises Unreadable where nothing of it sends or answers, WrongQuestion where it has not the form."""
    kind, _, where = source.partition(":")
    if kind not in KINDS or not where:
        raise WrongQuestion(
            f"'{source}' is not KIND:WHERE; KIND is {' or '.join(KINDS)}, WHERE a folder, a file, - for standard input, or `live` for the cluster of your kubeconfig"
        )
    from budnet.observe.kubernetes import cluster, live, sources
    from budnet.observe.kubernetes.fields import Problems

    problems = Problems()
    objects = live.objects(where, problems) if live.means(where) else sources.objects(where, problems, progress)
    found = cluster.network(objects, problems)
    if not found.network.endpoints:
        nobody = f"budnet: {where}: nothing in it sends or answers: there are no pods, and nothing that makes pods"
        raise Unreadable("\n".join(filter(None, [report(problems.found), nobody])))
    return Place(source, found.network, in_order(problems.found), observed=found)


def report(diagnostics: list[Diagnostic], texts: Mapping[str, str] | None = None) -> str:
    """Diagnostics as people read them, without colours."""
    return to_text(in_order(diagnostics), texts or {}, False)


def span(origin: Origin) -> Span | None:
    """The place of an origin in a file; None for what nobody wrote."""
    if not origin.line:
        return None
    return Span(origin.file, origin.line, origin.column or 1, origin.line, origin.column or 1)
