"""The smallest change that opens a flow: one rule for each layer that blocks it, as its author would write it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from budnet.ir.address import Protocol
from budnet.ir.called import workload
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.filters import Action, AdminPolicy, AdminRule, UnknownPolicy
from budnet.reach.admission import Admission
from budnet.reach.disposition import Disposition
from budnet.reach.engine import Engine
from budnet.reach.path import Gate
from budnet.reach.points import Point
from budnet.reach.trace import Trace

_CHANGING = ("pod-template-hash", "controller-revision-hash", "pod-template-generation")
"""Labels that controllers give anew with each roll-out; a rule must not name them."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to write, and where."""

    layer: str
    summary: str
    write: str


def remedies(engine: Engine, found: Trace) -> list[Remedy]:
    """None where nothing blocks the flow. Of a file in our language one `flows` row opens every layer."""
    blocked = [gate for gate, passed in found.steps if passed is False]
    if not blocked:
        return []
    if engine.network.vpcs:
        return list(_flow(found))
    return [r for gate in blocked for r in _policy(engine, found, gate)]


def _flow(found: Trace) -> Iterator[Remedy]:
    here, there = found.source.endpoint, found.destination.endpoint
    outside = here is None or here.kind is EndpointKind.EXTERNAL
    if there is None or not there.filtered or (outside and not there.public):
        return  # nothing that the language has would open it
    source = "internet" if here is None or outside else here.service
    row = f"flows:\n- {{from: {source}, to: {there.service}, port: {_port(found)}}}"
    yield Remedy("flows", "declare the flow: routes, security groups, ACLs and policies follow from it", row)


def _policy(engine: Engine, found: Trace, gate: Gate) -> Iterator[Remedy]:
    """By the tier that denies: a rule before the one of a cluster-wide policy; else one NetworkPolicy more, which adds."""
    ingress = gate.otherwise is Disposition.DENIED_IN
    pod, peer = (found.destination, found.source) if ingress else (found.source, found.destination)
    if gate.layer != "network-policy" or pod.endpoint is None:
        return
    asked = engine.admissions.between(pod.endpoint, peer, ingress, pod.address.version if pod.known else 0)
    denying = _denying(engine, asked, pod.endpoint, peer, ingress, engine.alphabet.bit(found.protocol, found.port))
    if denying is not None:
        policy, rule = denying
        where = f"in {policy.id}, before its rule {rule.id}" + (f" ({rule.origin})" if rule.origin.line else "")
        yield Remedy("admin-policy", f"{where}, put", _rule(found, peer, ingress))
    if any(not isinstance(p, AdminPolicy | UnknownPolicy) for p in asked.policies):
        yield Remedy("network-policy", f"in namespace {pod.endpoint.namespace}, one NetworkPolicy more:",
                     _manifest(found, pod.endpoint, peer, ingress))  # fmt: skip


def _denying(engine: Engine, asked: Admission, pod: Endpoint, peer: Point, ingress: bool, bit: int) -> tuple[AdminPolicy, AdminRule] | None:
    """The rule of a cluster-wide policy that denies a port, unless one before it decides otherwise."""
    isolated = any(not isinstance(p, AdminPolicy | UnknownPolicy) for p in asked.policies)
    for tier in ("admin",) if isolated else ("admin", "baseline"):
        policies = [p for p in asked.policies if isinstance(p, AdminPolicy) and p.tier == tier]
        for policy in sorted(policies, key=lambda p: p.priority):
            for rule in policy.ingress if ingress else policy.egress:
                if engine.admissions.hits(rule, policy, pod, peer, ingress) & bit:
                    if rule.action is Action.DENY:
                        return policy, rule
                    break
            else:
                continue
            break
    return None


def _manifest(found: Trace, pod: Endpoint, peer: Point, ingress: bool) -> str:
    way, other = ("ingress", "from") if ingress else ("egress", "to")
    lines = ["apiVersion: networking.k8s.io/v1", "kind: NetworkPolicy",
             f"metadata: {{name: {_name(found, ingress)}, namespace: {pod.namespace}}}",
             "spec:", f"  podSelector: {{matchLabels: {_labels(pod)}}}", f"  policyTypes: [{way.capitalize()}]",
             f"  {way}:", f"  - {other}:", f"    - {_peer(pod, peer)}"]  # fmt: skip
    return "\n".join([*lines, *_ports(found)])


def _ports(found: Trace) -> list[str]:
    if found.protocol is Protocol.ICMP:
        return []
    return [f"    ports: [{{protocol: {found.protocol.name}, port: {found.port}}}]"]


def _rule(found: Trace, peer: Point, ingress: bool) -> str:
    other = "from" if ingress else "to"
    if peer.endpoint is not None and peer.endpoint.namespace:
        who = f"pods: {{namespaceSelector: {_space(peer.endpoint)}, podSelector: {{matchLabels: {_labels(peer.endpoint)}}}}}"
    else:
        who = f"networks: [{_prefix(peer)}]"
    return f"- action: Accept  # of v1alpha1: Allow\n  {other}: [{{{who}}}]\n  # only for {_port(found)}"


def _peer(pod: Endpoint, peer: Point) -> str:
    if peer.endpoint is None or not peer.endpoint.namespace or peer.endpoint.host_network:
        return f"ipBlock: {{cidr: {_prefix(peer)}}}"
    selector = f"podSelector: {{matchLabels: {_labels(peer.endpoint)}}}"
    return selector if peer.endpoint.namespace == pod.namespace else f"namespaceSelector: {_space(peer.endpoint)}\n      {selector}"


def _space(pod: Endpoint) -> str:
    return f"{{matchLabels: {{kubernetes.io/metadata.name: {pod.namespace}}}}}"


def _prefix(peer: Point) -> str:
    """Of one address; of a part of the outside all of its widest prefix."""
    if peer.endpoint is None:
        return str(min(peer.members.prefixes(), key=lambda p: p.prefixlen))
    return f"{peer.address}/{peer.address.max_prefixlen}"


def _labels(pod: Endpoint) -> str:
    return "{" + ", ".join(f'{key}: "{value}"' for key, value in pod.labels if key not in _CHANGING) + "}"


def _name(found: Trace, ingress: bool) -> str:
    ends = [workload(e.service) for e in (found.source.endpoint, found.destination.endpoint) if e is not None]
    return f"{'-to-'.join(ends)}-{'in' if ingress else 'out'}".lower()


def _port(found: Trace) -> str:
    return f"{found.port}/{found.protocol.name.lower()}"
