"""Why it is not known what policies let through between a pod and a peer: what they ask for that nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.filters import AdminPolicy, BlockPeer, NamePeer, NetworkPolicy, NodePeer, PodPeer, Selector, UnknownPolicy
from budnet.ir.network import Network
from budnet.reach import semantics
from budnet.reach.admission import covers_partly
from budnet.reach.nodes import Nodes
from budnet.reach.semantics import PERHAPS

Policy = NetworkPolicy | AdminPolicy | UnknownPolicy
NO_NODE = "which node the pods are on is not known"
UNSAID = "what decides is not modelled"
_Homes = frozenset[tuple[str, str]]
"""Namespaces, by cluster and name."""


class _Asked(Struct, frozen=True):
    """What is asked about a pod in one direction."""

    always: tuple[str, ...]
    """Reasons that hold for every peer."""
    labels: tuple[tuple[str, PodPeer, _Homes], ...]
    """(policy, peer of one of its rules, namespaces of which it is not known whether that means them)."""
    others: tuple[tuple[str, BlockPeer | NodePeer | NamePeer], ...]
    """(policy, peer that may mean somebody and may not)."""
    any: bool
    cluster_wide: bool


class Doubts:
    """Answers for one Network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._spaces = semantics.spaces(network)
        self._nodes = Nodes(network)
        self._own: dict[tuple[str, str], list[NetworkPolicy]] = {}
        for policy in network.policies:
            self._own.setdefault((policy.cluster, policy.namespace), []).append(policy)
        self._asked: dict[tuple[object, ...], _Asked] = {}
        self._unsure: dict[Selector, _Homes] = {}
        self._labels: dict[str, semantics.Labels] = {}

    def about(self, pod: Endpoint | None, peer: Endpoint | None, ingress: bool) -> list[str]:
        """The reasons for what a pod takes in (`ingress`) or sends. None, of either, is the outside."""
        if pod is None or not _selectable(pod):
            return []
        asked = self._of(pod, ingress)
        found = dict.fromkeys(asked.always)
        if peer is not None and _selectable(peer):
            home = peer.cluster, peer.namespace
            for policy, written, homes in asked.labels:
                if home in homes and semantics.selects(written.pods, self._labels_of(peer)):
                    found[_asks(policy, peer)] = None
        for policy, other in asked.others if peer is None or not peer.addresses else ():
            found.update(dict.fromkeys(_unplaced(policy, other, peer)))
        near = self._nodes.together(pod, peer)
        if asked.any and near is None:
            found[NO_NODE] = None
        if asked.cluster_wide and near:
            found["what a cluster-wide policy does to a pod's own node is not defined"] = None
        return list(found)

    def _of(self, pod: Endpoint, ingress: bool) -> _Asked:
        key = pod.cluster, pod.namespace, pod.labels, ingress
        known = self._asked.get(key)
        if known is None:
            known = self._asked[key] = self._look(pod, ingress)
        return known

    def _look(self, pod: Endpoint, ingress: bool) -> _Asked:
        unknown = [p.why for p in self.network.unknown_policies if (p.ingress if ingress else p.egress) and self._about(p, p.subject, pod)]
        if unknown:
            return _Asked(tuple(unknown), (), (), False, False)
        wide = [
            (p, rules)
            for p in self.network.admin_policies
            if (rules := p.ingress if ingress else p.egress) and self._about(p, p.subject, pod)
        ]
        why = [_asks(p.id, pod) for p, _ in wide if self._about(p, p.subject, pod) == PERHAPS]
        ranks: dict[tuple[str, int], list[str]] = {}
        for p, _ in wide:
            ranks.setdefault((p.tier, p.priority), []).append(p.id)
        why += [f"the order of policies of one priority is not defined ({', '.join(ids)})" for ids in ranks.values() if len(ids) > 1]
        peers = [(p.id, peer) for p, rules in wide for rule in rules for peer in rule.peers]
        own = []
        for policy in self._own.get((pod.cluster, pod.namespace), ()):
            said = policy.ingress if ingress else policy.egress
            if said is not None and semantics.selects(policy.selector, self._labels_of(pod)):
                own.append(policy)
                peers += [(policy.id, peer) for rule in said for peer in rule.peers]
        labels = [(p, each, homes) for p, each in peers if isinstance(each, PodPeer) and (homes := self._not_sure_of(each, pod.cluster))]
        others = [(p, each) for p, each in peers if not isinstance(each, PodPeer)]
        return _Asked(tuple(why), tuple(labels), tuple(others), bool(wide or own), bool(wide))

    def _not_sure_of(self, peer: PodPeer, cluster: str) -> _Homes:
        """The namespaces of a cluster of which it is not known whether a peer means them."""
        asked = peer.namespaces or ()
        if asked not in self._unsure:
            spaces = self._spaces.items()
            self._unsure[asked] = frozenset(at for at, space in spaces if semantics.in_space(asked, space) == PERHAPS)
        return frozenset(at for at in self._unsure[asked] if at[0] == cluster)

    def _about(self, policy: Policy, subject: PodPeer, pod: Endpoint) -> int:
        space = self._spaces.get((pod.cluster, pod.namespace), semantics.NO_SPACE)
        return semantics.pod_matches(subject, pod, self._labels_of(pod), space, semantics.PolicyPlace(policy.cluster, pod.namespace))

    def _labels_of(self, pod: Endpoint) -> semantics.Labels:
        known = self._labels.get(pod.id)
        if known is None:
            known = self._labels[pod.id] = dict(pod.labels)
        return known


def _selectable(endpoint: Endpoint) -> bool:
    return endpoint.kind is EndpointKind.POD and not endpoint.host_network


def _asks(policy: str, pod: Endpoint) -> str:
    return f"{policy} asks for labels of namespace {pod.namespace}, which are not known"


def _unplaced(policy: str, written: BlockPeer | NodePeer | NamePeer, peer: Endpoint | None) -> Iterator[str]:
    """Why a peer by name, address or node may mean somebody and may not."""
    if peer is None:
        if isinstance(written, NamePeer):
            yield f"{policy} names hosts outside, whose addresses are not known"
    elif not peer.addresses:
        if isinstance(written, BlockPeer) and covers_partly(written):
            yield f"{policy} names addresses, and that of {peer.service} is not known"
        if isinstance(written, NodePeer) and peer.host_network:
            yield f"{policy} names nodes, and that of {peer.service} is not known"
