"""Policies of other makers. They are recognised and not modelled: what they select is unknown, in the directions they speak of.

Cilium: https://docs.cilium.io/en/stable/security/policy/ (rules of both kinds are united, so they may allow what a
NetworkPolicy denies); Calico: https://docs.tigera.io/calico/latest/reference/resources/networkpolicy; Istio's
AuthorizationPolicy: https://istio.io/latest/docs/reference/config/security/authorization-policy/
"""

from __future__ import annotations

from budnet.ir.filters import Operator, PodPeer, Requirement, Selector, UnknownPolicy
from budnet.observe.kubernetes.fields import Object, Place, Wrong, mapping, mappings, sequence
from budnet.observe.kubernetes.selectors import selector

GROUPS = ("cilium.io", "projectcalico.org", "crd.projectcalico.org", "security.istio.io", "crd.antrea.io", "k8s.ovn.org", "k8s.cni.cncf.io")
_NAME = "kubernetes.io/metadata.name"
_POLICIES = {
    "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "NetworkPolicy", "GlobalNetworkPolicy", "AuthorizationPolicy",
    "ClusterNetworkPolicy", "EgressFirewall", "MultiNetworkPolicy", "AdminNetworkPolicy",
}  # fmt: skip


def is_foreign(group: str, kind: str) -> bool:
    """Whether this is a policy that is not modelled."""
    return group in GROUPS and kind in _POLICIES


def foreign(of: Object, group: str, kind: str, name: str, namespace: str, cluster: str, place: Place) -> UnknownPolicy:
    """A policy as far as it is understood: whom it is about, and which directions it speaks of."""
    wide = kind in ("CiliumClusterwideNetworkPolicy", "GlobalNetworkPolicy") or (
        group == "crd.antrea.io" and kind == "ClusterNetworkPolicy"
    )
    specs = [mapping(of, "spec"), *mappings(of, "specs")]
    ingress, egress = _directions(group, kind, specs)
    spaces = () if wide else (Requirement(_NAME, Operator.IN, (namespace,)),)
    label = name if wide else f"{namespace}/{name}"
    why = f"{kind} {label} of {group} is not modelled"
    return UnknownPolicy(label, cluster, PodPeer(_chosen(group, specs), spaces), ingress, egress, why, place.origin)


def _directions(group: str, kind: str, specs: list[Object]) -> tuple[bool, bool]:
    if kind == "AuthorizationPolicy":
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
        found = selector(mapping(next(s for s in specs if s), "endpointSelector", "spec."), "spec.endpointSelector")
    except Wrong:
        return ()
    # keys may carry the source of a label, as in `k8s:app`; those of other sources are no labels of pods
    if any(":" in r.key and not r.key.startswith("k8s:") for r in found):
        return ()
    return tuple(Requirement(r.key.removeprefix("k8s:"), r.operator, r.values) for r in found)
