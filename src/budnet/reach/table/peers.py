"""Which columns are meant: by labels, by namespaces, by addresses. Each distinct selector is looked at once."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from budnet.ir.filters import BlockPeer, NamePeer, NodePeer, Operator, PodPeer, Requirement, Selector
from budnet.ir.network import Network
from budnet.reach import semantics
from budnet.reach.admission import covers, covers_partly
from budnet.reach.nodes import SOMEWHERE
from budnet.reach.semantics import PERHAPS, YES
from budnet.reach.table.columns import NO_ATOM, Bools, Columns, Indices

_NOBODY: Indices = np.empty(0, np.intp)

Peer = PodPeer | BlockPeer | NodePeer | NamePeer


class Peers:
    """Answers by column, each worked out once."""

    def __init__(self, network: Network, columns: Columns) -> None:
        self._labels = [dict(s.labels) for s in columns.shapes]
        self._spaces = semantics.spaces(network)
        self._vague = not all(space.known for space in self._spaces.values())
        homes = {(s.cluster, s.namespace): None for s in columns.shapes}
        self._home = {home: i for i, home in enumerate(homes)}
        self._homes = list(homes)
        self._home_of = np.array([self._home[s.cluster, s.namespace] for s in columns.shapes], np.int32)
        self._pods = np.array([s.pod for s in columns.shapes], bool)
        self._nodes = np.array([s.node for s in columns.shapes], bool)
        self._of_home = [np.flatnonzero((self._home_of == i) & self._pods) for i in range(len(homes))]
        self._values: dict[str, tuple[NDArray[np.int32], dict[str, int]]] = {}
        self._clusters: dict[str, Bools] = {}
        self._by_labels: dict[Selector, Bools] = {}
        self._by_space: dict[Selector, NDArray[np.int8]] = {}
        self._shapes: dict[tuple[PodPeer, str, str, int], Bools] = {}
        self._columns: dict[tuple[Peer, str, str], Indices] = {}
        self._look_at(columns)

    def _look_at(self, columns: Columns) -> None:
        self.columns, self._outside = columns, columns.shape < 0
        self._unplaced = columns.atom == NO_ATOM
        self._all_placed = not self._unplaced.any()

    def onto(self, columns: Columns) -> Peers:
        """The same for finer columns of the same shapes."""
        out = copy(self)
        out._columns = {}
        out._look_at(columns)
        return out

    # ---- shapes: who a policy is about ----------------------------------------------------------------------------------

    def selected(self, selector: Selector, cluster: str, namespace: str) -> Indices:
        """The shapes of pods of one namespace that a selector selects."""
        home = self._home.get((cluster, namespace))
        if home is None:
            return _NOBODY
        here = self._of_home[home]
        return here[self._labelled(selector)[here]] if selector else here

    def subjects(self, peer: PodPeer, cluster: str, fits: int = YES) -> Indices:
        """The shapes of pods of a cluster that a cluster-wide policy is about; with PERHAPS those that it may be about and may not."""
        return np.flatnonzero(self._pod_shapes(peer, cluster, "", fits)) if fits == YES or self._vague else _NOBODY

    def _pod_shapes(self, peer: PodPeer, cluster: str, namespace: str, fits: int = YES) -> Bools:
        """`namespaces=None` is the policy's own namespace; for a cluster-wide policy (`namespace` empty) every one."""
        key = (peer, cluster, namespace, fits)
        known = self._shapes.get(key)
        if known is None:
            if namespace and peer.namespaces is None:
                known = np.zeros(len(self._pods), bool)
                known[self.selected(peer.pods, cluster, namespace)] = True
            else:
                known = self._labelled(peer.pods) & self._pods
                homes = self._of_cluster(cluster)
                known &= (homes if peer.namespaces is None else homes & (self._in_spaces(peer.namespaces) == fits))[self._home_of]
            self._shapes[key] = known
        return known

    def _of_cluster(self, cluster: str) -> Bools:
        """Which homes are a cluster's."""
        if cluster not in self._clusters:
            self._clusters[cluster] = np.array([c == cluster for c, _ in self._homes], bool)
        return self._clusters[cluster]

    def _labelled(self, selector: Selector) -> Bools:
        known = self._by_labels.get(selector)
        if known is None:
            known = np.ones(len(self.columns.shapes), bool)
            for requirement in selector:
                known &= self._holds(requirement)
            self._by_labels[selector] = known
        return known

    def _holds(self, requirement: Requirement) -> Bools:
        """`semantics.holds` for all shapes: which value of the key each has is numbered, 0 for none."""
        if requirement.key not in self._values:
            numbers: dict[str, int] = {}
            given = (dict_.get(requirement.key) for dict_ in self._labels)
            of = np.array([0 if value is None else numbers.setdefault(value, len(numbers) + 1) for value in given], np.int32)
            self._values[requirement.key] = of, numbers
        of, numbers = self._values[requirement.key]
        if requirement.operator in (Operator.EXISTS, Operator.DOES_NOT_EXIST):
            has: Bools = of != 0
            return has if requirement.operator is Operator.EXISTS else ~has
        among = np.zeros(len(numbers) + 1, bool)
        among[[numbers[v] for v in requirement.values if v in numbers]] = True
        found: Bools = among[of]
        return found if requirement.operator is Operator.IN else ~found

    def _in_spaces(self, selector: Selector) -> NDArray[np.int8]:
        """`semantics.in_space` for all homes."""
        known = self._by_space.get(selector)
        if known is None:
            spaces = (self._spaces.get(home, semantics.NO_SPACE) for home in self._homes)
            known = self._by_space[selector] = np.array([semantics.in_space(selector, each) for each in spaces], np.int8)
        return known

    # ---- columns: who a rule is about -----------------------------------------------------------------------------------

    def meant(self, peers: Sequence[Peer], cluster: str, namespace: str) -> Indices:
        """The columns that any of the peers means, some of them twice. Names of outside hosts mean none here: see `rows`."""
        parts = [self._meant(p, cluster, namespace) for p in peers if not isinstance(p, NamePeer)]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else _NOBODY

    def _meant(self, peer: Peer, cluster: str, namespace: str) -> Indices:
        own = isinstance(peer, PodPeer) and peer.namespaces is None
        key = (peer, cluster, namespace if own else "")
        known = self._columns.get(key)
        if known is None:
            known = self._columns[key] = np.flatnonzero(self._look(peer, cluster, namespace))
        return known

    def _look(self, peer: Peer, cluster: str, namespace: str) -> Bools:
        if isinstance(peer, BlockPeer):
            found = self.columns.within(peer.prefix)
            if covers(peer):
                found |= self._unplaced_of(peer)
            for part in peer.without:
                found &= ~self.columns.within(part)
            return found
        if isinstance(peer, PodPeer):
            return self._spread(self._pod_shapes(peer, cluster, namespace))
        assert isinstance(peer, NodePeer)
        nodes = self._spread(self._chosen_nodes(peer, cluster))
        # nodes are meant by their addresses, which hostNetwork pods have as well
        there: Bools = nodes | (self._on_host(cluster) & np.isin(self.columns.atom, self.columns.atom[nodes & ~self._unplaced]))
        return there

    def _chosen_nodes(self, peer: NodePeer, cluster: str) -> Bools:
        here = np.array([s.cluster == cluster for s in self.columns.shapes], bool)
        chosen: Bools = self._labelled(peer.nodes) & self._nodes & here
        return chosen

    def _on_host(self, cluster: str) -> Bools:
        """The columns of a cluster's hostNetwork pods."""
        here = np.array([s.cluster == cluster for s in self.columns.shapes], bool)
        return self._spread(here & ~self._pods & ~self._nodes)

    def _spread(self, shapes: Bools) -> Bools:
        """From shapes to columns. The outside has no shape, and nobody is meant by a public address."""
        if not len(shapes):
            return np.zeros(self.columns.count, bool)
        found: Bools = shapes[self.columns.shape]
        return found & ~self._outside & ~self.columns.public

    def hosts(self, cluster: str, on: str) -> tuple[Indices, Indices]:
        """The columns that are a node, and those that may be it: nodes, and pods on their network."""
        hosts = [s if s.cluster == cluster and s.on and not s.pod else None for s in self.columns.shapes]
        same = np.array([s is not None and s.on == on != SOMEWHERE for s in hosts], bool)
        perhaps = np.array([s is not None and SOMEWHERE in (on, s.on) for s in hosts], bool)
        return np.flatnonzero(self._spread(same)), np.flatnonzero(self._spread(perhaps))

    def _unplaced_of(self, peer: BlockPeer) -> Bools:
        """Whose address is not known, and will be of a block's family."""
        found: Bools = self._unplaced & (self.columns.family == peer.prefix.version)
        return found

    def perhaps(self, peers: Sequence[Peer], cluster: str) -> Indices:
        """The columns that some peer may mean and may not: outside hosts by name, pods of namespaces whose labels are not known, pods
        whose address is not known where a prefix has a part of the addresses that pods are given, and hostNetwork pods of which no node
        is known."""
        parts = [self._outside] if any(isinstance(p, NamePeer) for p in peers) else []
        if self._vague:
            spaced = (p for p in peers if isinstance(p, PodPeer) and p.namespaces)
            parts += [self._spread(self._pod_shapes(p, cluster, "", PERHAPS)) for p in spaced]
        if self._all_placed:
            return np.flatnonzero(np.logical_or.reduce(parts)) if parts else _NOBODY
        parts += [self._unplaced_of(p) for p in peers if isinstance(p, BlockPeer) and covers_partly(p)]
        if any(isinstance(p, NodePeer) and self._chosen_nodes(p, cluster).any() for p in peers):
            parts.append(self._unplaced & self._on_host(cluster))
        return np.flatnonzero(np.logical_or.reduce(parts)) if parts else _NOBODY
