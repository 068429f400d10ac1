"""Names that stand for other names: where each chain ends, in every view that has it."""

from __future__ import annotations

from collections.abc import Iterator

from budnet.ir.names import CLUSTERSET, PUBLIC_VIEW
from budnet.ir.origin import Origin
from budnet.resolve.draft import Draft
from budnet.source.document import Path

LOOP, NOWHERE = "R661", "R662"


def written(draft: Draft) -> Iterator[tuple[Path, str, str]]:
    """(path, name in full, what it stands for). A name of a cluster is spelt out once for each domain that clusters have."""
    names, domains = draft.topology.names, dict.fromkeys(n.cluster.domain for n in draft.topology.networks.values() if n.cluster)
    for label, external in names.external.items():
        if external.alias:
            yield ("names", "external", label, "alias"), f"{label}.{draft.topology.domain}", external.alias
    for label, internal in names.internal.items():
        if internal.alias:
            yield ("names", "internal", label, "alias"), f"{label}.{draft.topology.domain}", internal.alias
    for label, cluster in names.cluster.items():
        yield from ((("names", "cluster", label, "alias"), f"{label}.svc.{domain}", cluster.alias) for domain in domains)


def hosts_outside(draft: Draft) -> dict[str, Origin]:
    """What aliases stand for outside all zones of ours: hosts of the internet, as far as DNS is concerned."""
    clusters = [n.cluster.domain for n in draft.topology.networks.values() if n.cluster]
    ours = (draft.topology.domain, CLUSTERSET, *clusters)
    return {
        target: draft.origin(*path[:-1])
        for path, _, target in written(draft)
        if "." in target and not any(target == zone or target.endswith(f".{zone}") for zone in ours)
    }


def check(draft: Draft) -> None:
    """Every chain ends at an address, in each view that has its name."""
    names: dict[str, set[str]] = {}
    chains: dict[str, dict[str, str]] = {}
    for record in draft.records:
        names.setdefault(record.view, set()).add(record.name)
        if record.kind == "CNAME":
            chains.setdefault(record.view, {})[record.name] = record.data
    for path, host, target in written(draft):
        for view, chain in chains.items():
            if chain.get(host) == target and not _ends(draft, view, chain, names[view], path, host):
                break


def _ends(draft: Draft, view: str, chain: dict[str, str], names: set[str], path: Path, host: str) -> bool:
    way = [host]
    while (target := chain.get(way[-1])) is not None:
        if target in way:
            if target == host == next(name for name in chain if name in way):  # once, and not of who only leads into the loop
                draft.error(LOOP, f"'{host}' stands for itself: {' -> '.join([*way, target])}", path, "name something that has an address")
            return False
        way.append(target)
    if way[-1] in names:
        return True
    if len(way) == 2:  # reported where the last step is written
        draft.error(NOWHERE, f"{_view(view)} there is no '{way[-1]}' for '{host}' to stand for", path, _help(draft, view, way[-1]))
    return False


def _view(view: str) -> str:
    return "in the public view" if view == PUBLIC_VIEW else f"in network '{view}'"


def _help(draft: Draft, view: str, target: str) -> str:
    elsewhere = sorted({r.view for r in draft.records if r.name == target} - {PUBLIC_VIEW})
    if elsewhere and view == PUBLIC_VIEW:
        return f"only network {' and '.join(elsewhere)} knows that name: make this an internal name, or that an external one"
    if elsewhere:
        return f"only network {' and '.join(elsewhere)} knows that name: add `in: {elsewhere[0]}`"
    known = sorted({r.name for r in draft.records if r.view == view and r.kind in ("A", "AAAA", "CNAME")})
    return draft.suggest(target, known) or "name something that has an address"
