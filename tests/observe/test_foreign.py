"""Policies of other makers: whom each makes unknown, and what is none."""

from __future__ import annotations

from typing import Any

import pytest

from budnet.ir.filters import Operator, PodPeer, Requirement, Selector, UnknownPolicy
from budnet.observe.kubernetes import cluster, suspects
from budnet.observe.kubernetes.fields import Place, Problems
from budnet.observe.kubernetes.kinds import is_policy

NAME = "kubernetes.io/metadata.name"
SHOP: Selector = (Requirement(NAME, Operator.IN, ("shop",)),)
WEB: Selector = (Requirement("app", Operator.IN, ("web",)),)
BOTH, IN, OUT = (True, True), (True, False), (False, True)
CHOSEN = {"podSelector": {"matchLabels": {"app": "web"}}}
OF_WEB = {"selector": {"matchLabels": {"app": "web"}}}


def unknown(version: str, kind: str, spec: dict[str, Any], space: str = "shop") -> list[UnknownPolicy]:
    """What is unknown because of one object."""
    meta = {"name": "t"} | ({"namespace": space} if space else {})
    problems = Problems()
    found = cluster.network([({"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec}, Place("made.json", 1))], problems)
    assert not problems.found
    return list(found.network.unknown_policies)


def theirs(version: str, kind: str, spec: dict[str, Any], space: str = "shop") -> list[tuple[str, PodPeer, bool, bool]]:
    """The same as (name, whom it is about, ingress, egress)."""
    return [(p.id, p.subject, p.ingress, p.egress) for p in unknown(version, kind, spec, space)]


@pytest.mark.parametrize(
    "version, kind, spec, pods, spaces, ways",
    [
        ("cilium.io/v2", "CiliumLocalRedirectPolicy", {"redirectFrontend": {"addressMatcher": {"ip": "169.254.169.254"}}}, (), (), OUT),
        ("projectcalico.org/v3", "NetworkPolicy", {"types": ["Egress"]}, (), SHOP, OUT),
        ("security.antrea.tanzu.vmware.com/v1alpha1", "NetworkPolicy", {"ingress": []}, (), SHOP, IN),
        ("crd.antrea.io/v1beta1", "ClusterNetworkPolicy", {"egress": []}, (), (), OUT),
        ("security.istio.io/v1", "AuthorizationPolicy", OF_WEB, WEB, SHOP, IN),
        ("security.istio.io/v1", "PeerAuthentication", {"mtls": {"mode": "STRICT"}}, (), SHOP, IN),
        ("security.istio.io/v1", "PeerAuthentication", {**OF_WEB, "portLevelMtls": {"80": {"mode": "STRICT"}}}, WEB, SHOP, IN),
        ("networking.istio.io/v1", "Sidecar", {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}, (), SHOP, BOTH),
        ("policy.linkerd.io/v1beta3", "Server", {**CHOSEN, "port": 80}, WEB, SHOP, IN),
        ("policy.linkerd.io/v1alpha1", "AuthorizationPolicy", {"targetRef": {"kind": "Namespace"}}, (), SHOP, IN),
        ("policy.linkerd.io/v1beta1", "ServerAuthorization", {}, (), SHOP, IN),
        ("kuma.io/v1alpha1", "MeshTrafficPermission", {"targetRef": {"kind": "Mesh"}}, (), (), IN),
        ("consul.hashicorp.com/v1alpha1", "ServiceIntentions", {"destination": {"name": "db"}}, (), (), IN),
        ("vpcresources.k8s.aws/v1beta1", "SecurityGroupPolicy", {**CHOSEN, "securityGroups": {"groupIds": ["sg-1"]}}, WEB, SHOP, BOTH),
        ("networking.k8s.aws/v1alpha1", "ApplicationNetworkPolicy", {**CHOSEN, "egress": []}, WEB, SHOP, OUT),
        ("networking.gke.io/v1alpha1", "FQDNNetworkPolicy", {**CHOSEN, "egress": []}, WEB, SHOP, OUT),
        ("network.openshift.io/v1", "EgressNetworkPolicy", {"egress": []}, (), SHOP, OUT),
        ("k8s.ovn.org/v1", "EgressFirewall", {"egress": []}, (), SHOP, OUT),
        ("kubeovn.io/v1", "SecurityGroup", {"ingressRules": []}, (), (), BOTH),
        ("crd.nsx.vmware.com/v1alpha1", "SecurityPolicy", {"rules": []}, (), SHOP, BOTH),
        ("neuvector.com/v1", "NvSecurityRule", {"ingress": []}, (), SHOP, BOTH),
        ("acme.io/v1", "NetworkPolicy", {"ingress": []}, (), SHOP, IN),
        ("acme.io/v1", "AccessPolicy", {"ingress": []}, (), (), BOTH),
        ("acme.io/v1", "FirewallRule", {}, (), (), BOTH),
    ],
)
def test_whom_policies_of_other_makers_make_unknown(
    version: str, kind: str, spec: dict[str, Any], pods: Selector, spaces: Selector, ways: tuple[bool, bool]
) -> None:
    ((_, subject, ingress, egress),) = theirs(version, kind, spec)
    assert (subject, ingress, egress) == (PodPeer(pods, spaces), *ways)


@pytest.mark.parametrize(
    "version, kind, spec",
    [
        ("cilium.io/v2", "CiliumLocalRedirectPolicy", {"redirectFrontend": {"serviceMatcher": {"serviceName": "dns"}}}),
        ("cilium.io/v2", "CiliumEgressGatewayPolicy", {}),
        ("cilium.io/v1alpha1", "TracingPolicy", {}),
        ("security.istio.io/v1", "PeerAuthentication", {"mtls": {"mode": "PERMISSIVE"}}),
        ("security.istio.io/v1", "RequestAuthentication", {}),
        ("security.istio.io/v1", "AuthorizationPolicy", {"action": "AUDIT"}),
        ("networking.istio.io/v1", "Sidecar", {"egress": [{"hosts": ["./*"]}]}),
        ("networking.k8s.aws/v1alpha1", "PolicyEndpoint", {}),
        ("projectcalico.org/v3", "StagedGlobalNetworkPolicy", {}),
        ("projectcalico.org/v3", "Tier", {}),
        ("networking.gke.io/v1", "GCPBackendPolicy", {}),
        ("policy/v1", "PodDisruptionBudget", {}),
        ("policy/v1beta1", "PodSecurityPolicy", {}),
        ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy", {}),
        ("kyverno.io/v1", "ClusterPolicy", {}),
        ("kyverno.io/v1", "Policy", {}),
        ("nvidia.com/v1", "ClusterPolicy", {}),
        ("gateway.networking.k8s.io/v1", "BackendTLSPolicy", {}),
        ("gateway.envoyproxy.io/v1alpha1", "SecurityPolicy", {}),
        ("iam.services.k8s.aws/v1alpha1", "Policy", {}),
        ("ec2.services.k8s.aws/v1alpha1", "SecurityGroup", {}),
        ("acme.io/v1", "BackupPolicy", {}),
        ("acme.io/v1", "ScalingPolicy", {}),
        ("acme.io/v1", "Database", {}),
    ],
)
def test_what_is_no_policy_of_networks(version: str, kind: str, spec: dict[str, Any]) -> None:
    assert not unknown(version, kind, spec)


def test_the_answer_says_which_policy_it_is() -> None:
    (known,) = unknown("kubeovn.io/v1", "SecurityGroup", {}, "")
    assert known.why == "SecurityGroup t of kubeovn.io is not modelled"
    (suspected,) = unknown("acme.io/v1", "AccessPolicy", {})
    assert suspected.why == "AccessPolicy shop/t of acme.io may be a network policy, and is not modelled"


def test_in_istio_s_root_namespace_it_is_about_the_mesh() -> None:
    assert theirs("security.istio.io/v1", "AuthorizationPolicy", {}, "istio-system") == [("istio-system/t", PodPeer((), ()), True, False)]
    assert theirs("security.istio.io/v1", "AuthorizationPolicy", OF_WEB, "istio-system")[0][1] == PodPeer(WEB, ())


def test_a_newer_kind_of_a_known_maker_is_one_if_it_says_so() -> None:
    assert theirs("cilium.io/v3", "CiliumTenantNetworkPolicy", {}) == [("shop/t", PodPeer((), SHOP), True, True)]
    assert is_policy("cilium.io", "CiliumTenantNetworkPolicy") and not is_policy("cilium.io", "CiliumNodeConfig")


def test_groups_that_are_known_to_have_none_have_none() -> None:
    assert not any(suspects.may_decide(g, "NetworkPolicy") for g in ("apps", "", "kyverno.io", "network.azure.com"))


def test_what_calls_itself_a_network_policy_is_one() -> None:
    assert theirs("networking.gke.io/v1alpha1", "FQDNNetworkPolicy", {"egress": []}) == [("shop/t", PodPeer((), SHOP), False, True)]
    assert theirs("networking.k8s.aws/v1alpha1", "ClusterNetworkPolicy", {}, "") == [("t", PodPeer((), ()), True, True)]
    assert theirs("example.com/v1", "TenantNetworkPolicy", {"ingress": []}) == [("shop/t", PodPeer((), SHOP), True, False)]
    assert theirs("example.com/v1", "TenantNetworkPolicy", {}, "") == [("t", PodPeer((), ()), True, True)], "it may be about everybody"
    assert theirs("policy.linkerd.io/v1beta3", "Server", {"port": 80}) == [("shop/t", PodPeer((), SHOP), True, False)]
    assert not theirs("projectcalico.org/v3", "StagedNetworkPolicy", {}), "it is not in force"


def test_a_network_of_ones_own_that_is_the_first_one() -> None:
    team = (Requirement("team", Operator.IN, ("a",)),)
    first, second = ({"topology": "Layer2", "layer2": {"role": role}} for role in ("Primary", "Secondary"))
    assert theirs("k8s.ovn.org/v1", "UserDefinedNetwork", first) == [("shop/t", PodPeer((), SHOP), True, True)]
    assert not theirs("k8s.ovn.org/v1", "UserDefinedNetwork", second)
    wide = {"namespaceSelector": {"matchLabels": {"team": "a"}}, "network": first}
    assert theirs("k8s.ovn.org/v1", "ClusterUserDefinedNetwork", wide, "") == [("t", PodPeer((), team), True, True)]


def test_whom_a_policy_of_cilium_selects() -> None:
    def of(key: str) -> PodPeer:
        ((_, subject, _, _),) = theirs(
            "cilium.io/v2", "CiliumClusterwideNetworkPolicy", {"endpointSelector": {"matchLabels": {key: "web"}}}, ""
        )
        return subject

    assert of("app") == of("k8s:app") == PodPeer((Requirement("app", Operator.IN, ("web",)),), ())
    assert of("reserved:host") == of("io.cilium.k8s.policy.serviceaccount") == PodPeer((), ()), "what is no label of a pod may mean anybody"
    assert of("k8s:io.kubernetes.pod.namespace") == PodPeer((), (Requirement(NAME, Operator.IN, ("web",)),))
    assert of("io.cilium.k8s.namespace.labels.team") == PodPeer((), (Requirement("team", Operator.IN, ("web",)),))
