"""Why it is not known what policies let through between a pod and a peer: what they ask for that nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.filters import AdminPolicy, AdminRule, BlockPeer, NamePeer, NetworkPolicy, NodePeer, PodPeer, PolicyRule, UnknownPolicy
from budnet.ir.network import Network
from budnet.reach import semantics
from budnet.reach.admission import covers_partly
from budnet.reach.nodes import Nodes
from budnet.reach.semantics import PERHAPS

Policy = NetworkPolicy | AdminPolicy | UnknownPolicy
NO_NODE = "which node the pods are on is not known"
UNSAID = "what decides is not modelled"


class _Asked(Struct, frozen=True):
    """What is asked about a pod in one direction: reasons that hold for every peer, and policies each with its rules."""

    always: tuple[str, ...]
    policies: tuple[tuple[NetworkPolicy | AdminPolicy, tuple[PolicyRule | AdminRule, ...]], ...]
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

    def about(self, pod: Endpoint | None, peer: Endpoint | None, ingress: bool) -> list[str]:
        """The reasons for what a pod takes in (`ingress`) or sends. None, of either, is the outside."""
        if pod is None or pod.kind is not EndpointKind.POD or pod.host_network:
            return []
        asked = self._of(pod, ingress)
        found = list(asked.always)
        # of whoever has an address, and no labels to select, rules leave nothing open
        settled = peer is not None and bool(peer.addresses) and (peer.kind is not EndpointKind.POD or peer.host_network)
        for policy, rules in () if settled else asked.policies:
            for rule in rules:
                found += (why for each in rule.peers for why in self._peer(policy, each, peer))
        near = self._nodes.together(pod, peer)
        if asked.policies and near is None:
            found.append(NO_NODE)
        if asked.cluster_wide and near:
            found.append("what a cluster-wide policy does to a pod's own node is not defined")
        return list(dict.fromkeys(found))

    def _of(self, pod: Endpoint, ingress: bool) -> _Asked:
        key = pod.cluster, pod.namespace, pod.labels, ingress
        known = self._asked.get(key)
        if known is None:
            known = self._asked[key] = self._look(pod, ingress)
        return known

    def _look(self, pod: Endpoint, ingress: bool) -> _Asked:
        unknown = [p.why for p in self.network.unknown_policies if (p.ingress if ingress else p.egress) and self._about(p, p.subject, pod)]
        if unknown:
            return _Asked(tuple(unknown), (), False)
        wide = [
            (p, rules)
            for p in self.network.admin_policies
            if (rules := p.ingress if ingress else p.egress) and self._about(p, p.subject, pod)
        ]
        why = [_labels(p, pod) for p, _ in wide if self._about(p, p.subject, pod) == PERHAPS]
        ranks: dict[tuple[str, int], list[str]] = {}
        for p, _ in wide:
            ranks.setdefault((p.tier, p.priority), []).append(p.id)
        why += [f"the order of policies of one priority is not defined ({', '.join(ids)})" for ids in ranks.values() if len(ids) > 1]
        own = []
        for policy in self._own.get((pod.cluster, pod.namespace), ()):
            said = policy.ingress if ingress else policy.egress
            if said is not None and semantics.selects(policy.selector, dict(pod.labels)):
                own.append((policy, said))
        return _Asked(tuple(why), (*wide, *own), bool(wide))

    def _about(self, policy: Policy, subject: PodPeer, pod: Endpoint) -> int:
        space = self._spaces.get((pod.cluster, pod.namespace), semantics.NO_SPACE)
        return semantics.pod_matches(subject, pod, dict(pod.labels), space, semantics.PolicyPlace(policy.cluster, pod.namespace))

    def _peer(self, policy: Policy, written: object, peer: Endpoint | None) -> Iterator[str]:
        """Why one peer of a rule may mean somebody and may not."""
        if isinstance(written, NamePeer) and peer is None:
            yield f"{policy.id} names hosts outside, whose addresses are not known"
        if peer is None:
            return
        selectable = peer.kind is EndpointKind.POD and not peer.host_network and peer.cluster == policy.cluster
        if isinstance(written, PodPeer) and written.namespaces and selectable and self._about(policy, written, peer) == PERHAPS:
            yield _labels(policy, peer)
        if not peer.addresses and isinstance(written, BlockPeer) and covers_partly(written):
            yield f"{policy.id} names addresses, and that of {peer.service} is not known"
        if not peer.addresses and isinstance(written, NodePeer) and peer.host_network:
            yield f"{policy.id} names nodes, and that of {peer.service} is not known"


def _labels(policy: Policy, pod: Endpoint) -> str:
    return f"{policy.id} asks for labels of namespace {pod.namespace}, which are not known"
