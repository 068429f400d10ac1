"""The Network with every pod in it that somebody might make: see `newcomers.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from budnet.ir.address import EVERYWHERE, Address, Match, Prefix
from budnet.ir.endpoint import Cluster, Endpoint, EndpointKind, Namespace
from budnet.ir.filters import Operator, PodPeer, Requirement, SecurityGroup, Selector, SgRule
from budnet.ir.network import Network
from budnet.ir.origin import NOWHERE
from budnet.packets.addresses import AddressSet
from budnet.reach import cuts, semantics
from budnet.records import replace

Labels = tuple[tuple[str, str], ...]
MOST = 256
"""Choices of labels that are tried for each namespace."""
MOST_SPACES = 16
"""The same for labels of new namespaces."""
_NAME = "kubernetes.io/metadata.name"
NEW = "a new namespace"
_OTHER = "any-other"


class Tried:
    """The Network with all pods that are tried in it; `of` gives each one's labels and, where it is
    new, its namespace's; `spaces` lists those of each namespace."""

    def __init__(self, network: Network) -> None:
        self.of: dict[str, tuple[Labels, Labels]] = {}
        self.spaces: dict[str, list[str]] = {}
        self.partly: set[str] = set()
        self._pods: list[Endpoint] = []
        clusters, groups = [], []
        for cluster in network.clusters:
            several, asked = len(network.clusters) > 1, _Asked(network, cluster.id)
            places = _places(network, cluster) if network.vpcs else [_NO_PLACE]
            groups += [SecurityGroup(p.group, p.vpc, (), _everywhere(p.group), NOWHERE) for p in places if p.vpc]
            made = [Namespace(f"new namespace {i}", labels) for i, labels in enumerate(self._new_spaces(network, cluster.id))]
            for space in (*cluster.namespaces, *made):
                new = space in made
                name = NEW if new else space.name
                choices, complete = _choices(asked.of(space))
                for place in places:
                    shown = f"{name} in {place.name}" if place.name else f"{cluster.id}{': ' if new else '/'}{name}" if several else name
                    self._add(place, cluster.id, space.name, shown, choices, complete, space.labels if new else ())
            clusters.append(replace(cluster, namespaces=(*cluster.namespaces, *made)))
        self.network = replace(
            network, clusters=tuple(clusters), endpoints=(*network.endpoints, *self._pods),
            security_groups=(*network.security_groups, *{g.id: g for g in groups}.values()),
        )  # fmt: skip

    def _add(self, place: _Place, cluster: str, space: str, shown: str, choices: list[Labels], complete: bool, own: Labels) -> None:
        if not complete:
            self.partly.add(shown)
        for labels in choices:
            id = f"new pod {len(self._pods)} in {cluster}/{space}"
            groups = place.groups_of(space, labels) if place.vpc else ()
            self._pods.append(
                Endpoint(id, EndpointKind.POD, id, place.vpc, place.subnet, place.addresses, groups=groups, cluster=cluster, namespace=space,
                         labels=labels, any_port=True)
            )  # fmt: skip
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


@dataclass(frozen=True)
class _Place:
    """Where a pod may be put: a subnet, with addresses there that nobody has."""

    name: str
    vpc: str
    subnet: str
    addresses: tuple[Address, ...]
    group: str
    """What a pod gets that no service's labels fit."""
    services: tuple[Endpoint, ...] = ()
    """Pods of the cluster, whose labels and groups a new one may take."""

    def groups_of(self, space: str, labels: Labels) -> tuple[str, ...]:
        """Of the first service in the namespace all of whose labels a pod has."""
        held = set(labels)
        alike = (e.groups for e in self.services if e.namespace == space and e.labels and set(e.labels) <= held)
        return next(alike, (self.group,))


_NO_PLACE = _Place("", "", "", (), "")
"""Of a cluster about whose nodes' network nothing is known."""


def _places(network: Network, cluster: Cluster) -> list[_Place]:
    """One for each tier that has pods of the cluster: its zones are treated alike."""
    pods = tuple(e for e in network.endpoints if e.cluster == cluster.id and e.kind is EndpointKind.POD and e.subnet)
    taken = AddressSet.of(a for e in network.endpoints for a in e.addresses)
    taken |= AddressSet.of(g.address for g in network.nat_gateways)
    out: dict[str, _Place] = {}
    for pod in pods:
        subnet = network.subnet[pod.subnet]
        if subnet.tier not in out:
            first = tuple((AddressSet.of([p]) - taken - _reserved(p)).first() for p in subnet.prefixes)
            out[subnet.tier] = _Place(subnet.tier, pod.vpc, pod.subnet, first, f"{pod.vpc}/new pods", pods)
    return [out[tier] for tier in sorted(out)]


def _reserved(prefix: Prefix) -> AddressSet:
    """The first four addresses and the last one of a subnet are the cloud's (AWS VPC user guide, subnet sizing)."""
    return AddressSet.of([*(prefix.network_address + i for i in range(4)), prefix.broadcast_address])


def _everywhere(group: str) -> tuple[SgRule, ...]:
    return tuple(SgRule(f"{group}:out:{p}", p, Match(), NOWHERE) for p in EVERYWHERE)


class _Asked:
    """The selectors that could look at pods of a cluster: at those of one namespace, or of namespaces with some labels."""

    def __init__(self, network: Network, cluster: str) -> None:
        self._by_name: dict[str, set[Selector]] = {}
        self._by_labels: dict[Selector, set[Selector]] = {}
        for policy in network.policies:
            if policy.cluster == cluster:
                if policy.egress is not None:
                    self._by_name.setdefault(policy.namespace, set()).add(policy.selector)
                self._note((p for rule in policy.ingress or () for p in rule.peers), policy.namespace)
        for admin in network.admin_policies:
            if admin.cluster == cluster:
                self._note((p for rule in admin.ingress for p in rule.peers), "")
                self._note([admin.subject] if admin.egress else (), "")
        for other in network.unknown_policies:
            if other.cluster == cluster and other.egress:
                self._by_labels.setdefault(other.subject.namespaces or (), set()).add(other.subject.pods)

    def _note(self, peers: Iterable[object], own: str) -> None:
        for peer in peers:
            if isinstance(peer, PodPeer):
                of = self._by_name.setdefault(own, set()) if peer.namespaces is None else self._by_labels.setdefault(peer.namespaces, set())
                of.add(peer.pods)

    def of(self, space: Namespace) -> set[Selector]:
        """Those that could look at a pod of a namespace."""
        seen = semantics.Space(dict(space.labels), space.known)
        looking = (pods for spaces, pods in self._by_labels.items() if semantics.in_space(spaces, seen) != semantics.NO)
        return self._by_name.get(space.name, set()).union(*looking)


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
