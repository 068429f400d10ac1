"""A rule as the lines of a manifest, and where it goes.

The forms are those of networking.k8s.io/v1 (https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/)
and of policy.networking.k8s.io v1alpha1 and v1beta1 (https://network-policy-api.sigs.k8s.io/reference/spec/).
"""

from __future__ import annotations

import json

from budnet.ir.filters import (
    AdminPolicy,
    AdminRule,
    BlockPeer,
    NamePeer,
    NetworkPolicy,
    NodePeer,
    PodPeer,
    PolicyPort,
    PolicyRule,
    Selector,
)
from budnet.reach import semantics
from budnet.reach.engine import Engine
from budnet.reach.remedy.edits import Edit


def summary(engine: Engine, edit: Edit) -> str:
    """Where it goes, and who else it is about where labels do not tell them apart."""
    policy, way = edit.policy, "ingress" if edit.ingress else "egress"
    place = f" ({policy.origin})" if policy.origin.line else ""
    if edit.new:
        assert isinstance(policy, NetworkPolicy)
        text = f"in namespace {policy.namespace}, one NetworkPolicy more"
    elif isinstance(policy, NetworkPolicy):
        text = f"in NetworkPolicy {policy.id}{place}, one {way} rule more"
    else:
        rules = policy.ingress if edit.ingress else policy.egress
        before = f"before {rules[edit.at].id}" if edit.at < len(rules) else "as the last"
        text = f"in {policy.kind} {policy.id}{place}, one {way} rule more, {before}"
    wide = [] if edit.rule.ports else ["it opens every port, because policies have no word for ICMP"]
    return "; ".join([text, *wide, *_others(engine, edit)])


def _others(engine: Engine, edit: Edit) -> list[str]:
    """Whom a peer by labels means as well."""
    peer = edit.rule.peers[0]
    if not isinstance(peer, PodPeer):
        return []
    policy = edit.policy
    place = semantics.PolicyPlace(policy.cluster, policy.namespace if isinstance(policy, NetworkPolicy) else "")
    meant = dict.fromkeys(
        e.service for e in engine.network.endpoints
        if engine.admissions.is_selectable(e) and semantics.pod_matches(peer, e, engine.labels(e), engine.space(e), place)
    )  # fmt: skip
    if len(meant) < 2:
        return []
    more = f" and {len(meant) - 4} more" if len(meant) > 4 else ""
    return [f"its peers are {', '.join(list(meant)[:4])}{more}, whose labels do not differ enough"]


def write(edit: Edit) -> str:
    """The lines: a whole policy, or a rule to put in."""
    if isinstance(edit.policy, AdminPolicy):
        assert isinstance(edit.rule, AdminRule)
        return "\n".join(_admin_rule(edit.policy, edit.rule, edit.ingress))
    assert isinstance(edit.rule, PolicyRule)
    rule = _rule(edit.rule, edit.ingress)
    if not edit.new:
        return "\n".join(rule)
    way = "ingress" if edit.ingress else "egress"
    name = edit.policy.id.rpartition("/")[2]
    return "\n".join([
        "apiVersion: networking.k8s.io/v1", "kind: NetworkPolicy", f"metadata: {{name: {name}, namespace: {edit.policy.namespace}}}", "spec:",
        f"  podSelector: {_selector(edit.policy.selector)}", f"  policyTypes: [{way.capitalize()}]", f"  {way}:", *(f"  {line}" for line in rule),
    ])  # fmt: skip


def _rule(rule: PolicyRule, ingress: bool) -> list[str]:
    peer = rule.peers[0]
    if isinstance(peer, BlockPeer):
        who = [f"ipBlock: {{cidr: {_quoted(peer.prefix)}}}"]
    else:
        who = [f"podSelector: {_selector(peer.pods)}"]
        if peer.namespaces is not None:
            who.insert(0, f"namespaceSelector: {_selector(peer.namespaces)}")
    lines = [f"- {'from' if ingress else 'to'}:", *(f"{'  - ' if i == 0 else '    '}{line}" for i, line in enumerate(who))]
    ports = ", ".join(f"{{protocol: {p.protocol.name}, port: {p.port}}}" for p in rule.ports)
    return [*lines, f"  ports: [{ports}]"] if ports else lines


def _admin_rule(policy: AdminPolicy, rule: AdminRule, ingress: bool) -> list[str]:
    second = policy.kind == "ClusterNetworkPolicy"
    lines = [f"- action: {'Accept' if second else 'Allow'}", f"  {'from' if ingress else 'to'}: [{{{_admin_peer(rule.peers[0])}}}]"]
    if rule.ports:
        lines.append(f"  {'protocols' if second else 'ports'}: [{', '.join(_admin_port(p, second) for p in rule.ports)}]")
    return lines


def _admin_peer(peer: PodPeer | BlockPeer | NodePeer | NamePeer) -> str:
    if isinstance(peer, PodPeer):
        return f"pods: {{namespaceSelector: {_selector(peer.namespaces or ())}, podSelector: {_selector(peer.pods)}}}"
    assert isinstance(peer, BlockPeer), "a change is for one flow, and says whom by labels or by address"
    return f"networks: [{_quoted(peer.prefix)}]"


def _admin_port(port: PolicyPort, second: bool) -> str:
    name = port.protocol.name
    if second:
        return f"{{{name.lower()}: {{destinationPort: {{number: {port.port}}}}}}}"
    return f"{{portNumber: {{protocol: {name}, port: {port.port}}}}}"


def _selector(selector: Selector) -> str:
    """A change names each label with its value."""
    return "{matchLabels: {" + ", ".join(f"{r.key}: {json.dumps(r.values[0])}" for r in selector) + "}}" if selector else "{}"


def _quoted(prefix: object) -> str:
    return f'"{prefix}"' if ":" in str(prefix) else str(prefix)
