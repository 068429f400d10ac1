"""Manifests that are read again when they change: only the files that did; and where only policies did, only those."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from budnet.ir.network import Network
from budnet.observe.kubernetes import cluster, folders, sources
from budnet.observe.kubernetes.cluster import Observed
from budnet.observe.kubernetes.fields import Object, Place, Problems
from budnet.observe.kubernetes.manifests import Pod, written
from budnet.records import replace

_POLICIES = {"NetworkPolicy", "ClusterNetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy"}
_Stamp = tuple[int, int, int]
_Read = list[tuple[Object | Pod, Place]]


class Watched:
    """A folder or a file. `read` gives what it holds now, and None while that is what it gave before."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._stamps: dict[Path, _Stamp] | None = None
        self._objects: dict[Path, _Read] = {}
        self._problems: dict[Path, Problems] = {}
        self._folder = Problems()
        self._last: Observed | None = None

    def read(self) -> Observed | None:
        """Everything that is there, with what is wrong with it."""
        folder = Problems()
        stamps = {file: _stamp(file) for file in folders.files(self.where, folder)}
        if stamps == self._stamps and folder == self._folder:
            return None
        self._folder = folder
        known = self._stamps or {}
        changed = [f for f in {**known, **stamps} if stamps.get(f) != known.get(f)]
        before = {f: self._objects.pop(f, []) for f in changed}
        for file in changed:
            self._problems.pop(file, None)
            if file in stamps:
                self._problems[file] = Problems()
                self._objects[file] = list(sources.objects(str(file), self._problems[file]))
        self._stamps = stamps
        self._last = self._edited(changed, list(chain(*before.values()))) or self._whole()
        return self._last

    def _whole(self) -> Observed:
        problems = Problems()
        for each in (self._folder, *self._problems.values()):
            problems.found += each.found
            problems.unread += each.unread
        if not self._objects:
            list(sources.objects(self.where, problems))  # which says that there is nothing
        return cluster.network(chain.from_iterable(self._objects[f] for f in sorted(self._objects)), problems)

    def _edited(self, changed: list[Path], before: _Read) -> Observed | None:
        """The last network with other policies; None where more has changed, or where anything is wrong."""
        now = [pair for file in changed for pair in self._objects.get(file, ())]
        if self._last is None or self._last.problems.found or not all(written(of).get("kind") in _POLICIES for of, _ in (*before, *now)):
            return None
        problems = Problems()
        gone, come = (cluster.network(each, problems).network for each in (before, now))
        network = _replaced(self._last.network, gone, come)
        if problems.found or any(p.found for p in (self._folder, *self._problems.values())) or network is None:
            return None
        return replace(self._last, network=network)


def _replaced(last: Network, gone: Network, come: Network) -> Network | None:
    """A network in which some policies take the place of others; None where that is not all there is to it."""
    spaces = {n.name for c in last.clusters for n in c.namespaces}
    old, old_admin = {p.id for p in gone.policies}, {(p.tier, p.id) for p in gone.admin_policies}
    policies = [*(p for p in last.policies if p.id not in old), *come.policies]
    admin = [*(p for p in last.admin_policies if (p.tier, p.id) not in old_admin), *come.admin_policies]
    alone = len({p.id for p in policies}) == len(policies) and len({(p.tier, p.id) for p in admin}) == len(admin)
    if gone.unknown_policies or come.unknown_policies or not alone or not {p.namespace for p in come.policies} <= spaces:
        return None
    return replace(
        last, policies=tuple(sorted(policies, key=lambda p: p.id)),
        admin_policies=tuple(sorted(admin, key=lambda p: (p.tier, p.priority, p.id))),
    )  # fmt: skip


def _stamp(file: Path) -> _Stamp:
    """What changes when a file does; zeros where it is not there."""
    try:
        of = file.stat()
    except OSError:
        return 0, 0, 0
    return of.st_mtime_ns, of.st_size, of.st_ino
