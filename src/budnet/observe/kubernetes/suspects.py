"""Kinds of makers of which nothing is known: whether the name of one says that it may decide what passes.

What is passed over by mistake makes an answer wrong, and what is taken for a policy by mistake makes all of them unknown. So a
name that speaks of networks is one of a policy, wherever it is from; else a policy is about something else where its name or its
group says so, and may be about networks where neither does.
"""

from __future__ import annotations

import re
from functools import cache

_NETWORK = re.compile(
    r"NetworkPolic|Firewall|SecurityGroup(Policy|Rule)?$|SecurityRule|(Traffic|Egress|Ingress|Network|Connection|Security|Access)(Policy|Policies|Rule|Permission)$"
    r"|Authorization(Policy|Policies)$|Intentions?$|TrafficPermission|Isolation(Policy)?$|Segmentation"
)
_POLICY = re.compile(r"Polic(y|ies)$")
_ELSE = re.compile(
    r"Admission|Alert|Alarm|Audit|Auth(entication)?Policy|Backup|Bgp|BGP|Budget|Build|Cache|Certificate|Clean|Compliance|Cost|Delet|Deploy"
    r"|Disruption|DNS|Dns|Evict|Failover|Health|IAM|Iam|Image|Lifecycle|Lint|Log|Metric|Migration|Mutat|Naming|Notif|Override|Password"
    r"|Placement|Plugin|Priority|Propagat|Prun|Pull|Quota|Rate|Recover|Remediat|Replic|Report|Resource|Restart|Restore|Retention|Retry"
    r"|Role|Rollout|Rotat|Scal|Schedul|Schema|Snapshot|Storage|Sync|TLS|Telemetry|Template|Timeout|Trac(e|ing)|Update|Upgrade|User|Validat"
    r"|Version|Vulnerab|Watch"
)
"""What else policies are about."""
_OTHER_GROUPS = {
    # Kubernetes' own: PodDisruptionBudget and the PodSecurityPolicy of old, policies of admission, and what has no policies
    "policy", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "authentication.k8s.io",
    "authorization.k8s.io", "autoscaling.k8s.io", "certificates.k8s.io", "coordination.k8s.io", "events.k8s.io",
    "flowcontrol.apiserver.k8s.io", "internal.apiserver.k8s.io", "metrics.k8s.io", "node.k8s.io", "rbac.authorization.k8s.io",
    "resource.k8s.io", "scheduling.k8s.io", "snapshot.storage.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
    # admission: Kyverno, Gatekeeper, Kubewarden, Sigstore, and reports of these
    "kyverno.io", "policies.kyverno.io", "reports.kyverno.io", "wgpolicyk8s.io", "openreports.io", "constraints.gatekeeper.sh",
    "policies.kubewarden.io", "policy.sigstore.dev", "policy.cert-manager.io", "image.toolkit.fluxcd.io",
    # where objects go in several clusters: Karmada, Open Cluster Management
    "policy.karmada.io", "policy.open-cluster-management.io",
    # what gateways do with requests, before the packets that go to pods
    "gateway.networking.k8s.io", "gateway.networking.x-k8s.io", "gateway.envoyproxy.io", "gateway.kgateway.dev", "gateway.nginx.org",
    "kuadrant.io", "k8s.nginx.org", "appprotect.f5.com", "appprotectdos.f5.com", "traefik.io", "configuration.konghq.com",
    # what nodes, their drivers and interfaces are: NVIDIA's ClusterPolicy, NMState's and the SR-IOV operator's of networks of nodes
    "nvidia.com", "mellanox.com", "nmstate.io", "sriovnetwork.openshift.io", "config.openshift.io", "operator.openshift.io", "tailscale.com",
    # backups and secrets, each with a kind that is called just Policy, or like it
    "config.kio.kasten.io", "velero.io", "stork.libopenstorage.org", "redhatcop.redhat.io",
}  # fmt: skip
_CLOUDS = (".services.k8s.aws", ".crossplane.io", ".upbound.io", ".cnrm.cloud.google.com", ".azure.com")
"""Ends of groups whose objects describe what is in a cloud: firewalls there stand before nodes, and are no objects of the cluster."""


@cache
def may_decide(group: str, kind: str) -> bool:
    """Whether a kind of an unknown maker may be one of network policies. Groups without a dot are Kubernetes' own."""
    if is_no_place_for_policies(group) or kind.startswith("Staged"):
        return False
    return bool(_NETWORK.search(kind) or (_POLICY.search(kind) and not _ELSE.search(kind)))


def is_no_place_for_policies(group: str) -> bool:
    """Whether a group is known to have no kind that decides what passes, so that nobody need look."""
    return "." not in group or group in _OTHER_GROUPS or group.endswith(_CLOUDS)
