"""Policies beside each other: what adds nothing, what never decides, what disagrees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from budnet.ir.endpoint import Endpoint
from budnet.ir.filters import Action, AdminPolicy, AdminRule, NetworkPolicy, PodPeer, PolicyRule
from budnet.ir.network import Network
from budnet.reach import semantics
from budnet.reach.review import say
from budnet.reach.review.say import finding
from budnet.reach.review.within import Said, covered, share, wider_peer
from budnet.reach.table.peers import Peers
from budnet.source.diagnostic import Diagnostic, Severity

Pods = Mapping[tuple[str, str], Sequence[Endpoint]]
_CROSSINGS = 3
"""Pairs of rules of two policies that are named."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A rule of a cluster-wide policy, in the order in which they are asked."""

    policy: AdminPolicy
    rule: AdminRule

    @property
    def said(self) -> Said:
        return Said(self.rule.peers, self.rule.ports)

    def before(self, other: _Line) -> bool:
        """Whether it is surely asked before a later line: of equal priorities either may be."""
        return self.policy is other.policy or self.policy.priority < other.policy.priority


class Beside:
    """Findings about the policies of one Network."""

    def __init__(self, network: Network, peers: Peers, pods: Pods) -> None:
        self.network, self.peers, self.pods = network, peers, pods
        self._spaces = semantics.spaces(network)

    def findings(self) -> Iterator[Diagnostic]:
        """All of them, kind by kind. Policies that are derived from rows say what rows say: see `rows.py` for those."""
        if not self.network.vpcs:
            yield from self._redundant()
        for ingress in (True, False):
            tiers = self._tiers(ingress)
            for lines in tiers.values():
                yield from _shadowed(lines)
                yield from self._crossing(lines)
            yield from self._never_asked(tiers, ingress)
            yield from self._idle_baseline(tiers, ingress)
        yield from self._disagreeing()

    def _tiers(self, ingress: bool) -> dict[tuple[str, str], list[_Line]]:
        tiers: dict[tuple[str, str], list[_Line]] = defaultdict(list)
        for policy in sorted(self.network.admin_policies, key=lambda p: (p.priority, p.id)):
            tiers[policy.cluster, policy.tier] += [_Line(policy, r) for r in (policy.ingress if ingress else policy.egress)]
        return tiers

    # ---- NetworkPolicies ------------------------------------------------------------------------------------------------

    def _redundant(self) -> Iterator[Diagnostic]:
        """Rules whose every flow other rules let through, for pods that those are about as well. The last ones go first, and what goes
        covers nothing any more: so all that are named can go together."""
        spaces: dict[tuple[str, str], list[NetworkPolicy]] = defaultdict(list)
        for policy in self.network.policies:
            spaces[policy.cluster, policy.namespace].append(policy)
        for policies in spaces.values():
            for ingress in (True, False):
                left = [(p, r) for p in policies for r in ((p.ingress if ingress else p.egress) or ())]
                for at in range(len(left) - 1, -1, -1):
                    policy, rule = left[at]
                    others = [(q, r) for i, (q, r) in enumerate(left) if i != at and set(q.selector) <= set(policy.selector)]
                    if others and covered(_of(rule), [_of(r) for _, r in others]):
                        del left[at]
                        wider = [r.id for _, r in others if _touches(_of(r), _of(rule))]
                        yield finding(
                            Severity.INFO, say.REDUNDANT, f"{rule.id} adds nothing to {say.listed(wider)}", rule.origin, "remove it"
                        )

    def _never_asked(self, tiers: Mapping[tuple[str, str], list[_Line]], ingress: bool) -> Iterator[Diagnostic]:
        """Rules of NetworkPolicies about what a cluster-wide policy decides before them. Behind a Pass nothing is certain."""
        for policy in self.network.policies:
            deciding = []
            for line in tiers.get((policy.cluster, "admin"), ()):
                if line.rule.action is Action.PASS:
                    break
                if self._about_all(line.policy.subject, policy):
                    deciding.append(line)
            for rule in (policy.ingress if ingress else policy.egress) or ():
                said = _of(rule)
                if deciding and covered(said, [self._seen(x, policy) for x in deciding]):
                    names = say.listed([x.rule.id for x in deciding if _touches(self._seen(x, policy), said)])
                    yield finding(Severity.WARNING, say.NEVER_ASKED, f"{rule.id} is never asked: {names} decides about all of it before", rule.origin,
                                  "remove it, or let the cluster-wide policy `Pass` it on")  # fmt: skip

    def _about_all(self, subject: PodPeer, policy: NetworkPolicy) -> bool:
        """Whether a cluster-wide policy is about all pods that another is about."""
        return self._means(subject, policy) and set(subject.pods) <= set(policy.selector)

    def _means(self, peer: PodPeer, policy: NetworkPolicy) -> bool:
        """Whether a peer of a cluster-wide policy means, in any case, the namespace of another policy."""
        space = self._spaces.get((policy.cluster, policy.namespace), semantics.NO_SPACE)
        return semantics.in_space(peer.namespaces or (), space) == semantics.YES

    def _seen(self, line: _Line, policy: NetworkPolicy) -> Said:
        """A line as a policy of one namespace would say it: where it means that namespace, also as its own."""
        own = [PodPeer(p.pods) for p in line.rule.peers if isinstance(p, PodPeer) and self._means(p, policy)]
        return Said((*line.rule.peers, *own), line.rule.ports)

    # ---- cluster-wide policies ------------------------------------------------------------------------------------------

    def _idle_baseline(self, tiers: Mapping[tuple[str, str], list[_Line]], ingress: bool) -> Iterator[Diagnostic]:
        """Of the last tier: whose pods all have a NetworkPolicy, behind which it is not asked."""
        isolated = {
            id(e) for p in self.network.policies if (p.ingress if ingress else p.egress) is not None
            for e in self.pods.get((p.cluster, p.namespace), ()) if semantics.selects(p.selector, dict(e.labels))
        }  # fmt: skip
        for (cluster, tier), lines in tiers.items():
            for policy in dict.fromkeys(x.policy for x in lines) if tier == "baseline" else ():
                about = [e for place, pods in self.pods.items() if place[0] == cluster for e in pods if self._is_about(policy, e)]
                if about and all(id(e) in isolated for e in about):
                    way = "ingress" if ingress else "egress"
                    yield finding(Severity.INFO, say.IDLE_BASELINE, f"the {way} rules of {policy.id} decide nothing: every pod that it is about has a NetworkPolicy, which is asked instead", policy.origin)  # fmt: skip

    def _is_about(self, policy: AdminPolicy, pod: Endpoint) -> bool:
        space = self._spaces.get((pod.cluster, pod.namespace), semantics.NO_SPACE)
        place = semantics.PolicyPlace(policy.cluster, pod.namespace)
        return semantics.pod_matches(policy.subject, pod, dict(pod.labels), space, place) != semantics.NO

    def _crossing(self, lines: Sequence[_Line]) -> Iterator[Diagnostic]:
        """An Accept and a Deny of two policies, neither within the other, with something in common: that is the first one's, and whoever
        changes a priority changes it."""
        found: dict[tuple[str, str], list[tuple[_Line, _Line]]] = defaultdict(list)
        for one, other in combinations(lines, 2):
            if one.policy.priority == other.policy.priority or {one.rule.action, other.rule.action} != {Action.ACCEPT, Action.DENY}:
                continue
            if not any(
                wide.policy is not narrow.policy and _all_within(narrow, [wide]) for wide, narrow in ((one, other), (other, one))
            ) and self._both(one, other):
                found[one.policy.id, other.policy.id].append((one, other))
        for pairs in found.values():
            one, other = pairs[0]
            names = say.listed([f"{a.rule.id} and {b.rule.id}" for a, b in pairs], _CROSSINGS)
            yield finding(Severity.INFO, say.CROSSING, f"{one.policy.id} decides before {other.policy.id} about what both are about, and otherwise: {names}",
                          other.policy.origin, "", (("the one that decides", say.span(one.policy.origin)),))  # fmt: skip

    def _both(self, one: _Line, other: _Line) -> bool:
        """Whether somebody is the subject of both, and somebody the peer of both."""
        cluster = one.policy.cluster
        subjects = np.intersect1d(self.peers.subjects(one.policy.subject, cluster), self.peers.subjects(other.policy.subject, cluster))
        return bool(len(subjects)) and self._meet(one.rule, other.rule, cluster)

    def _disagreeing(self) -> Iterator[Diagnostic]:
        alike: dict[tuple[str, str, int], list[AdminPolicy]] = defaultdict(list)
        for policy in self.network.admin_policies:
            alike[policy.cluster, policy.tier, policy.priority].append(policy)
        for (_, tier, priority), policies in alike.items():
            for one, other in combinations(policies, 2):
                for mine, theirs in ((one.ingress, other.ingress), (one.egress, other.egress)):
                    pair = next(
                        ((a, b) for a in mine for b in theirs if a.action is not b.action and self._both(_Line(one, a), _Line(other, b))),
                        None,
                    )
                    if pair is not None:
                        summary = (
                            f"{one.id} and {other.id} have priority {priority} of tier {tier} and disagree: {pair[0].id} and {pair[1].id}"
                        )
                        yield finding(Severity.WARNING, say.DISAGREE, summary, other.origin, "which of them decides is not defined; give them different priorities",
                                      (("the other policy", say.span(one.origin)),))  # fmt: skip

    def _meet(self, one: AdminRule, other: AdminRule, cluster: str) -> bool:
        shared = np.intersect1d(self.peers.meant(one.peers, cluster, ""), self.peers.meant(other.peers, cluster, ""))
        return bool(len(shared)) and share(one.ports, other.ports)


def _shadowed(lines: Sequence[_Line]) -> Iterator[Diagnostic]:
    """Rules about what rules before them decide, one or several together."""
    for at, line in enumerate(lines):
        ahead = [x for x in lines[:at] if x.before(line)]
        if line.rule.peers and _all_within(line, ahead):
            names = [x.rule.id for x in ahead if _touches(x.said, line.said)]
            verb = "matches" if len(names) == 1 else "match"
            yield finding(Severity.WARNING, say.SHADOWED, f"{line.rule.id} never decides: {say.listed(names)}, asked before it, {verb} all that it does",
                          line.rule.origin, "give it a lower priority number, or remove it")  # fmt: skip


def _all_within(narrow: _Line, wide: Sequence[_Line]) -> bool:
    """By subject, peers and ports."""
    fits = [x.said for x in wide if wider_peer(x.policy.subject, narrow.policy.subject)]
    return bool(fits) and covered(narrow.said, fits)


def _of(rule: PolicyRule) -> Said:
    return Said(rule.peers, rule.ports, not rule.peers)


def _touches(wide: Said, narrow: Said) -> bool:
    """Whether one covers some of another, for naming it."""
    return share(wide.ports, narrow.ports) and (
        wide.everybody or any(wider_peer(w, n) or wider_peer(n, w) for w in wide.peers for n in narrow.peers)
    )
