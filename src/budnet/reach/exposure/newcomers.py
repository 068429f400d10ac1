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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.network import Network
from budnet.packets.transports import Transports
from budnet.reach.exposure.tried import NEW, Labels, Tried
from budnet.reach.table.table import Table

__all__ = ["NEW", "Newcomer", "newcomers"]


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
    """For each workload and namespace, in their order. Of our own networks workloads are all services, and only ports count that
    somebody listens on."""
    if not network.clusters:
        return []
    tried = Tried(network)
    table = Table(tried.network)
    found: list[Newcomer] = []
    targets: dict[str, list[int]] = {}
    heard: dict[str, int] = {}
    for column, members in enumerate(table.columns.members):
        for e in members:
            if e.id not in tried.of and e.filtered and (network.vpcs or (e.kind is EndpointKind.POD and e.cluster)):
                targets.setdefault(e.service or e.id, []).append(column)
                heard[e.service or e.id] = heard.get(e.service or e.id, 0) | _heard(table, e)
    columns: dict[str, list[int]] = {}
    for column in range(table.columns.inside):
        for e in table.columns.members[column]:
            if e.id in tried.of:
                columns.setdefault(e.id, []).append(column)
    reached = _reached(
        table, sorted({c for own in columns.values() for c in own}), sorted({c for there in targets.values() for c in there})
    )
    # the fewest labels first, so that of choices that get the same the first one is the one to show
    ordered = {space: sorted(ids, key=lambda i: (sum(map(len, tried.of[i])), str(tried.of[i]))) for space, ids in tried.spaces.items()}
    for workload, behind in sorted(targets.items()):
        for space, ids in ordered.items():
            ways = [(tried.of[i], _union(table, [reached[c] for c in columns[i]], behind)) for i in ids]
            found.append(_newcomer(table, workload, space, ways, space not in tried.partly, heard[workload]))
    return found


def _newcomer(
    table: Table, workload: str, space: str, ways: Sequence[tuple[tuple[Labels, Labels], int]], complete: bool, heard: int
) -> Newcomer:
    masks = [(labels, sure & heard, perhaps & heard) for labels, number in ways for sure, perhaps in [_masks(table, number)]]
    every, some, doubtful = masks[0][1], 0, 0
    for _, sure, perhaps in masks:
        every &= sure
        some |= sure
        doubtful |= perhaps
    decode = table.alphabet.decode
    # the fewest labels that get the most that one choice gets
    labels, spaces = max(masks, key=lambda m: m[1].bit_count())[0]
    if not some & ~every:
        labels, spaces = (), ()
    return Newcomer(workload, space, decode(every), decode(some), labels, spaces, decode(doubtful & ~some), complete)


def _heard(table: Table, e: Endpoint) -> int:
    """The ports that an endpoint answers on."""
    if e.any_port:
        return table.alphabet.all
    return sum({table.alphabet.bit(x.protocol, x.port) for x in e.listeners if not x.loopback})


def _masks(table: Table, number: int) -> tuple[int, int]:
    mask = table.connections.masks[number]
    return table.lanes.answered(mask), table.lanes.doubtful(mask)


def _reached(table: Table, sources: Sequence[int], targets: Sequence[int]) -> dict[int, dict[int, int]]:
    wanted = set(targets)
    out: dict[int, dict[int, int]] = {s: {} for s in sources}
    for source, found in table.arriving(sources).items():
        for column, number in found:
            if column in wanted:  # over fronts and straight are two ways to one column
                out[source][column] = table.either(out[source].get(column, 0), number)
    return out


def _union(table: Table, reached: Sequence[dict[int, int]], behind: Iterable[int]) -> int:
    """What a pod opens to a workload, by all columns of either: of each address family, and of pods that differ."""
    number = 0
    for column in behind:
        for ways in reached:
            other = ways.get(column, 0)
            if other:
                number = table.either(number, other) if number else other
    return number
