"""What pods that are not there yet could reach: new ones in namespaces that exist, and in a namespace with any labels.

Labels are chosen by whoever makes the pod, so policies by label hold only against those who may not make pods. Every choice that
some policy could tell apart becomes a pod of its own in a Network beside the real one: of each key that selectors name, every value that
they name, one that none names, and none at all. Where these are too many, each selector's own least choice is taken, and it is said
that others may reach more. (A namespace's name is its label `kubernetes.io/metadata.name`, which nobody can choose to be one that exists.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from budnet.ir.endpoint import Endpoint, EndpointKind, Namespace
from budnet.ir.filters import Operator, PodPeer, Requirement, Selector
from budnet.ir.network import Network
from budnet.packets.transports import Transports
from budnet.reach import cuts, semantics
from budnet.reach.table.table import Table

Labels = tuple[tuple[str, str], ...]
MOST = 256
"""Choices of labels that are tried for each namespace."""
MOST_SPACES = 16
"""The same for labels of new namespaces."""
_NAME = "kubernetes.io/metadata.name"
NEW = "a new namespace"
_OTHER = "any-other"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What new pods of one namespace could open to a workload."""

    workload: str
    namespace: str
    """`NEW` for any that is not there yet."""
    any_labels: Transports
    """Whatever labels the pod has."""
    some_labels: Transports
    """With labels chosen for it; more than `any_labels`, or the same."""
    labels: Labels
    """Of a pod that gets `some_labels` or a part of it, the fewest."""
    space: Labels
    """The same of its namespace, where that is new."""
    unknown: Transports
    complete: bool
    """Whether every choice of labels was tried."""


def newcomers(network: Network) -> list[Newcomer]:
    """For each workload and namespace, in their order. Of our own networks none: there a pod's subnet decides as well."""
    if not network.clusters or network.vpcs:
        return []
    tried = _Tried(network)
    table = Table(tried.network)
    found: list[Newcomer] = []
    targets: dict[str, list[int]] = {}
    for column, members in enumerate(table.columns.members):
        for e in members:
            if e.id not in tried.of and e.kind is EndpointKind.POD and e.cluster:
                targets.setdefault(e.service, []).append(column)
    columns: dict[str, int] = {e.id: c for c in range(table.columns.inside) for e in table.columns.members[c] if e.id in tried.of}
    reached = _reached(table, sorted(set(columns.values())), sorted({c for found_ in targets.values() for c in found_}))
    for workload, behind in sorted(targets.items()):
        for space, ids in tried.spaces.items():
            ways = [(tried.of[i], _union(table, reached[columns[i]], behind)) for i in ids]
            found.append(_newcomer(table, workload, space, ways, space not in tried.partly))
    return found


def _newcomer(table: Table, workload: str, space: str, ways: Sequence[tuple[tuple[Labels, Labels], int]], complete: bool) -> Newcomer:
    masks = [(labels, *_masks(table, number)) for labels, number in ways]
    every, some, doubtful = masks[0][1], 0, 0
    for _, sure, perhaps in masks:
        every &= sure
        some |= sure
        doubtful |= perhaps
    decode = table.alphabet.decode
    # the fewest labels that get the most that one choice gets
    labels, spaces = max(masks, key=lambda m: (m[1].bit_count(), -sum(map(len, m[0])), [-ord(c) for c in str(m[0])]))[0]
    if not some & ~every:
        labels, spaces = (), ()
    return Newcomer(workload, space, decode(every), decode(some), labels, spaces, decode(doubtful & ~some), complete)


def _masks(table: Table, number: int) -> tuple[int, int]:
    mask = table.connections.masks[number]
    return table.lanes.answered(mask), table.lanes.doubtful(mask)


def _reached(table: Table, sources: Sequence[int], targets: Sequence[int]) -> dict[int, dict[int, int]]:
    wanted = set(targets)
    out: dict[int, dict[int, int]] = {s: {} for s in sources}
    for block, there, found in table.blocks(sources):
        keep = [(at, int(c)) for at, c in enumerate(there.tolist()) if c in wanted]
        for row, source in enumerate(block.tolist()):
            cells = found[row].tolist()
            out[source] = {c: cells[at] for at, c in keep if cells[at]}
    return out


def _union(table: Table, reached: dict[int, int], behind: Iterable[int]) -> int:
    number = 0
    for column in behind:
        other = reached.get(column, 0)
        if other:
            number = table.either(number, other) if number else other
    return number


class _Tried:
    """The Network with all pods that are tried in it; `of` gives each one's labels and, where it is
    new, its namespace's; `spaces` lists those of each namespace."""

    def __init__(self, network: Network) -> None:
        self.of: dict[str, tuple[Labels, Labels]] = {}
        self.spaces: dict[str, list[str]] = {}
        self.partly: set[str] = set()
        self._pods: list[Endpoint] = []
        clusters = []
        for cluster in network.clusters:
            several = len(network.clusters) > 1
            for space in cluster.namespaces:
                choices, complete = _choices(_about(network, cluster.id, space))
                self._add(cluster.id, space.name, f"{cluster.id}/{space.name}" if several else space.name, choices, complete, ())
            made = [Namespace(f"new namespace {i}", labels) for i, labels in enumerate(self._new_spaces(network, cluster.id))]
            for space in made:
                choices, complete = _choices(_about(network, cluster.id, space))
                self._add(cluster.id, space.name, f"{cluster.id}: {NEW}" if several else NEW, choices, complete, space.labels)
            clusters.append(replace(cluster, namespaces=(*cluster.namespaces, *made)))
        self.network = replace(network, clusters=tuple(clusters), endpoints=(*network.endpoints, *self._pods))

    def _add(self, cluster: str, space: str, shown: str, choices: list[Labels], complete: bool, own: Labels) -> None:
        if not complete:
            self.partly.add(shown)
        for labels in choices:
            id = f"new pod {len(self._pods)} in {cluster}/{space}"
            self._pods.append(
                Endpoint(id, EndpointKind.POD, id, "", "", (), cluster=cluster, namespace=space, labels=labels, any_port=True)
            )
            self.of[id] = labels, tuple(pair for pair in own if pair[0] != _NAME)
            self.spaces.setdefault(shown, []).append(id)

    def _new_spaces(self, network: Network, cluster: str) -> list[Labels]:
        selectors = {p.namespaces for p in cuts.policy_peers(network) if isinstance(p, PodPeer) and p.namespaces}
        selectors |= {p.subject.namespaces for p in network.admin_policies if p.subject.namespaces}
        selectors |= {p.subject.namespaces for p in network.unknown_policies if p.subject.namespaces}
        choices, complete = _choices([tuple(r for r in s if r.key != _NAME) for s in selectors], MOST_SPACES)
        if not complete:
            self.partly.add(NEW)
        return [tuple(sorted((*labels, (_NAME, _OTHER)))) for labels in choices]


def _about(network: Network, cluster: str, space: Namespace) -> list[Selector]:
    """The selectors that could look at a pod of a namespace."""
    labels = dict(space.labels)

    def looks(peer: object, own: str) -> bool:
        if not isinstance(peer, PodPeer):
            return False
        return own == space.name if peer.namespaces is None else semantics.selects(peer.namespaces, labels)

    found: dict[Selector, None] = {}
    for policy in network.policies:
        if policy.cluster == cluster:
            if policy.namespace == space.name and policy.egress is not None:
                found[policy.selector] = None
            for rule in policy.ingress or ():
                found |= {p.pods: None for p in rule.peers if isinstance(p, PodPeer) and looks(p, policy.namespace)}
    for admin in network.admin_policies:
        if admin.cluster == cluster:
            if admin.egress and looks(admin.subject, ""):
                found[admin.subject.pods] = None
            for row in admin.ingress:
                found |= {p.pods: None for p in row.peers if isinstance(p, PodPeer) and looks(p, "")}
    for other in network.unknown_policies:
        if other.cluster == cluster and other.egress and (other.subject.namespaces is None or looks(other.subject, "")):
            found[other.subject.pods] = None
    return list(found)


def _choices(selectors: Iterable[Selector], most: int = MOST) -> tuple[list[Labels], bool]:
    """Every choice of labels that selectors could tell apart, the empty one first; or some of them, and False."""
    selectors = sorted({s for s in selectors if s}, key=str)
    values: dict[str, set[str]] = {}
    for r in (r for s in selectors for r in s):
        values.setdefault(r.key, set()).update(r.values)
    options = [[None, *sorted(found), _unlike(found)] for _, found in sorted(values.items())]
    count = 1
    for each in options:
        count *= len(each)
    keys = sorted(values)
    if count <= most:
        return [tuple((k, v) for k, v in zip(keys, chosen, strict=True) if v is not None) for chosen in product(*options)], True
    least = {(): None} | {labels: None for s in selectors for labels in _least(s)}
    return list(least), False


def _unlike(values: set[str]) -> str:
    found = _OTHER
    while found in values:
        found += "-2"
    return found


def _least(selector: Selector) -> Iterator[Labels]:
    """The fewest labels that a selector selects, where there are any."""
    chosen: dict[str, str] = {}
    for key in {r.key for r in selector}:
        about = [r for r in selector if r.key == key]
        candidates: list[str | None] = [None, *sorted({v for r in about for v in r.values}), _OTHER]
        fits = [v for v in candidates if all(_takes(r, v) for r in about)]
        if not fits:
            return
        if fits[0] is not None:
            chosen[key] = fits[0]
    yield tuple(sorted(chosen.items()))


def _takes(requirement: Requirement, value: str | None) -> bool:
    if value is None:
        return requirement.operator in (Operator.NOT_IN, Operator.DOES_NOT_EXIST)
    return semantics.holds(requirement, {requirement.key: value})
