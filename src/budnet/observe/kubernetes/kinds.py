"""Which kinds of objects mean something for reachability, and in which versions they are known."""

from __future__ import annotations

from budnet.observe.kubernetes import foreign_ways, openshift
from budnet.observe.kubernetes.foreign import GROUPS, is_foreign
from budnet.observe.kubernetes.gateways import ROUTES
from budnet.observe.kubernetes.suspects import is_no_place_for_policies

OURS = "policy.networking.k8s.io"
POLICIES: dict[tuple[str, str], tuple[str, ...]] = {
    ("networking.k8s.io", "NetworkPolicy"): ("v1",),
    (OURS, "ClusterNetworkPolicy"): ("v1beta1", "v1alpha2"),
    (OURS, "AdminNetworkPolicy"): ("v1alpha1",),
    (OURS, "BaselineAdminNetworkPolicy"): ("v1alpha1",),
}
POLICY_GROUPS = {"networking.k8s.io", OURS, *GROUPS}
VERSIONS: dict[tuple[str, str], tuple[str, ...]] = POLICIES | {
    ("", "Pod"): ("v1",), ("", "Namespace"): ("v1",), ("", "Node"): ("v1",), ("", "Service"): ("v1",), ("", "Endpoints"): ("v1",),
    ("", "ReplicationController"): ("v1",),
    **{("apps", kind): ("v1", "v1beta2", "v1beta1") for kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")},
    **{("batch", kind): ("v1", "v1beta1") for kind in ("Job", "CronJob")},
    ("apps.openshift.io", "DeploymentConfig"): ("v1",), ("argoproj.io", "Rollout"): ("v1alpha1",),
    **{("kubevirt.io", kind): ("v1", "v1alpha3") for kind in ("VirtualMachine", "VirtualMachineInstance")},
    ("discovery.k8s.io", "EndpointSlice"): ("v1", "v1beta1"),
    ("networking.k8s.io", "Ingress"): ("v1",), ("networking.k8s.io", "IngressClass"): ("v1", "v1beta1"),
    **{("gateway.networking.k8s.io", kind): ("v1", "v1beta1", "v1alpha3", "v1alpha2") for kind in ("Gateway", "ReferenceGrant", *ROUTES)},
    (openshift.ROUTES, "Route"): ("v1",), (openshift.OPERATOR, "IngressController"): ("v1",),
}  # fmt: skip
"""The kinds that are read, each in the versions that are known; what a field of another one means is not guessed.

https://kubernetes.io/docs/reference/using-api/deprecation-guide/ (Ingress of v1beta1 names its backends otherwise),
https://gateway-api.sigs.k8s.io/concepts/versioning/; of ClusterNetworkPolicy both versions have one schema:
https://github.com/kubernetes-sigs/network-policy-api/releases/tag/v0.3.0
"""
MAKERS = ("", "apps", "batch", "apps.openshift.io", "argoproj.io", "kubevirt.io")
"""The groups of kinds that make pods."""
KNOWN_GROUPS = {group for group, _ in VERSIONS} | POLICY_GROUPS | set(foreign_ways.groups())
"""The API groups that have any kind that is read."""
_KINDS = {kind for _, kind in VERSIONS}
# `extensions` is where workloads, Ingress and NetworkPolicy were before 1.16; no server has served it since 1.22
_PLAIN = {*MAKERS, "extensions", "discovery.k8s.io", "networking.k8s.io", OURS}


_MEANINGLESS = {
    "": ("Binding", "ComponentStatus", "ConfigMap", "Event", "LimitRange", "PersistentVolume", "PersistentVolumeClaim", "PodTemplate",
         "ResourceQuota", "Secret", "ServiceAccount"),
    "apps": ("ControllerRevision",), "batch": (), "networking.k8s.io": ("IPAddress", "ServiceCIDR"),
}  # fmt: skip
"""The other kinds of Kubernetes' own groups that have some which are read: https://kubernetes.io/docs/reference/kubernetes-api/"""


def is_heard_of(group: str, kind: str) -> bool:
    """Whether there is such a kind, as far as all kinds of a group are known. Else the word is wrong, or very new."""
    return group not in _MEANINGLESS or kind in _MEANINGLESS[group] or (group, kind) in VERSIONS


def may_have_any(group: str) -> bool:
    """Whether a group has kinds that are read, or may have."""
    return group in KNOWN_GROUPS or not is_no_place_for_policies(group)


def is_read(group: str, kind: str) -> bool:
    """Whether objects of a kind mean something for reachability."""
    return (group, kind) in VERSIONS or is_policy(group, kind) or foreign_ways.is_foreign_way(group, kind)


def is_policy(group: str, kind: str) -> bool:
    """Whether objects of a kind decide what passes, as far as the name says: what is new in a group of policies is one, and
    what has the name of one and another group may be."""
    if group == "networking.k8s.io" and "polic" in kind.lower():  # a slip of the pen among them
        return True
    return (group, kind) in POLICIES or is_foreign(group, kind) or (group == OURS and kind.endswith("Policy"))


def is_known(group: str, kind: str, version: str) -> bool:
    """Whether an object is in a version whose meaning is known; True for kinds that mean nothing here. A kind that is read, in
    a group of Kubernetes' own that it is not read in, is of an older or newer API than is known."""
    versions = VERSIONS.get((group, kind))
    if versions is not None:
        return version in versions
    return kind not in _KINDS or group not in _PLAIN or is_foreign(group, kind)


def home(kind: str) -> str:
    """Where a kind is known, as `apiVersion` has it."""
    return ", ".join(f"{group}/{v}" if group else v for (group, name), versions in VERSIONS.items() if name == kind for v in versions)
