"""One policy by itself: whom it selects, whom it speaks of, which ports it names."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.filters import AdminPolicy, BlockPeer, NetworkPolicy, NodePeer, PodPeer
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.packets.addresses import number
from budnet.reach import semantics
from budnet.reach.review import say
from budnet.reach.review.say import finding
from budnet.reach.review.within import Peer, Ports, addresses, contradicts
from budnet.reach.semantics import PERHAPS, YES
from budnet.reach.table.columns import Columns, Flat
from budnet.reach.table.peers import Peers
from budnet.source.diagnostic import Diagnostic, Severity

Annotations = Mapping[str, Mapping[str, object]]


class Alone:
    """Findings about each policy of a Network, and namespaces without any."""

    def __init__(self, network: Network, annotations: Annotations) -> None:
        self.network, self.annotations = network, annotations
        self.peers = Peers(network, Columns(network, Flat()))
        self.pods: dict[tuple[str, str], list[Endpoint]] = defaultdict(list)
        for e in network.endpoints:
            if e.kind is EndpointKind.POD and not e.host_network:
                self.pods[e.cluster, e.namespace].append(e)
        pairs = ((number(a), e) for pods in self.pods.values() for e in pods for a in e.addresses)
        self._placed = sorted(pairs, key=lambda p: (p[0], p[1].id))
        self._numbers = [n for n, _ in self._placed]

    def findings(self) -> Iterator[Diagnostic]:
        """All of them, policy by policy."""
        for policy in self.network.policies:
            yield from self._policy(policy)
        for admin in self.network.admin_policies:
            yield from self._admin(admin)
        yield from self._open_namespaces()
        for other in self.network.unknown_policies:
            yield finding(
                Severity.INFO, say.NOT_MODELLED, f"{other.id}: {other.why}", other.origin, "what it decides is called unknown everywhere"
            )

    # ---- one policy by itself -------------------------------------------------------------------------------------------

    def _policy(self, policy: NetworkPolicy) -> Iterator[Diagnostic]:
        here = self.pods.get((policy.cluster, policy.namespace), [])
        chosen = [e for e in here if semantics.selects(policy.selector, dict(e.labels))]
        if contradicts(policy.selector):
            yield finding(Severity.WARNING, say.NEVER_MATCHES, f"the selector of {policy.id} can never hold: its requirements contradict", policy.origin,
                       "no pod can have such labels; remove one of the requirements")  # fmt: skip
        elif not chosen:
            yield finding(Severity.WARNING, say.SELECTS_NOBODY, f"{policy.id} selects no pod: {self._nobody(policy, here)}", policy.origin,
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
        if not any(len(self.peers.subjects(policy.subject, policy.cluster, fits)) for fits in (YES, PERHAPS)):
            yield finding(Severity.WARNING, say.SELECTS_NOBODY, f"{policy.id} selects no pod", policy.origin, "correct its subject")
        for rule in (*policy.ingress, *policy.egress):
            yield from self._rule(rule.id, rule.peers, rule.ports, policy.cluster, "", policy.origin)

    def _rule(self, id: str, peers: Sequence[Peer], ports: Ports, cluster: str, namespace: str, origin: Origin) -> Iterator[Diagnostic]:
        for peer in peers:
            if isinstance(peer, PodPeer | NodePeer):
                selectors = [peer.nodes] if isinstance(peer, NodePeer) else [peer.pods, peer.namespaces or ()]
                if any(map(contradicts, selectors)):
                    yield finding(
                        Severity.WARNING, say.NEVER_MATCHES, f"a selector in {id} can never hold: its requirements contradict", origin
                    )
                elif not len(self.peers.meant((peer,), cluster, namespace)) and not len(self.peers.perhaps((peer,), cluster)):
                    yield finding(Severity.INFO, say.MEANS_NOBODY, f"{id} speaks of {say.words(peer)}, and there is none", origin)
            elif isinstance(peer, BlockPeer) and not self.network.vpcs:  # addresses that a file gives stay what they are
                hit = None if semantics.public(peer.prefix.network_address) else self._pod_within(peer)
                if hit is not None:
                    yield finding(Severity.WARNING, say.BLOCK_OF_PODS, f"{id} speaks of {peer.prefix}, where pods are, such as {hit.id}", origin,
                               "addresses of pods change; select them by labels, and leave ipBlock to what is outside of the cluster")  # fmt: skip

    def _pod_within(self, block: BlockPeer) -> Endpoint | None:
        """The pod with the lowest address in a prefix."""
        for first, last in addresses(block).parts:
            at = bisect_left(self._numbers, first)
            if at < len(self._numbers) and self._numbers[at] <= last:
                return self._placed[at][1]
        return None

    def _names(self, id: str, ports: Ports, targets: Sequence[Endpoint], origin: Origin) -> Iterator[Diagnostic]:
        for port in ports if targets else ():
            if isinstance(port.port, str):
                listeners = {x for listed in {e.listeners for e in targets} for x in listed if x.name == port.port}
                if not any(x.protocol is port.protocol for x in listeners):
                    other = f"; there is one of {next(iter(listeners)).protocol.name}" if listeners else ""
                    yield finding(Severity.WARNING, say.NO_PORT_OF_THAT_NAME, f"{id} names the port '{port.port}' of {port.protocol.name}, and no pod that it is about has one{other}",
                               origin, "write the port's number, or the name that the container gives it")  # fmt: skip

    def _open_namespaces(self) -> Iterator[Diagnostic]:
        covered = {(p.cluster, p.namespace) for p in self.network.policies}
        shapes = self.peers.columns.shapes
        wide = [(p.subject, p.cluster) for p in self.network.admin_policies] + [
            (p.subject, p.cluster) for p in self.network.unknown_policies
        ]
        for subject, cluster in wide:
            about = [s for fits in (YES, PERHAPS) for s in self.peers.subjects(subject, cluster, fits).tolist()]
            covered |= {(shapes[s].cluster, shapes[s].namespace) for s in about}
        for place, pods in sorted(self.pods.items()):
            if place not in covered:
                yield finding(Severity.INFO, say.NO_POLICY, f"namespace {place[1]} has no policy: everybody reaches every pod in it", pods[0].origin,
                           "begin with a policy that denies everything: `podSelector: {}, policyTypes: [Ingress]`")  # fmt: skip
