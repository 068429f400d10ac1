"""What pods that are not there yet could reach: new ones in namespaces that exist, and in a namespace with any labels.

Labels are chosen by whoever makes the pod, so policies by label hold only against those who may not make pods. Every choice that
some policy could tell apart becomes a pod of its own in a Network beside the real one: of each key that selectors name, every value that
they name, one that none names, and none at all. Where these are too many, each selector's own least choice is taken, and it is said
that others may reach more. (A namespace's name is its label `kubernetes.io/metadata.name`, which nobody can choose to be one that exists.)

In our own networks a pod's subnet decides as well, so each choice stands in every subnet that has pods of the cluster; and its security
groups: those of the service whose labels it has, because pods get groups by their labels
(https://docs.aws.amazon.com/eks/latest/userguide/security-groups-pods-deployment.html), else one that lets everything out and that no rule
names, as a VPC's default group does (https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.network import Network
from budnet.packets.connections import Connections, Ids, distinct
from budnet.packets.transports import Transports
from budnet.reach.exposure.tried import NEW, Labels, Tried
from budnet.reach.table.columns import Indices
from budnet.reach.table.table import Table

__all__ = ["NEW", "Newcomer", "newcomers"]


class Newcomer(Struct, frozen=True):
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
    """For each workload and namespace, in their order. Of our own networks workloads are all services, and only ports count that
    somebody listens on."""
    if not network.clusters:
        return []
    tried = Tried(network)
    # what pods that there are open is not asked, and what is opened to new ones; fronts have to open what they hand on
    table = Table(tried.network, ends=(lambda e: e.id in tried.of or e.kind is not EndpointKind.POD, lambda e: e.id not in tried.of))
    pods: dict[str, list[int]] = {}
    behind: dict[str, list[int]] = {}
    heard: dict[str, int] = {}
    for column, members in enumerate(table.columns.members):
        for e in members:
            if e.id in tried.of:
                pods.setdefault(e.id, []).append(column)
            elif e.filtered and (network.vpcs or (e.kind is EndpointKind.POD and e.cluster)):
                name = e.service or e.id
                behind.setdefault(name, []).append(column)
                heard[name] = heard.get(name, 0) | _heard(table, e)
    if not behind:
        return []
    workloads, best = sorted(behind), _Best(table)
    targets = _Groups([[*dict.fromkeys(behind[w])] for w in workloads])
    found: list[list[Newcomer]] = [[] for _ in workloads]
    for space, ids in tried.spaces.items():
        # the fewest labels first, so that of choices that get the same the first one is the one to show
        ordered = sorted(ids, key=lambda i: (sum(map(len, tried.of[i])), str(tried.of[i])))
        sources = _Groups([pods[i] for i in ordered])
        by_pod = sources.united(table.between(sources.columns, targets.columns), table.connections)
        opened = targets.united(by_pod.T, table.connections)
        for workload, ways, out in zip(workloads, opened.tolist(), found, strict=True):
            any_labels, some_labels, unknown, most = best.of(ways, heard[workload])
            labels, spaces = ((), ()) if most is None else tried.of[ordered[ways.index(most)]]
            out.append(Newcomer(workload, space, any_labels, some_labels, labels, spaces, unknown, space not in tried.partly))
    return [one for each in found for one in each]


def _heard(table: Table, e: Endpoint) -> int:
    """The ports that an endpoint answers on."""
    if e.any_port:
        return table.alphabet.all
    return sum({table.alphabet.bit(x.protocol, x.port) for x in e.listeners if not x.loopback})


class _Groups:
    """Columns that belong together: a pod's of each address family, a workload's of pods that differ."""

    def __init__(self, groups: Sequence[Sequence[int]]) -> None:
        self.columns = distinct(np.array([column for own in groups for column in own], np.intp))
        self._turns: list[tuple[list[int], Indices]] = []
        """The first column of each group, then the second of those that have one, and so on: (groups, positions in `columns`)."""
        for turn in range(max(map(len, groups))):
            those = [i for i, own in enumerate(groups) if len(own) > turn]
            self._turns.append((those, np.searchsorted(self.columns, [groups[i][turn] for i in those])))

    def united(self, found: Ids, connections: Connections) -> Ids:
        """The union of each group's rows."""
        (_, first), *others = self._turns
        out = found[first]
        for those, at in others:
            out[those] = connections.join(out[those], found[at])
        return out


_Answer = tuple[Transports, Transports, Transports, int | None]


class _Best:
    """What the best choice of labels comes to, by what each choice opens; few namespaces and workloads differ in that."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[tuple[int, tuple[int, ...]], _Answer] = {}

    def of(self, ways: Sequence[int], heard: int) -> _Answer:
        """(what all choices open, what some do, what some may, the first connection that has the most of it; None where all
        choices open the same)."""
        distinct = tuple(dict.fromkeys(ways))
        known = self._known.get((heard, distinct))
        if known is None:
            known = self._known[heard, distinct] = self._of(distinct, heard)
        return known

    def _of(self, ways: Sequence[int], heard: int) -> _Answer:
        lanes, decode = self._table.lanes, self._table.alphabet.decode
        masks = [self._table.connections.masks[number] for number in ways]
        sure = [lanes.answered(mask) & heard for mask in masks]
        every, some, doubtful = sure[0], 0, 0
        for opened, mask in zip(sure, masks, strict=True):
            every &= opened
            some |= opened
            doubtful |= lanes.doubtful(mask) & heard
        most = max(range(len(ways)), key=lambda i: sure[i].bit_count())
        return decode(every), decode(some), decode(doubtful & ~some), ways[most] if some & ~every else None
