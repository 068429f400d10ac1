"""What is odd about policies: selects nobody, never matches, says again what another says, disagrees with another.

What is called redundant or shadowed is so whatever pods there will be: one rule's selectors and ports lie within the other's as
they are written. What is called idle is so with the pods that are there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from budnet.ir.endpoint import Endpoint, EndpointKind
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
    Requirement,
    Selector,
)
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.packets.addresses import AddressSet
from budnet.reach import semantics
from budnet.reach.table.columns import Columns
from budnet.reach.table.peers import Peers
from budnet.reach.table.wires import Flat
from budnet.source.diagnostic import Diagnostic, Severity
from budnet.source.span import Span

SELECTS_NOBODY, MEANS_NOBODY, NEVER_MATCHES, REDUNDANT, SHADOWED = "K211", "K212", "K213", "K214", "K215"
DISAGREE, NO_POLICY, BLOCK_OF_PODS, NO_PORT_OF_THAT_NAME, NOT_MODELLED = "K216", "K217", "K218", "K219", "K220"

Annotations = Mapping[str, Mapping[str, object]]
Peer = PodPeer | BlockPeer | NodePeer | NamePeer
Ports = tuple[PolicyPort, ...]


def review(network: Network, annotations: Annotations | None = None) -> list[Diagnostic]:
    """Everything that is odd. `annotations` are those of pods, by endpoint id, for those who mixed them up with labels."""
    return [*_Review(network, annotations or {}).findings()]


class _Review:
    def __init__(self, network: Network, annotations: Annotations) -> None:
        self.network, self.annotations = network, annotations
        self.peers = Peers(network, Columns(network, Flat()))
        self.pods: dict[tuple[str, str], list[Endpoint]] = defaultdict(list)
        for e in network.endpoints:
            if e.kind is EndpointKind.POD and not e.host_network:
                self.pods[e.cluster, e.namespace].append(e)

    def findings(self) -> Iterator[Diagnostic]:
        for policy in self.network.policies:
            yield from self._policy(policy)
        for admin in self.network.admin_policies:
            yield from self._admin(admin)
        yield from self._redundant()
        yield from self._shadowed()
        yield from self._disagreeing()
        yield from self._open_namespaces()
        for other in self.network.unknown_policies:
            yield _say(
                Severity.INFO, NOT_MODELLED, f"{other.id}: {other.why}", other.origin, "what it decides is called unknown everywhere"
            )

    # ---- one policy by itself -------------------------------------------------------------------------------------------

    def _policy(self, policy: NetworkPolicy) -> Iterator[Diagnostic]:
        here = self.pods.get((policy.cluster, policy.namespace), [])
        chosen = [e for e in here if semantics.selects(policy.selector, dict(e.labels))]
        if _contradicts(policy.selector):
            yield _say(Severity.WARNING, NEVER_MATCHES, f"the selector of {policy.id} can never hold: its requirements contradict", policy.origin,
                       "no pod can have such labels; remove one of the requirements")  # fmt: skip
        elif not chosen:
            yield _say(Severity.WARNING, SELECTS_NOBODY, f"{policy.id} selects no pod: {self._nobody(policy, here)}", policy.origin,
                       "correct the selector: a policy that selects nobody protects nobody")  # fmt: skip
        for rules, ingress in ((policy.ingress, True), (policy.egress, False)):
            for rule in rules or ():
                yield from self._rule(rule.id, rule.peers, rule.ports, policy.cluster, policy.namespace, policy.origin)
                targets = chosen if ingress else [e for pods in self.pods.values() for e in pods]
                yield from self._names(rule.id, rule.ports, targets, policy.origin)

    def _nobody(self, policy: NetworkPolicy, here: Sequence[Endpoint]) -> str:
        """Why a selector selects nobody, as near to the mistake as can be."""
        for requirement in policy.selector:
            for e in here:
                written = self.annotations.get(e.id, {}).get(requirement.key)
                if written is not None and requirement.key not in dict(e.labels):
                    return f"{e.service} has {requirement.key}={written} as an annotation, and policies select by labels"
        wanted = ", ".join(f"{r.key} {r.operator.value} ({', '.join(r.values)})" for r in policy.selector)
        return f"none in {policy.namespace} has {wanted}" if wanted else f"there are none in {policy.namespace}"

    def _admin(self, policy: AdminPolicy) -> Iterator[Diagnostic]:
        if not len(self.peers.subjects(policy.subject, policy.cluster)):
            yield _say(Severity.WARNING, SELECTS_NOBODY, f"{policy.id} selects no pod", policy.origin, "correct its subject")
        for rule in (*policy.ingress, *policy.egress):
            yield from self._rule(rule.id, rule.peers, rule.ports, policy.cluster, "", policy.origin)

    def _rule(self, id: str, peers: Sequence[Peer], ports: Ports, cluster: str, namespace: str, origin: Origin) -> Iterator[Diagnostic]:
        for peer in peers:
            if isinstance(peer, PodPeer | NodePeer):
                selectors = [peer.nodes] if isinstance(peer, NodePeer) else [peer.pods, peer.namespaces or ()]
                if any(map(_contradicts, selectors)):
                    yield _say(Severity.WARNING, NEVER_MATCHES, f"a selector in {id} can never hold: its requirements contradict", origin)
                elif not len(self.peers.meant((peer,), cluster, namespace)):
                    yield _say(Severity.INFO, MEANS_NOBODY, f"{id} speaks of {_words(peer)}, and there is none", origin)
            elif isinstance(peer, BlockPeer):
                among = AddressSet.of([peer.prefix]) - AddressSet.of(peer.without)
                hit = next((e for pods in self.pods.values() for e in pods if any(a in among for a in e.addresses)), None)
                if hit is not None and not semantics.public(peer.prefix.network_address):
                    yield _say(Severity.WARNING, BLOCK_OF_PODS, f"{id} speaks of {peer.prefix}, where pods are, such as {hit.id}", origin,
                               "addresses of pods change; select them by labels, and leave ipBlock to what is outside of the cluster")  # fmt: skip

    def _names(self, id: str, ports: Ports, targets: Sequence[Endpoint], origin: Origin) -> Iterator[Diagnostic]:
        for port in ports if targets else ():
            if isinstance(port.port, str):
                listeners = {x for listed in {e.listeners for e in targets} for x in listed if x.name == port.port}
                if not any(x.protocol is port.protocol for x in listeners):
                    other = f"; there is one of {next(iter(listeners)).protocol.name}" if listeners else ""
                    yield _say(Severity.WARNING, NO_PORT_OF_THAT_NAME, f"{id} names the port '{port.port}' of {port.protocol.name}, and no pod that it is about has one{other}",
                               origin, "write the port's number, or the name that the container gives it")  # fmt: skip

    # ---- policies beside each other -------------------------------------------------------------------------------------

    def _redundant(self) -> Iterator[Diagnostic]:
        spaces: dict[tuple[str, str], list[NetworkPolicy]] = defaultdict(list)
        for policy in self.network.policies:
            spaces[policy.cluster, policy.namespace].append(policy)
        for policies in spaces.values():
            for ingress in (True, False):
                listed = [(p, i, r) for p in policies for i, r in enumerate((p.ingress if ingress else p.egress) or ())]
                for p, i, rule in listed:
                    wider = next(
                        (
                            r
                            for q, j, r in listed
                            if r is not rule and _says(q, r, p, rule) and (not _says(p, rule, q, r) or (q.id, j) < (p.id, i))
                        ),
                        None,
                    )
                    if wider is not None:
                        yield _say(Severity.INFO, REDUNDANT, f"{rule.id} adds nothing to {wider.id}", rule.origin, "remove one of them")

    def _shadowed(self) -> Iterator[Diagnostic]:
        for ingress in (True, False):
            tiers: dict[tuple[str, str], list[tuple[AdminPolicy, AdminRule]]] = defaultdict(list)
            for policy in sorted(self.network.admin_policies, key=lambda p: (p.priority, p.id)):
                tiers[policy.cluster, policy.tier] += [(policy, r) for r in (policy.ingress if ingress else policy.egress)]
            for listed in tiers.values():
                for at, (policy, rule) in enumerate(listed):
                    for before, earlier in listed[:at]:
                        ahead = before is policy or before.priority < policy.priority
                        if (
                            ahead
                            and _wider_peer(before.subject, policy.subject)
                            and _covers(earlier.peers, earlier.ports, rule.peers, rule.ports)
                        ):
                            yield _say(Severity.WARNING, SHADOWED, f"{rule.id} never decides: {earlier.id} is asked before it and matches all that it does",
                                       rule.origin, "give it a lower priority number, or remove it")  # fmt: skip
                            break

    def _disagreeing(self) -> Iterator[Diagnostic]:
        alike: dict[tuple[str, str, int], list[AdminPolicy]] = defaultdict(list)
        for policy in self.network.admin_policies:
            alike[policy.cluster, policy.tier, policy.priority].append(policy)
        for (cluster, tier, priority), policies in alike.items():
            for one, other in combinations(policies, 2):
                if not len(np.intersect1d(self.peers.subjects(one.subject, cluster), self.peers.subjects(other.subject, cluster))):
                    continue
                for mine, theirs in ((one.ingress, other.ingress), (one.egress, other.egress)):
                    pair = next(((a, b) for a in mine for b in theirs if a.action is not b.action and self._meet(a, b, cluster)), None)
                    if pair is not None:
                        summary = (
                            f"{one.id} and {other.id} have priority {priority} of tier {tier} and disagree: {pair[0].id} and {pair[1].id}"
                        )
                        yield _say(Severity.WARNING, DISAGREE, summary, other.origin, "which of them decides is not defined; give them different priorities",
                                   (("the other policy", _span(one.origin)),))  # fmt: skip

    def _meet(self, one: AdminRule, other: AdminRule, cluster: str) -> bool:
        shared = np.intersect1d(self.peers.meant(one.peers, cluster, ""), self.peers.meant(other.peers, cluster, ""))
        return bool(len(shared)) and (not one.ports or not other.ports or any(_share(a, b) for a in one.ports for b in other.ports))

    def _open_namespaces(self) -> Iterator[Diagnostic]:
        covered = {(p.cluster, p.namespace) for p in self.network.policies}
        shapes = self.peers.columns.shapes
        wide = [(p.subject, p.cluster) for p in self.network.admin_policies] + [
            (p.subject, p.cluster) for p in self.network.unknown_policies
        ]
        for subject, cluster in wide:
            covered |= {(shapes[s].cluster, shapes[s].namespace) for s in self.peers.subjects(subject, cluster).tolist()}
        for place, pods in sorted(self.pods.items()):
            if place not in covered:
                yield _say(Severity.INFO, NO_POLICY, f"namespace {place[1]} has no policy: everybody reaches every pod in it", pods[0].origin,
                           "begin with a policy that denies everything: `podSelector: {}, policyTypes: [Ingress]`")  # fmt: skip


# ---- what lies within what, as it is written ----------------------------------------------------------------------------------


def _says(wide: NetworkPolicy, wider: PolicyRule, narrow: NetworkPolicy, narrower: PolicyRule) -> bool:
    """Whether a rule allows all that another allows, to all pods that the other is about."""
    if not set(wide.selector) <= set(narrow.selector):
        return False
    peers = not wider.peers or (bool(narrower.peers) and _covers(wider.peers, (), narrower.peers, ()))
    return peers and _covers_ports(wider.ports, narrower.ports)


def _covers(wide: Sequence[Peer], ports: Ports, narrow: Sequence[Peer], narrower: Ports) -> bool:
    return all(any(_wider_peer(w, n) for w in wide) for n in narrow) and _covers_ports(ports, narrower)


def _wider_peer(wide: Peer, narrow: Peer) -> bool:
    if isinstance(wide, PodPeer) and isinstance(narrow, PodPeer):
        if (wide.namespaces is None) != (narrow.namespaces is None):
            return False
        return set(wide.pods) <= set(narrow.pods) and set(wide.namespaces or ()) <= set(narrow.namespaces or ())
    if isinstance(wide, BlockPeer) and isinstance(narrow, BlockPeer):
        some = AddressSet.of([narrow.prefix]) - AddressSet.of(narrow.without)
        return not some - (AddressSet.of([wide.prefix]) - AddressSet.of(wide.without))
    if isinstance(wide, NodePeer) and isinstance(narrow, NodePeer):
        return set(wide.nodes) <= set(narrow.nodes)
    return wide == narrow and not isinstance(wide, NamePeer)


def _covers_ports(wide: Ports, narrow: Ports) -> bool:
    return not wide or (bool(narrow) and all(any(_wider_port(w, n) for w in wide) for n in narrow))


def _wider_port(wide: PolicyPort, narrow: PolicyPort) -> bool:
    if wide.protocol is not narrow.protocol or wide.port is None or wide == narrow:
        return wide.protocol is narrow.protocol
    if isinstance(wide.port, str) or isinstance(narrow.port, str) or narrow.port is None:
        return False
    return wide.port <= narrow.port and (narrow.end or narrow.port) <= (wide.end or wide.port)


def _share(one: PolicyPort, other: PolicyPort) -> bool:
    if one.protocol is not other.protocol:
        return False
    if one.port is None or other.port is None or one == other:
        return True
    if isinstance(one.port, str) or isinstance(other.port, str):
        return False
    return one.port <= (other.end or other.port) and other.port <= (one.end or one.port)


def _contradicts(selector: Selector) -> bool:
    """Whether no labels could have all that a selector asks for."""
    keys = {r.key for r in selector}
    return any(not _possible([r for r in selector if r.key == key]) for key in keys)


def _possible(about: Sequence[Requirement]) -> bool:
    values = {v for r in about for v in r.values}
    key = about[0].key
    tried: Iterable[dict[str, str]] = ({}, *({key: v} for v in values), {key: "".join(sorted(values)) + "-other"})
    return any(all(semantics.holds(r, labels) for r in about) for labels in tried)


def _words(peer: PodPeer | NodePeer) -> str:
    def listed(selector: Selector) -> str:
        return ", ".join(f"{r.key} {r.operator.value} ({', '.join(r.values)})".removesuffix(" ()") for r in selector)

    if isinstance(peer, NodePeer):
        return f"nodes with {listed(peer.nodes)}"
    where = f" in namespaces with {listed(peer.namespaces)}" if peer.namespaces else ""
    return (f"pods with {listed(peer.pods)}" if peer.pods else "pods") + where


def _span(origin: Origin) -> Span:
    line = max(origin.line, 1)
    return Span(origin.file, line, 1, line, 1)


def _say(
    severity: Severity, code: str, summary: str, origin: Origin, help: str = "", related: tuple[tuple[str, Span], ...] = ()
) -> Diagnostic:
    return Diagnostic(code, severity, summary, _span(origin), help, related)
