"""What gets to pods of a cluster beside packets to their own addresses, as far as a guarantee is about it.

A node's port and most load balancers hand a client's connection on, and the pod sees a node's address in place of the client's
(https://kubernetes.io/docs/reference/networking/virtual-ips/#external-traffic-policy); whether policies are asked before or after
that is not defined (https://kubernetes.io/docs/concepts/services-networking/network-policies/). Where nodes are let in and the client
is not, nobody can say what becomes of it. An Ingress, a Gateway or a Route ends a client's connection and opens one of its own, as a load
balancer of our own networks does: that is no packet from the one to the other, and is said beside the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from budnet.ir.address import EVERYWHERE, Protocol
from budnet.ir.endpoint import EndpointKind
from budnet.ir.entry import Entry, EntryKind
from budnet.ir.intent import Guarantee, GuaranteeKind
from budnet.ir.network import Network
from budnet.packets.addresses import AddressSet
from budnet.reach.exposure.clusters import PUBLIC, ROUTED, Clusters
from budnet.reach.exposure.verdict import Word
from budnet.reach.semantics import NO
from budnet.reach.table.table import Table
from budnet.records import replace


class HandedOn:
    """By the entries of a Network, for some guarantees about it."""

    def __init__(self, network: Network, guarantees: Sequence[Guarantee]) -> None:
        self._network = _as_far(network, {e for g in guarantees for e in g.destinations.endpoints})
        self._clusters = Clusters(Table(self._network, own_nodes=False))

    @staticmethod
    def concerns(network: Network, guarantee: Guarantee) -> bool:
        """Whether anything that lets the outside in leads to who is meant. No edit of policies changes that."""
        unseen = any(e.kind is EntryKind.OTHER for e in network.entries)
        return bool(_outside(guarantee)) and (unseen or any(True for _ in _leading(network, guarantee)))

    def doubt(self, guarantee: Guarantee) -> str:
        """Why it is not known whether something from outside gets in that must not; empty where nothing does."""
        outside = _outside(guarantee)
        for entry, target, port in _leading(self._network, guarantee):
            hidden = entry.kind not in ROUTED and not entry.keeps_source
            from_ = outside & AddressSet.of(entry.sources) - (AddressSet() if entry.public is not False else PUBLIC)
            if hidden and from_ and self._clusters.from_nodes(self._network.endpoint[target], entry.protocol, port) != NO:
                return (
                    f"{entry.id} ({entry.kind.value}) hands connections on to {target} under the addresses of nodes, which are let in or may be"
                    f" (externalTrafficPolicy: Local keeps the client's)"
                )
        return ""

    def beside(self, guarantee: Guarantee) -> str:
        """What ends connections from outside and opens others to who is meant; of REACHES, that nothing leads there at all."""
        outside = _outside(guarantee)
        if not outside & PUBLIC:
            return ""
        leading = {target for _, target, _ in _leading(self._network, guarantee)}
        found = [x for x in self._clusters.exposures(leading) if x.word.open or x.word is Word.UNKNOWN]
        if guarantee.kind is GuaranteeKind.REACHES:
            return "" if found else "no way in leads there from the internet: this is what policies let through"
        through = [x for x in found if x.kind in {k.value for k in ROUTED}]
        names = [dict.fromkeys(f"{x.entry} ({x.kind})" for x in through if x.word.open is sure) for sure in (True, False)]
        words = ("get there through", "may get there through")
        said = [f"requests from the internet {word} {', '.join(some)}" for word, some in zip(words, names, strict=True) if some]
        return "; ".join(said)


def _as_far(network: Network, ids: set[str]) -> Network:
    """As much of it as can matter: who is led to, who carries that out and stands before them, nodes, and the policies of their namespaces."""
    asked = {t for e in network.entries for t, _ in e.targets if t in ids}
    more = asked
    while more:
        more = {pod for e in network.entries if any(t in more for t, _ in e.targets) for pod in e.through} - asked
        asked = asked | more
    entries = [replace(e, targets=tuple(t for t in e.targets if t[0] in asked)) for e in network.entries]
    spaces = {(e.cluster, e.namespace) for e in network.endpoints if e.id in asked}
    return replace(
        network, entries=tuple(e for e in entries if e.targets or e.kind is EntryKind.OTHER),
        endpoints=tuple(e for e in network.endpoints if e.id in asked or e.kind is EndpointKind.HOST),
        policies=tuple(p for p in network.policies if (p.cluster, p.namespace) in spaces),
    )  # fmt: skip


def _leading(network: Network, guarantee: Guarantee) -> Iterator[tuple[Entry, str, int]]:
    """Entries, and to whom of those that are meant and to which port each leads."""
    ids = set(guarantee.destinations.endpoints)
    for entry in network.entries:
        for target, port in entry.targets:
            if target in ids and _about(guarantee, entry.protocol, port):
                yield entry, target, port


def _about(guarantee: Guarantee, protocol: Protocol, port: int) -> bool:
    return not guarantee.matches or any(
        m.protocol in (None, protocol) and (not port or m.ports.first <= port <= m.ports.last) for m in guarantee.matches
    )


def _outside(guarantee: Guarantee) -> AddressSet:
    """The addresses that nothing may come from, of REACHES those that everything must."""
    named = AddressSet.of(guarantee.sources.prefixes)
    return AddressSet.of(EVERYWHERE) - named if guarantee.kind is GuaranteeKind.ONLY else named
