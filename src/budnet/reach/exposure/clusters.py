"""The ways into a cluster, and what policies say to each.

A Service's traffic may arrive with the client's address or with a node's: kube-proxy rewrites it unless `externalTrafficPolicy` is
Local (https://kubernetes.io/docs/reference/networking/virtual-ips/#external-traffic-policy), and whether policies are asked
before or after that is not defined (https://kubernetes.io/docs/concepts/services-networking/network-policies/). So a port is
open or blocked where both fare alike, and unknown where they do not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np

from budnet.ir.address import EVERYWHERE, Prefix, Protocol
from budnet.ir.endpoint import Endpoint, EndpointKind
from budnet.ir.entry import Entry, EntryKind
from budnet.ir.filters import AdminPolicy, BlockPeer, NetworkPolicy, UnknownPolicy
from budnet.ir.network import Network
from budnet.packets.addresses import AddressSet
from budnet.packets.connections import distinct
from budnet.reach import semantics
from budnet.reach.doubt import UNSAID, Doubts
from budnet.reach.exposure.verdict import Exposure, Word
from budnet.reach.nodes import Nodes
from budnet.reach.semantics import NO, PERHAPS, YES
from budnet.reach.table.table import Table

Policy = NetworkPolicy | AdminPolicy | UnknownPolicy
PUBLIC = AddressSet.of(EVERYWHERE) - semantics.NOT_PUBLIC
ROUTED = (EntryKind.INGRESS, EntryKind.ROUTE, EntryKind.GATEWAY, EntryKind.OTHER)
"""What some pods, or a cloud, take connections for; or nobody knows who does."""


class Clusters:
    """Answers for the entries of one Network."""

    def __init__(self, table: Table) -> None:
        self.table, self.network = table, table.network
        columns = table.columns
        outside = [c for c in range(columns.inside, columns.count) if not columns.public[c]]
        self._parts = {c: AddressSet.of(columns.outside_prefixes([c])) for c in outside}
        self._nodes = self._node_columns()
        self._own, self._doubts = Nodes(self.network), Doubts(self.network)
        self._column: dict[str, list[int]] = {}
        for column, members in enumerate(columns.members):
            for e in members:
                self._column.setdefault(e.id, []).append(column)
        self._passing: dict[tuple[int, Protocol, int], list[int]] = {}
        self._spaces = semantics.spaces(self.network)
        self._policies: dict[tuple[str, str], list[NetworkPolicy]] = {}
        for policy in self.network.policies:
            self._policies.setdefault((policy.cluster, policy.namespace), []).append(policy)
        self._asked: dict[tuple[object, ...], list[Policy]] = {}

    def exposures(self, among: Collection[str] | None = None) -> list[Exposure]:
        """One for each entry and workload behind it, in their order; of a workload's pods the most open one counts. `among`: of
        these pods alone, by their ids."""
        found: dict[tuple[str, str, str, str, str], Exposure] = {}
        ahead = self._ahead()
        order = list(Word)
        for entry in self.network.entries:
            judged: dict[tuple[object, ...], Exposure] = {}
            for target, port in entry.targets if among is None else [t for t in entry.targets if t[0] in among]:
                endpoint = self.network.endpoint[target]
                alike = (endpoint.service, *self._column[target], port)
                one = judged.get(alike)
                if one is None:
                    one = judged[alike] = self._judge(entry, endpoint, port, ahead)
                # pods of one workload stand behind entries of their own where these are ports of their nodes
                key = (one.workload, one.port, entry.kind.value, one.entry, one.at)
                if key not in found or order.index(one.word) < order.index(found[key].word):
                    found[key] = one
        of = [e for e in self.network.entries if among is None or e.kind is EntryKind.OTHER]  # which may lead to these as well
        others = dict.fromkeys(x for entry in of for x in self._not_read(entry, ahead))
        return sorted((*found.values(), *others), key=lambda x: (order.index(x.word), x.workload, x.port, x.entry, x.kind, x.at, x.reason))

    def _ahead(self) -> dict[str, int]:
        """Of the pods that carry out Ingresses and the like, which the internet reaches, or may; one may stand before another."""
        carriers = {pod for e in self.network.entries for pod in e.through}
        leading = [(e, self.network.endpoint[t], port) for e in self.network.entries for t, port in e.targets if t in carriers]
        ahead: dict[str, int] = {}
        while True:
            before = dict(ahead)
            for entry, pod, port in leading:
                word = self._judge(entry, pod, port, before).word
                ahead[pod.id] = max(ahead.get(pod.id, NO), YES if word.open else PERHAPS if word is Word.UNKNOWN else NO)
            if ahead == before:
                return ahead

    def _judge(self, entry: Entry, endpoint: Endpoint, port: int, ahead: Mapping[str, int]) -> Exposure:
        policies = self.asked(endpoint)
        if entry.kind in ROUTED:
            word, prefixes, reason = self._routed(entry, endpoint, port, ahead)
        else:
            word, prefixes, reason = self._straight(entry, endpoint, port)
        name = entry.id
        if entry.kind in (EntryKind.HOST_PORT, EntryKind.HOST_NETWORK):
            name = endpoint.service
        asked = tuple(p.id for p in policies)
        direct = word in (Word.EVERYWHERE, Word.RANGES)
        by = (tuple(self._rules(policies, entry, port)) if direct else ()) or asked
        return Exposure(
            endpoint.service, f"{port or 'any'}/{entry.protocol.name.lower()}", name, entry.kind.value, _door(entry), word, prefixes, reason, by,
            entry.origin, entry.shown,
        )  # fmt: skip

    def _not_read(self, entry: Entry, ahead: Mapping[str, int]) -> Iterator[Exposure]:
        """Who stands behind an entry besides endpoints: addresses outside of the cluster, and nobody knows who."""
        served = max((ahead.get(pod, NO) for pod in entry.through), default=YES)
        closed = _closed(entry) or ("what serves it is not reachable from the internet" if served == NO else "")
        kind, door, name = entry.kind.value, _door(entry), entry.protocol.name.lower()
        sure = Word.THROUGH if entry.kind in ROUTED else Word.EVERYWHERE if entry.sources == EVERYWHERE else Word.RANGES
        word = Word.PRIVATE if closed else Word.UNKNOWN if entry.public is None or served == PERHAPS else sure
        prefixes = (AddressSet.of(entry.sources) & PUBLIC).prefixes() if word is Word.RANGES else ()
        for address, port in entry.beyond:
            reason = closed or f"{entry.why}; no policy is asked about what is not in the cluster"
            yield Exposure(address, f"{port}/{name}", entry.id, kind, door, word, prefixes, reason, (), entry.origin, entry.shown)
        for why in entry.unseen:
            word = Word.PRIVATE if closed else Word.UNKNOWN
            yield Exposure("", "", entry.id, kind, door, word, (), closed or why, (), entry.origin, entry.shown)

    # ---- without anything before it -------------------------------------------------------------------------------------

    def _straight(self, entry: Entry, endpoint: Endpoint, port: int) -> tuple[Word, tuple[Prefix, ...], str]:
        if not entry.sources:
            return Word.BLOCKED, (), f"blocked: {entry.why}"
        who = AddressSet.of(entry.sources)
        clients, doubtful = self._clients(endpoint, entry.protocol, port)
        nodes = NO if entry.keeps_source else self.from_nodes(endpoint, entry.protocol, port)
        blocker = self._blockers(endpoint)
        if closed := _closed(entry):
            reached = (clients | doubtful) & who or nodes != NO
            return (Word.PRIVATE, (), closed) if reached else (Word.BLOCKED, (), f"blocked: {blocker}")
        open_, perhaps = clients & who & PUBLIC, doubtful & who & PUBLIC
        if not open_ and not perhaps and nodes == NO:
            return Word.BLOCKED, (), f"blocked: {blocker}"
        if entry.public is None:
            return Word.UNKNOWN, (), entry.why
        if perhaps:
            return Word.UNKNOWN, (), self._doubt(endpoint, [None])
        everybody = AddressSet.of(p for p in EVERYWHERE if AddressSet.of([p]) & clients) & PUBLIC
        if not entry.keeps_source and (nodes != YES or everybody - clients or not open_):
            why = "nodes rewrite the client's address, and policies treat clients and nodes differently"
            return Word.UNKNOWN, (), f"{why} (externalTrafficPolicy: Local keeps it): {blocker}"
        if not (everybody & _families(open_)) - open_:
            return Word.EVERYWHERE, (), f"{entry.why}; {self._let(endpoint)}"
        limits = "" if entry.sources == EVERYWHERE else "; the load balancer takes these ranges only (loadBalancerSourceRanges)"
        return Word.RANGES, open_.prefixes(), f"{entry.why}; {self._let(endpoint)}{limits}"

    def _clients(self, endpoint: Endpoint, protocol: Protocol, port: int) -> tuple[AddressSet, AddressSet]:
        """(addresses outside whose connections the pod's policies let in, and perhaps let in)."""
        sure, perhaps = AddressSet(), AddressSet()
        for column in self._column[endpoint.id]:
            fates = self._fates(column, protocol, port)
            family = int(self.table.columns.family[column])
            for c, part in self._parts.items():
                if family == int(self.table.columns.family[c]):
                    if fates[c] == YES:
                        sure |= part
                    elif fates[c] == PERHAPS:
                        perhaps |= part
        return sure, perhaps - sure

    def from_nodes(self, endpoint: Endpoint, protocol: Protocol, port: int) -> int:
        """Whether a pod's policies let in what comes from the addresses of nodes: NO, YES, or PERHAPS."""
        family = self.table.columns.family
        fates = {
            self._fates(column, protocol, port)[c]
            for column in self._column[endpoint.id]
            for c in self._nodes
            if family[c] == family[column]
        }
        return fates.pop() if len(fates) == 1 else PERHAPS

    def _node_columns(self) -> list[int]:
        """The columns that nodes' addresses lie in; without nodes, all of private addresses that no pod is known to have."""
        columns = self.table.columns
        nodes = [c for c in range(columns.inside) if any(e.kind is EndpointKind.HOST for e in columns.members[c])]
        return nodes or [c for c, part in self._parts.items() if part & semantics.NOT_PUBLIC]

    def _fates(self, column: int, protocol: Protocol, port: int) -> list[int]:
        """For every column whether the pod's policies let its connections in."""
        row = int(self.table.ingress.of_column[column])
        known = self._passing.get((row, protocol, port))
        if known is None:
            ids = self.table.ingress.ids[row]
            found = np.zeros(len(self.table.connections.masks), np.int8)
            for number in distinct(ids).tolist():
                allowed, unknown, _ = self.table.sets(number)
                at = (protocol, port)
                found[number] = YES if at in allowed else PERHAPS if at in unknown else NO
            known = self._passing[row, protocol, port] = found[ids].tolist()
        return known

    # ---- behind an Ingress, a Gateway or a Route -----------------------------------------------------------------------------

    def _routed(self, entry: Entry, endpoint: Endpoint, port: int, ahead: Mapping[str, int]) -> tuple[Word, tuple[Prefix, ...], str]:
        who = entry.kind.value
        blocker = self._blockers(endpoint)
        if entry.through:
            columns, family = {c for pod in entry.through for c in self._column[pod]}, self.table.columns.family
            fates = {
                self._fates(own, entry.protocol, port)[c]
                for own in self._column[endpoint.id] for c in columns if family[own] == family[c]
            }  # fmt: skip
            label = ", ".join(sorted({self.network.endpoint[p].service for p in entry.through}))
            near = any(self._own.together(endpoint, self.network.endpoint[pod]) is not False for pod in entry.through)
            if fates == {NO} and near:
                return Word.UNKNOWN, (), f"{label} is on the network of its node, which reaches the pods that run on it: {blocker}"
            if fates == {NO}:
                return Word.BLOCKED, (), f"blocked: not even {label} reaches it: {blocker}"
            if YES not in fates:
                return Word.UNKNOWN, (), self._doubt(endpoint, [self.network.endpoint[pod] for pod in entry.through])
            served = max(ahead.get(pod, NO) for pod in entry.through)
            if served == NO:
                return Word.PRIVATE, (), f"{label}, which serves this {who}, is not reachable from the internet"
            if entry.public is False:
                return Word.PRIVATE, (), entry.why
            if served == PERHAPS:
                return Word.UNKNOWN, (), f"whether the internet reaches {label}, which serves this {who}, is not known"
            return Word.THROUGH, (), f"through {label}"
        every = {f for own in self._column[endpoint.id] for f in self._fates(own, entry.protocol, port)}
        if every == {NO} and not any(p.ingress for p in self.asked(endpoint)):
            return Word.BLOCKED, (), f"blocked: nobody reaches it: {blocker}"
        if entry.public is False:
            return Word.PRIVATE, (), entry.why
        if entry.public is None:
            return Word.UNKNOWN, (), entry.why
        if every == {YES}:
            return Word.THROUGH, (), f"through the {who}: {entry.why}, and {self._let(endpoint)}"
        return Word.UNKNOWN, (), f"which pods carry out this {who} is not known, and not everybody reaches it: {blocker}"

    # ---- reasons --------------------------------------------------------------------------------------------------------

    def asked(self, pod: Endpoint) -> list[Policy]:
        """The policies that are asked about connections to a pod."""
        if pod.host_network or pod.kind is not EndpointKind.POD:
            return []
        key = (pod.cluster, pod.namespace, pod.labels)
        known = self._asked.get(key)
        if known is None:
            labels, space = dict(pod.labels), self._spaces.get((pod.cluster, pod.namespace), semantics.NO_SPACE)
            place = semantics.PolicyPlace(pod.cluster, pod.namespace)
            wide_: tuple[AdminPolicy | UnknownPolicy, ...] = (*self.network.admin_policies, *self.network.unknown_policies)
            wide: list[Policy] = [
                p for p in wide_
                if p.ingress and p.cluster == pod.cluster and semantics.pod_matches(p.subject, pod, labels, space, place)
            ]  # fmt: skip
            own = [
                p
                for p in self._policies.get((pod.cluster, pod.namespace), ())
                if p.ingress is not None and semantics.selects(p.selector, labels)
            ]
            known = self._asked[key] = [*wide, *own]
        return known

    def _doubt(self, pod: Endpoint, peers: Iterable[Endpoint | None]) -> str:
        found = [why for peer in peers for why in self._doubts.about(pod, peer, ingress=True)]
        return "; ".join(dict.fromkeys(found)) or UNSAID

    def _blockers(self, pod: Endpoint) -> str:
        return _listed([p.why if isinstance(p, UnknownPolicy) else p.id for p in self.asked(pod)]) or "no policy"

    def _let(self, pod: Endpoint) -> str:
        if pod.host_network:
            return "no policy is asked about a pod with its node's address"
        policies = self.asked(pod)
        return f"let in by {_listed([p.id for p in policies])}" if policies else "no policy selects it"

    def _rules(self, policies: Sequence[Policy], entry: Entry, port: int) -> Iterator[str]:
        """Rules of NetworkPolicies that let some of the internet in."""
        for policy in policies:
            for rule in (policy.ingress or ()) if isinstance(policy, NetworkPolicy) else ():
                fits = not rule.ports or any(
                    p.protocol is entry.protocol and (not isinstance(p.port, int) or p.port <= port <= (p.end or p.port))
                    for p in rule.ports
                )
                blocks = [AddressSet.of([b.prefix]) - AddressSet.of(b.without) for b in rule.peers if isinstance(b, BlockPeer)]
                if fits and (not rule.peers or any(b & PUBLIC for b in blocks)):
                    yield rule.id


def _closed(entry: Entry) -> str:
    """Why the internet does not even reach an entry; empty where it may."""
    if entry.public is False:
        return entry.why
    return "" if AddressSet.of(entry.sources) & PUBLIC else "the load balancer takes no range of the internet (loadBalancerSourceRanges)"


def _door(entry: Entry) -> str:
    """The port outside, as far as it is known."""
    if entry.kind is EntryKind.OTHER:
        return ""
    unsaid = "any" if entry.kind is EntryKind.HOST_NETWORK else ""
    port = str(entry.port or unsaid)
    return f"{port}/{entry.protocol.name.lower()}" if port else "a port not chosen yet"


def _families(some: AddressSet) -> AddressSet:
    """All addresses of the families that some are of."""
    return AddressSet.of(p for p in EVERYWHERE if AddressSet.of([p]) & some)


def _listed(names: Iterable[str]) -> str:
    found = list(dict.fromkeys(names))
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")


def exposures(network: Network) -> list[Exposure]:
    """What the ways into the clusters of a Network lead to. What nodes hand on comes from their addresses, and is not what they say
    themselves."""
    return Clusters(Table(network, own_nodes=False)).exposures() if network.entries else []
