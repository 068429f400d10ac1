"""NetworkPolicy, and the cluster-wide kinds.

networking.k8s.io/v1 NetworkPolicy: https://kubernetes.io/docs/reference/kubernetes-api/policy-resources/network-policy-v1/
policy.networking.k8s.io: ClusterNetworkPolicy v1beta1 and v1alpha2, which are one schema; AdminNetworkPolicy and
BaselineAdminNetworkPolicy v1alpha1 (KEP-2091), https://network-policy-api.sigs.k8s.io/reference/spec/
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_network
from typing import Any

from budnet.ir.address import Prefix, Protocol, inside
from budnet.ir.filters import (
    Action,
    AdminPolicy,
    AdminRule,
    BlockPeer,
    NamePeer,
    NetworkPolicy,
    NodePeer,
    PodPeer,
    PolicyPort,
    PolicyRule,
)
from budnet.ir.origin import Origin
from budnet.observe.kubernetes.fields import Object, Place, Wrong, mapping, mappings, number, only, sequence, text
from budnet.observe.kubernetes.selectors import selector

PROTOCOLS = {"TCP": Protocol.TCP, "UDP": Protocol.UDP, "SCTP": Protocol.SCTP}
_PORT_NAME = re.compile(r"(?=.*[a-z])(?!.*--)[a-z0-9](?:[-a-z0-9]{0,13}[a-z0-9])?")
"""IANA_SVC_NAME: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#ports; others match no port there is."""
_DOMAIN = re.compile(r"(?:\*\.)?(?:[a-zA-Z0-9](?:[-a-zA-Z0-9_]*[a-zA-Z0-9])?\.)+[a-zA-Z0-9](?:[-a-zA-Z0-9_]*[a-zA-Z0-9])?\.?")
"""`DomainName` of policy.networking.k8s.io."""
BASELINE_PRIORITY = 0
_LAST_PRIORITY = 1000


def network_policy(of: Object, name: str, namespace: str, cluster: str, place: Place) -> NetworkPolicy:
    """One NetworkPolicy. Where `policyTypes` is missing it is Ingress, and Egress where there is a rule for it."""
    spec = mapping(of, "spec")
    only(spec, ("podSelector", "policyTypes", "ingress", "egress"), "spec.")
    ingress = [
        _rule(r, "from", f"{namespace}/{name}", "ingress", i, place.origin) for i, r in enumerate(mappings(spec, "ingress", "spec."))
    ]
    egress = [_rule(r, "to", f"{namespace}/{name}", "egress", i, place.origin) for i, r in enumerate(mappings(spec, "egress", "spec."))]
    types = sequence(spec, "policyTypes", "spec.")
    for i, each in enumerate(types):
        if each not in ("Ingress", "Egress"):
            raise Wrong(f"spec.policyTypes[{i}]", f"'{each}' is no policy type", "write Ingress or Egress")
    types = types or ["Ingress", *(["Egress"] if egress else [])]
    chosen = selector(mapping(spec, "podSelector", "spec."), "spec.podSelector")
    return NetworkPolicy(
        f"{namespace}/{name}", cluster, namespace, chosen,
        tuple(ingress) if "Ingress" in types else None, tuple(egress) if "Egress" in types else None, place.origin,
    )  # fmt: skip


def _rule(of: Object, side: str, policy: str, direction: str, at: int, origin: Origin) -> PolicyRule:
    where = f"spec.{direction}[{at}]."
    only(of, (side, "ports"), where)
    peers = tuple(_peer(p, f"{where}{side}[{i}]") for i, p in enumerate(mappings(of, side, where)))
    ports = tuple(_port(p, f"{where}ports[{i}].") for i, p in enumerate(mappings(of, "ports", where)))
    return PolicyRule(f"{policy}:{direction}[{at}]", peers, ports, origin)


def _peer(of: Object, where: str) -> PodPeer | BlockPeer:
    only(of, ("podSelector", "namespaceSelector", "ipBlock"), f"{where}.")
    if of.get("ipBlock") is not None:
        if len([k for k in of if of[k] is not None]) > 1:
            raise Wrong(where, "a peer with an ipBlock has nothing else", "make two peers of it")
        return _block(mapping(of, "ipBlock", f"{where}."), f"{where}.ipBlock.")
    pods, spaces = of.get("podSelector"), of.get("namespaceSelector")
    if pods is None and spaces is None:
        raise Wrong(
            where, "the peer names nobody", "give it a podSelector, a namespaceSelector or an ipBlock; for everybody leave out the list"
        )
    chosen = selector(mapping(of, "podSelector", f"{where}."), f"{where}.podSelector")
    if spaces is None:
        return PodPeer(chosen)
    return PodPeer(chosen, selector(mapping(of, "namespaceSelector", f"{where}."), f"{where}.namespaceSelector"))


def _block(of: Object, where: str) -> BlockPeer:
    only(of, ("cidr", "except"), where)
    whole = prefix(text(of, "cidr", where), f"{where}cidr")
    without = []
    for i, each in enumerate(sequence(of, "except", where)):
        part = prefix(each, f"{where}except[{i}]")
        if not inside(part, whole) or part == whole:
            raise Wrong(f"{where}except[{i}]", f"{part} is not a part of {whole}")
        without.append(part)
    return BlockPeer(whole, tuple(without))


def prefix(written: object, where: str) -> Prefix:
    """A CIDR; bits behind the prefix length are ignored, as the API server does."""
    try:
        if not isinstance(written, str) or "/" not in written:
            raise ValueError
        return _prefix(written)
    except ValueError:
        raise Wrong(where, f"{written!r} is no prefix", "write it like 10.0.0.0/16 or fd00::/48") from None


@lru_cache(5000)
def _prefix(written: str) -> Prefix:
    return ip_network(written, strict=False)


def _port(of: Object, where: str) -> PolicyPort:
    only(of, ("protocol", "port", "endPort"), where)
    protocol = protocol_of(of, where)
    port = of.get("port")
    if port is None:
        if of.get("endPort") is not None:
            raise Wrong(f"{where}endPort", "there is no port that the range begins with")
        return PolicyPort(protocol)
    if isinstance(port, str):
        if of.get("endPort") is not None:
            raise Wrong(f"{where}endPort", "a port by name cannot begin a range")
        if not _PORT_NAME.fullmatch(port):
            help = (
                "a number goes without quotes"
                if port.isdigit()
                else "up to 15 small letters, digits and single '-', at least one of them a letter"
            )
            raise Wrong(f"{where}port", f"{port!r} is no name of a port", help)
        return PolicyPort(protocol, port)
    first = number(of, "port", 1, 65535, where)
    end = number(of, "endPort", 1, 65535, where)
    if first is not None and end is not None and end < first:
        raise Wrong(f"{where}endPort", f"the range {first}-{end} runs backwards")
    return PolicyPort(protocol, first, end if end != first else None)


def protocol_of(of: Object, where: str) -> Protocol:
    """TCP where none is written."""
    word = text(of, "protocol", where, "TCP")
    if word not in PROTOCOLS:
        raise Wrong(f"{where}protocol", f"'{word}' is no protocol", f"write one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[word]


# ---- cluster-wide -------------------------------------------------------------------------------------------------------


def cluster_network_policy(of: Object, name: str, cluster: str, place: Place) -> AdminPolicy:
    """ClusterNetworkPolicy of policy.networking.k8s.io."""
    spec = mapping(of, "spec")
    tier = text(spec, "tier", "spec.")
    if tier not in ("Admin", "Baseline"):
        raise Wrong("spec.tier", f"'{tier}' is no tier", "write Admin or Baseline")
    actions = {"Accept": Action.ACCEPT, "Deny": Action.DENY, "Pass": Action.PASS}
    return _admin(spec, name, cluster, tier.lower(), _priority(spec), actions, _protocols, place, "ClusterNetworkPolicy")


def admin_network_policy(of: Object, name: str, cluster: str, place: Place) -> AdminPolicy:
    """policy.networking.k8s.io/v1alpha1 AdminNetworkPolicy."""
    spec = mapping(of, "spec")
    actions = {"Allow": Action.ACCEPT, "Deny": Action.DENY, "Pass": Action.PASS}
    return _admin(spec, name, cluster, "admin", _priority(spec), actions, _admin_ports, place, "AdminNetworkPolicy")


def baseline_policy(of: Object, name: str, cluster: str, place: Place) -> AdminPolicy:
    """policy.networking.k8s.io/v1alpha1 BaselineAdminNetworkPolicy; there is one, and it is called `default`."""
    if name != "default":
        raise Wrong("metadata.name", f"a BaselineAdminNetworkPolicy is called 'default', not '{name}'")
    actions = {"Allow": Action.ACCEPT, "Deny": Action.DENY}
    return _admin(
        mapping(of, "spec"), name, cluster, "baseline", BASELINE_PRIORITY, actions, _admin_ports, place, "BaselineAdminNetworkPolicy"
    )


Ports = Callable[[Object, str], tuple[PolicyPort, ...]]


def _priority(spec: Object) -> int:
    found = number(spec, "priority", 0, _LAST_PRIORITY, "spec.")
    if found is None:
        raise Wrong("spec.priority", "the priority is missing", f"write a number from 0, which is asked first, to {_LAST_PRIORITY}")
    return found


def _admin(
    spec: Object, name: str, cluster: str, tier: str, priority: int, actions: dict[str, Action], ports: Ports, place: Place, kind: str
) -> AdminPolicy:
    only(spec, ("tier", "priority", "subject", "ingress", "egress"), "spec.")
    subject = _pods(mapping(spec, "subject", "spec."), "spec.subject")
    if subject is None:
        raise Wrong("spec.subject", "the policy is about nobody", "give it `namespaces` or `pods`")
    rules: dict[str, list[AdminRule]] = {}
    for direction, side in (("ingress", "from"), ("egress", "to")):
        rules[direction] = []
        for i, row in enumerate(mappings(spec, direction, "spec.")):
            where = f"spec.{direction}[{i}]."
            only(row, ("name", "action", side, "ports" if ports is _admin_ports else "protocols"), where)
            if not sequence(row, side, where):
                raise Wrong(
                    f"{where}{side}", "the rule names nobody", "name at least one peer; `namespaces: {}` is everybody in the cluster"
                )
            word = text(row, "action", where)
            if word not in actions:
                raise Wrong(f"{where}action", f"'{word}' is no action here", f"write one of {', '.join(actions)}")
            peers = tuple(p for j, each in enumerate(mappings(row, side, where)) for p in _admin_peers(each, f"{where}{side}[{j}]", side))
            if actions[word] is not Action.ACCEPT and any(isinstance(p, NamePeer) for p in peers):
                raise Wrong(f"{where}{side}", f"names of domains are for rules that let through, and this is {word}", "name their networks")
            label = f"{name}:{direction}[{i}]" + (f" {row['name']}" if row.get("name") else "")
            rules[direction].append(AdminRule(label, actions[word], peers, ports(row, where), place.origin))
    return AdminPolicy(name, cluster, tier, priority, subject, tuple(rules["ingress"]), tuple(rules["egress"]), place.origin, kind)


def _one_of(of: Object, keys: tuple[str, ...], where: str) -> None:
    """A union of the API: one of these fields is set, and nothing else."""
    only(of, keys, f"{where}.")
    if len([k for k in of if of[k] is not None]) > 1:
        raise Wrong(where, "exactly one field must be set", "make several of it")


def _pods(of: Object, where: str) -> PodPeer | None:
    """`namespaces` or `pods`; None where it is neither."""
    _one_of(of, ("namespaces", "pods", "nodes", "networks", "domainNames"), where)
    if of.get("namespaces") is not None:
        return PodPeer((), selector(mapping(of, "namespaces", f"{where}."), f"{where}.namespaces"))
    if of.get("pods") is not None:
        pods = mapping(of, "pods", f"{where}.")
        only(pods, ("namespaceSelector", "podSelector"), f"{where}.pods.")
        spaces = selector(mapping(pods, "namespaceSelector", f"{where}.pods."), f"{where}.pods.namespaceSelector")
        return PodPeer(selector(mapping(pods, "podSelector", f"{where}.pods."), f"{where}.pods.podSelector"), spaces)
    return None


def _admin_peers(of: Object, where: str, side: str) -> list[PodPeer | BlockPeer | NodePeer | NamePeer]:
    """One peer of a rule; the API has fewer kinds of them for sources than for destinations."""
    pods = _pods(of, where)
    if pods is not None:
        return [pods]
    if side == "from" and (other := next((key for key in of if of[key] is not None), "")):
        raise Wrong(f"{where}.{other}", f"a source is no peer by {other}", "known for sources are namespaces and pods")
    if of.get("nodes") is not None:
        return [NodePeer(selector(mapping(of, "nodes", f"{where}."), f"{where}.nodes"))]
    if of.get("networks") is not None:
        return [BlockPeer(prefix(each, f"{where}.networks[{i}]")) for i, each in enumerate(_some(of, "networks", where))]
    if of.get("domainNames") is not None:
        names = _some(of, "domainNames", where)
        wrong = next((n for n in names if not isinstance(n, str) or not _DOMAIN.fullmatch(n)), None)
        if wrong is not None:
            raise Wrong(f"{where}.domainNames", f"{wrong!r} is no name of a domain", "it is like `example.com`, or `*.example.com`")
        return [NamePeer(tuple(names))]
    # the API: a peer with no field that is known is one that is newer than the reader, and must not be taken for everybody
    raise Wrong(where, "the peer is of a kind that is not known", "known are namespaces, pods, nodes, networks and domainNames")


def _some(of: Object, key: str, where: str) -> list[Any]:
    """A list that the API does not take empty."""
    found = sequence(of, key, f"{where}.")
    if not found:
        raise Wrong(f"{where}.{key}", "the list is empty", "name at least one")
    return found


def _admin_ports(row: Object, where: str) -> tuple[PolicyPort, ...]:
    """v1alpha1: `ports` with portNumber, portRange or namedPort."""
    out: list[PolicyPort] = []
    for i, each in enumerate(mappings(row, "ports", where)):
        at = f"{where}ports[{i}]."
        _one_of(each, ("portNumber", "portRange", "namedPort"), at.rstrip("."))
        if each.get("portNumber") is not None:
            given = mapping(each, "portNumber", at)
            only(given, ("protocol", "port"), f"{at}portNumber.")
            out.append(PolicyPort(protocol_of(given, f"{at}portNumber."), _needed(given, "port", f"{at}portNumber.")))
        elif each.get("portRange") is not None:
            given = mapping(each, "portRange", at)
            out.append(_range(protocol_of(given, f"{at}portRange."), given, f"{at}portRange."))
        elif each.get("namedPort") is not None:
            out += [PolicyPort(protocol, text(each, "namedPort", at)) for protocol in PROTOCOLS.values()]
        else:
            raise Wrong(at.rstrip("."), "the port is of a kind that is not known", "known are portNumber, portRange and namedPort")
    return tuple(out)


def _protocols(row: Object, where: str) -> tuple[PolicyPort, ...]:
    """ClusterNetworkPolicy: `protocols` with tcp, udp, sctp (each with an optional destinationPort) or destinationNamedPort."""
    out: list[PolicyPort] = []
    if row.get("protocols") is not None:
        _some(row, "protocols", where.rstrip("."))
    for i, each in enumerate(mappings(row, "protocols", where)):
        at = f"{where}protocols[{i}]."
        _one_of(each, ("tcp", "udp", "sctp", "destinationNamedPort"), at.rstrip("."))
        name = next((n for n in ("tcp", "udp", "sctp") if each.get(n) is not None), None)
        if name is not None:
            out.append(_destination(PROTOCOLS[name.upper()], mapping(each, name, at), f"{at}{name}."))
        elif each.get("destinationNamedPort") is not None:
            out += [PolicyPort(protocol, text(each, "destinationNamedPort", at)) for protocol in PROTOCOLS.values()]
        else:
            raise Wrong(at.rstrip("."), "the protocol is of a kind that is not known", "known are tcp, udp, sctp and destinationNamedPort")
    return tuple(out)


def _destination(protocol: Protocol, of: Object, where: str) -> PolicyPort:
    only(of, ("destinationPort",), where)
    if of.get("destinationPort") is None:
        return PolicyPort(protocol)
    port = mapping(of, "destinationPort", where)
    where += "destinationPort."
    _one_of(port, ("number", "range"), where.rstrip("."))
    if port.get("range") is not None:
        return _range(protocol, mapping(port, "range", where), f"{where}range.")
    return PolicyPort(protocol, _needed(port, "number", where))


def _range(protocol: Protocol, of: Object, where: str) -> PolicyPort:
    only(of, ("protocol", "start", "end"), where)
    first, last = _needed(of, "start", where), _needed(of, "end", where)
    if last < first:
        raise Wrong(f"{where}end", f"the range {first}-{last} runs backwards")
    return PolicyPort(protocol, first, last if last != first else None)


def _needed(of: Object, key: str, where: str) -> int:
    found = number(of, key, 1, 65535, where)
    if found is None:
        raise Wrong(f"{where}{key}", f"'{key}' is missing")
    return found
