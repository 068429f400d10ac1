"""Policies of other makers. They are recognised and not modelled: whom they are about is unknown, in the directions they speak of.

Cilium, where rules of all kinds are united, so that they may allow what a NetworkPolicy denies:
https://docs.cilium.io/en/stable/security/policy/, its labels: https://docs.cilium.io/en/stable/network/kubernetes/policy/; and its
local redirects, of which those from an address lead elsewhere what pods send: .../network/kubernetes/local-redirect-policy/
Calico: https://docs.tigera.io/calico/latest/reference/resources/networkpolicy; what is staged there is not in force
Antrea: https://antrea.io/docs/main/docs/antrea-network-policy/, and its older groups
Istio, where the root namespace's are about the whole mesh; it is `istio-system` unless MeshConfig, which is not read, says otherwise:
https://istio.io/latest/docs/reference/config/security/authorization-policy/, .../security/peer_authentication/, .../networking/sidecar/
Linkerd, whose Server closes its ports to all that nothing lets in: https://linkerd.io/2/reference/authorization-policy/
Kuma: https://kuma.io/docs/latest/policies/meshtrafficpermission/; Consul: https://developer.hashicorp.com/consul/docs/k8s/crds
SMI: https://github.com/servicemeshinterface/smi-spec; NeuVector: https://open-docs.neuvector.com/policy/usingcrd/
AWS: https://docs.aws.amazon.com/eks/latest/userguide/security-groups-for-pods.html, .../userguide/cni-network-policy.html
GKE: https://cloud.google.com/kubernetes-engine/docs/how-to/fqdn-network-policies
OVN-Kubernetes, where a primary network isolates the pods of its namespaces:
https://ovn-kubernetes.io/features/user-defined-networks/user-defined-networks/; Kube-OVN, which names pods by annotation:
https://kubeovn.github.io/docs/stable/en/vpc/security-group/; NSX: https://github.com/vmware-tanzu/nsx-operator
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from budnet.ir.filters import Operator, PodPeer, Requirement, Selector, UnknownPolicy
from budnet.observe.kubernetes.fields import Object, Place, Wrong, mapping, mappings, sequence
from budnet.observe.kubernetes.selectors import selector
from budnet.observe.kubernetes.suspects import may_decide

_NAME = "kubernetes.io/metadata.name"
BOTH, IN, OUT = (True, True), (True, False), (False, True)


def _primary(spec: Object) -> bool:
    of = mapping(spec, "network", "spec.") or spec
    return any(mapping(of, layer, "spec.").get("role") == "Primary" for layer in ("layer2", "layer3"))


def _refuses_plaintext(spec: Object) -> bool:
    ports = mapping(spec, "portLevelMtls", "spec.")
    modes = [mapping(spec, "mtls", "spec."), *(mapping(ports, port, "spec.portLevelMtls.") for port in ports)]
    return any(mode.get("mode") == "STRICT" for mode in modes)


def _closes(spec: Object) -> bool:
    """A Sidecar: to hosts that are not registered, or its own ports that are not listed."""
    return mapping(spec, "outboundTrafficPolicy", "spec.").get("mode") == "REGISTRY_ONLY" or bool(sequence(spec, "ingress", "spec."))


def _redirects(spec: Object) -> bool:
    return bool(mapping(mapping(spec, "redirectFrontend", "spec."), "addressMatcher", "spec.redirectFrontend."))


class _Form(Struct, frozen=True):
    """What is known of how a kind is written. Where nothing else is, it is about everybody in its own namespace."""

    ways: tuple[bool, bool] = BOTH
    """(ingress, egress): of which it may speak."""
    selector: tuple[str, ...] = ()
    """Where its specification has a selector of pods, as Kubernetes writes it."""
    wide: bool = False
    """Whether it is about all namespaces."""
    root: str = ""
    """The namespace from which it is about all."""
    spaces: str = ""
    """The field with a selector of namespaces."""
    decides: Callable[[Object], bool] = lambda spec: True
    """Whether what is written may keep anything from passing."""


_SECURED = _Form(selector=("podSelector",))
_CALICO = {"NetworkPolicy": _Form(), "GlobalNetworkPolicy": _Form(wide=True)}
_ANTREA = {"NetworkPolicy": _Form(), "ClusterNetworkPolicy": _Form(wide=True)}
_FORMS: dict[str, dict[str, _Form]] = {
    "cilium.io": {
        "CiliumNetworkPolicy": _Form(), "CiliumClusterwideNetworkPolicy": _Form(wide=True),
        "CiliumLocalRedirectPolicy": _Form(OUT, wide=True, decides=_redirects),
    },
    "projectcalico.org": _CALICO, "crd.projectcalico.org": _CALICO,
    "crd.antrea.io": _ANTREA, "security.antrea.tanzu.vmware.com": _ANTREA, "crd.antrea.tanzu.vmware.com": _ANTREA,
    "security.istio.io": {
        "AuthorizationPolicy": _Form(IN, ("selector",), root="istio-system", decides=lambda spec: spec.get("action") != "AUDIT"),
        "PeerAuthentication": _Form(IN, ("selector",), root="istio-system", decides=_refuses_plaintext),
    },
    "networking.istio.io": {"Sidecar": _Form(root="istio-system", decides=_closes)},
    "policy.linkerd.io": {
        "Server": _Form(IN, ("podSelector",)), "ServerAuthorization": _Form(IN), "AuthorizationPolicy": _Form(IN),
        "EgressNetwork": _Form(OUT, root="linkerd-egress"),
    },
    "kuma.io": {name: _Form(ways, wide=True) for name, ways in (("MeshTrafficPermission", IN), ("TrafficPermission", IN), ("MeshPassthrough", OUT))},
    "consul.hashicorp.com": {"ServiceIntentions": _Form(IN, wide=True)},
    "access.smi-spec.io": {"TrafficTarget": _Form(IN)},
    "neuvector.com": {"NvSecurityRule": _Form(), "NvClusterSecurityRule": _Form(wide=True)},
    "networking.k8s.aws": {"ApplicationNetworkPolicy": _SECURED, "ClusterNetworkPolicy": _Form(wide=True)},
    "vpcresources.k8s.aws": {"SecurityGroupPolicy": _SECURED},
    "networking.gke.io": {"FQDNNetworkPolicy": _Form(OUT, ("podSelector",))},
    "network.openshift.io": {"EgressNetworkPolicy": _Form(OUT)},
    "k8s.ovn.org": {
        "EgressFirewall": _Form(OUT), "UserDefinedNetwork": _Form(decides=_primary),
        "ClusterUserDefinedNetwork": _Form(spaces="namespaceSelector", decides=_primary),
    },
    "kubeovn.io": {"SecurityGroup": _Form(wide=True)},
    "crd.nsx.vmware.com": {"SecurityPolicy": _Form()},
    "k8s.cni.cncf.io": {"MultiNetworkPolicy": _SECURED},
}  # fmt: skip
GROUPS = tuple(_FORMS)
KINDS = frozenset(kind for forms in _FORMS.values() for kind in forms)


def is_foreign(group: str, kind: str) -> bool:
    """Whether this may decide what passes, and is not modelled. Of makers that are known all kinds are, but for what calls itself a
    NetworkPolicy and is newer."""
    forms = _FORMS.get(group)
    if forms is None:
        return not group.endswith("networking.k8s.io") and may_decide(group, kind)
    return kind in forms or (kind.endswith("NetworkPolicy") and not kind.startswith("Staged"))


def foreign(of: Object, group: str, kind: str, name: str, namespace: str, cluster: str, place: Place) -> UnknownPolicy | None:
    """A policy as far as it is understood: whom it is about, and which directions it speaks of. None for one that says nothing that
    could keep anything from passing."""
    specs = [mapping(of, "spec"), *mappings(of, "specs")]
    form = _FORMS.get(group, {}).get(kind)
    known = form is not None
    if form is None:  # what calls itself a NetworkPolicy is written for its namespace, as Kubernetes' is; of others who knows
        form = _Form(wide=not (kind.endswith("NetworkPolicy") and mapping(of, "metadata").get("namespace")))
    if not any(form.decides(spec) for spec in specs):
        return None
    wide = form.wide or bool(form.spaces) or namespace == form.root
    spaces: Selector = () if wide else (Requirement(_NAME, Operator.IN, (namespace,)),)
    if form.spaces:
        spaces = selector(mapping(specs[0], form.spaces, "spec."), f"spec.{form.spaces}")
    pods, more = _cilium(specs) if group == "cilium.io" else (_chosen(form, specs[0]), ())
    ingress, egress = _directions(group, kind, form, specs)
    label = f"{namespace}/{name}" if mapping(of, "metadata").get("namespace") or not wide else name
    why = f"{kind} {label} of {group} " + ("is not modelled" if known else "may be a network policy, and is not modelled")
    return UnknownPolicy(label, cluster, PodPeer(pods, (*spaces, *more)), ingress, egress, why, place.origin)


def _directions(group: str, kind: str, form: _Form, specs: list[Object]) -> tuple[bool, bool]:
    if form.ways != BOTH or not kind.endswith("NetworkPolicy"):
        return form.ways
    if group.endswith("projectcalico.org"):
        types = {str(t) for spec in specs for t in sequence(spec, "types")}
        if types:
            return "Ingress" in types, "Egress" in types
    says = [any(spec.get(k) is not None for spec in specs for k in (way, f"{way}Deny")) for way in ("ingress", "egress")]
    return (says[0], says[1]) if any(says) else BOTH


def _chosen(form: _Form, spec: Object) -> Selector:
    """Whom it selects, where that is written as Kubernetes writes it; otherwise everybody it could."""
    try:
        for key in form.selector:
            spec = mapping(spec, key, "spec.")
        return selector(spec, "spec") if form.selector else ()
    except Wrong:
        return ()


# ---- Cilium -------------------------------------------------------------------------------------------------------------

_OF_SPACE = "io.cilium.k8s.namespace.labels."
_DERIVED = ("io.kubernetes.pod.", "io.cilium.")
"""Keys that Cilium adds to the labels of pods."""


def _cilium(specs: list[Object]) -> tuple[Selector, Selector]:
    """(labels of pods, labels of their namespaces) that an endpointSelector asks for. A label of another source, and a service account,
    may be anybody's."""
    written = [s for s in specs if s]
    if len(written) != 1:
        return (), ()
    try:
        found = selector(_plain(mapping(written[0], "endpointSelector", "spec.")), "spec.endpointSelector")
    except Wrong:
        return (), ()
    spaces = [Requirement(_NAME, r.operator, r.values) for r in found if r.key == "io.kubernetes.pod.namespace"]
    spaces += [Requirement(r.key.removeprefix(_OF_SPACE), r.operator, r.values) for r in found if r.key.startswith(_OF_SPACE)]
    return tuple(r for r in found if not r.key.startswith(_DERIVED)), tuple(spaces)


def _plain(written: Object) -> Object:
    """Keys without the source of a label, as in `k8s:app`, where that is Kubernetes or any. Those of other sources keep it, and are no
    labels of pods."""
    out = dict(written)
    labels, expressions = written.get("matchLabels"), written.get("matchExpressions")
    if isinstance(labels, dict):
        out["matchLabels"] = {_bare(key): value for key, value in labels.items()}
    if isinstance(expressions, list):
        out["matchExpressions"] = [{**each, "key": _bare(each.get("key"))} if isinstance(each, dict) else each for each in expressions]
    return out


def _bare(key: object) -> str:
    return str(key).removeprefix("k8s:").removeprefix("any:")
