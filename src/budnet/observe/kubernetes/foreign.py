"""Policies of other makers. They are recognised and not modelled: what they select is unknown, in the directions they speak of.

Cilium: https://docs.cilium.io/en/stable/security/policy/ (rules of both kinds are united, so they may allow what a
NetworkPolicy denies); Calico: https://docs.tigera.io/calico/latest/reference/resources/networkpolicy; Istio's
AuthorizationPolicy: https://istio.io/latest/docs/reference/config/security/authorization-policy/; Linkerd's Server, whose ports
are closed to all that nothing lets in: https://linkerd.io/2/reference/authorization-policy/; OVN-Kubernetes' networks, of which
a primary one isolates the pods of its namespaces: https://ovn-kubernetes.io/features/user-defined-networks/user-defined-networks/
"""

from __future__ import annotations

from budnet.ir.filters import Operator, PodPeer, Requirement, Selector, UnknownPolicy
from budnet.observe.kubernetes.fields import Object, Place, Wrong, mapping, mappings, sequence
from budnet.observe.kubernetes.selectors import selector

_NAME = "kubernetes.io/metadata.name"
_NETWORKS = ("UserDefinedNetwork", "ClusterUserDefinedNetwork")
_POLICIES = {
    "cilium.io": ("CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"),
    "projectcalico.org": ("NetworkPolicy", "GlobalNetworkPolicy"),
    "crd.projectcalico.org": ("NetworkPolicy", "GlobalNetworkPolicy"),
    "security.istio.io": ("AuthorizationPolicy",),
    "policy.linkerd.io": ("Server", "ServerAuthorization", "AuthorizationPolicy"),
    "crd.antrea.io": ("NetworkPolicy", "ClusterNetworkPolicy"),
    "networking.k8s.aws": ("ApplicationNetworkPolicy", "ClusterNetworkPolicy"),
    "networking.gke.io": ("FQDNNetworkPolicy",),
    "k8s.ovn.org": ("EgressFirewall", *_NETWORKS),
    "k8s.cni.cncf.io": ("MultiNetworkPolicy",),
}
GROUPS = tuple(_POLICIES)
_WIDE = ("CiliumClusterwideNetworkPolicy", "GlobalNetworkPolicy", "ClusterNetworkPolicy", "ClusterUserDefinedNetwork")
_DERIVED = ("io.kubernetes.pod.", "io.cilium.")
"""Keys that Cilium adds to the labels of pods: https://docs.cilium.io/en/stable/network/kubernetes/policy/"""


def is_foreign(group: str, kind: str) -> bool:
    """Whether this decides what passes, and is not modelled: of another maker, whatever calls itself a NetworkPolicy and is in force."""
    if kind in _POLICIES.get(group, ()):
        return True
    theirs = "." in group and not group.endswith("networking.k8s.io")
    return theirs and kind.endswith("NetworkPolicy") and not kind.startswith("Staged")


def foreign(of: Object, group: str, kind: str, name: str, namespace: str, cluster: str, place: Place) -> UnknownPolicy | None:
    """A policy as far as it is understood: whom it is about, and which directions it speaks of. None for a network that pods have
    beside their first one, which is the one that policies are about."""
    specs = [mapping(of, "spec"), *mappings(of, "specs")]
    if kind in _NETWORKS and not _primary(specs[0]):
        return None
    known = kind in _POLICIES.get(group, ())
    wide = kind in _WIDE or not (known or mapping(of, "metadata").get("namespace"))
    ingress, egress = _directions(group, kind, specs)
    spaces: Selector = () if wide else (Requirement(_NAME, Operator.IN, (namespace,)),)
    if kind == "ClusterUserDefinedNetwork":
        spaces = selector(mapping(specs[0], "namespaceSelector", "spec."), "spec.namespaceSelector")
    label = name if wide else f"{namespace}/{name}"
    why = f"{kind} {label} of {group} is not modelled"
    return UnknownPolicy(label, cluster, PodPeer(_chosen(group, specs), spaces), ingress, egress, why, place.origin)


def _primary(spec: Object) -> bool:
    of = mapping(spec, "network", "spec.") or spec
    return any(mapping(of, layer, "spec.").get("role") == "Primary" for layer in ("layer2", "layer3"))


def _directions(group: str, kind: str, specs: list[Object]) -> tuple[bool, bool]:
    if kind in ("AuthorizationPolicy", "Server", "ServerAuthorization"):
        return True, False
    if kind == "EgressFirewall":
        return False, True
    if group.endswith("projectcalico.org"):
        types = {str(t) for spec in specs for t in sequence(spec, "types")}
        if types:
            return "Ingress" in types, "Egress" in types
    says = [any(spec.get(k) is not None for spec in specs for k in (way, f"{way}Deny")) for way in ("ingress", "egress")]
    return (says[0], says[1]) if any(says) else (True, True)


def _chosen(group: str, specs: list[Object]) -> Selector:
    """Whom it selects, where that is written as Kubernetes writes it; otherwise everybody it could."""
    if group != "cilium.io" or len([s for s in specs if s]) != 1:
        return ()
    try:
        found = selector(_plain(mapping(next(s for s in specs if s), "endpointSelector", "spec.")), "spec.endpointSelector")
    except Wrong:
        return ()
    return () if any(r.key.startswith(_DERIVED) for r in found) else found


def _plain(written: Object) -> Object:
    """Keys without the source of a label, as in `k8s:app`. Those of other sources keep it, and are no labels of pods."""
    out = dict(written)
    labels, expressions = written.get("matchLabels"), written.get("matchExpressions")
    if isinstance(labels, dict):
        out["matchLabels"] = {str(key).removeprefix("k8s:"): value for key, value in labels.items()}
    if isinstance(expressions, list):
        out["matchExpressions"] = [
            {**each, "key": str(each.get("key")).removeprefix("k8s:")} if isinstance(each, dict) else each for each in expressions
        ]
    return out
