"""An edit of policies, worked out in a table that there is: only what the edited policies can touch.

A policy says something of the pods that it selects, so only their rows are made again, and only pairs with one of them are
looked at. Where an edit names ports or prefixes that nobody named before, sets and columns are first cut finer, which keeps
what they hold. What else may change (pods, namespaces, labels that no rule has asked for yet, ...) makes a new table.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from budnet.ir.filters import AdminPolicy, NetworkPolicy, NodePeer, PolicyRule
from budnet.ir.network import Network
from budnet.packets.connections import Ids, distinct
from budnet.packets.transports import Alphabet
from budnet.reach import cuts
from budnet.reach.semantics import PERHAPS, YES
from budnet.reach.table.columns import Indices
from budnet.reach.table.rows import Rows
from budnet.reach.table.table import Table, leaves_unknown
from budnet.reach.tiers import Lanes
from budnet.records import replace

Policy = TypeVar("Policy", NetworkPolicy, AdminPolicy)
_POLICIES = ("policies", "admin_policies")


@dataclass(frozen=True, slots=True)
class Change:
    """Pairs of columns whose connection is another now: `sources[i]` to `destinations[i]` had `before[i]` and has `after[i]`."""

    sources: Indices
    destinations: Indices
    before: Ids
    after: Ids
    rows: int
    """How many were made again."""

    def pairs(self) -> Iterator[tuple[int, int, int, int]]:
        """(source, destination, before, after) of each."""
        yield from zip(*(each.tolist() for each in (self.sources, self.destinations, self.before, self.after)), strict=True)


@dataclass(frozen=True, slots=True)
class _Edits:
    """By place, the policy that is there from now on, None where it is gone; `moved` are those of which only the line changed."""

    policies: dict[int, NetworkPolicy | None]
    admin: dict[int, AdminPolicy | None]
    moved: dict[int, NetworkPolicy]
    moved_admin: dict[int, AdminPolicy]


def change(table: Table, network: Network) -> Change | None:
    """Makes a table that of `network`, and says what became of its pairs; None, and nothing changed, where more than policies
    differs, or a table has to be made anew for it."""
    old = table.network
    if network.vpcs or any(getattr(old, f.name) != getattr(network, f.name) for f in fields(Network) if f.name not in _POLICIES):
        return None
    edits = _compared(table, network)
    if edits is None:
        return None
    there = tuple(p for p in edits.policies.values() if p), tuple(p for p in edits.admin.values() if p)
    edited = replace(network, policies=there[0], admin_policies=there[1])
    if not _fits(table, edited, network):
        return None
    _refine(table, edited)
    touched = [_shapes(table, edits, ingress) for ingress in (False, True)]
    _put(table, edits)
    touched = [one | other for one, other in zip(touched, (_shapes(table, edits, ingress) for ingress in (False, True)), strict=True)]
    before = [_Before(table, shapes, maker.rows) for shapes, maker in zip(touched, table.makers, strict=True)]
    written = [maker.change(shapes, set(edits.policies), set(edits.admin)) for maker, shapes in zip(table.makers, touched, strict=True)]
    table.crossing.written(*written)
    table.network = network
    return _differing(table, before[0], before[1], sum(map(len, written)))


# ---- what is edited -----------------------------------------------------------------------------------------------------


def _compared(table: Table, network: Network) -> _Edits | None:
    policies = _edits(table.slots.policies, network.policies, lambda p: (p.cluster, p.namespace, p.id), _says)
    admin = _edits(table.slots.admin, network.admin_policies, lambda p: (p.cluster, p.tier, p.id), _says_admin)
    if policies is None or admin is None:
        return None
    return _Edits(policies[0], admin[0], policies[1], admin[1])


def _edits(
    places: Sequence[Policy | None], now: Sequence[Policy], key: Callable[[Policy], Hashable], says: Callable[[Policy], Hashable]
) -> tuple[dict[int, Policy | None], dict[int, Policy]] | None:
    """(what is somewhere else, or new, or gone; what only moved in its file), by place; None where two are called alike."""
    known = {key(p): n for n, p in enumerate(places) if p is not None}
    free = [n for n, p in enumerate(places) if p is None]
    if len(known) + len(free) < len(places) or len({key(p) for p in now}) < len(now):
        return None
    edits: dict[int, Policy | None] = {}
    moved: dict[int, Policy] = {}
    end = len(places)
    for policy in now:
        place = known.pop(key(policy), None)
        if place is None:
            end, place = (end, free.pop()) if free else (end + 1, end)
            edits[place] = policy
        else:
            was = places[place]
            assert was is not None
            if was is not policy:
                if says(was) == says(policy):
                    moved[place] = policy
                else:
                    edits[place] = policy
    return edits | dict.fromkeys(known.values()), moved


def _says(policy: NetworkPolicy) -> Hashable:
    return policy.selector, *(None if rules is None else tuple(map(_says_rule, rules)) for rules in (policy.ingress, policy.egress))


def _says_rule(rule: PolicyRule) -> Hashable:
    return rule.peers, rule.ports


def _says_admin(policy: AdminPolicy) -> Hashable:
    rules = (tuple((r.action, r.peers, r.ports) for r in each) for each in (policy.ingress, policy.egress))
    return policy.priority, policy.subject, *rules


def _fits(table: Table, edited: Network, network: Network) -> bool:
    """Whether columns and lanes are such that the edited policies can be told apart by them."""
    if not table.columns.knows(edited) or (
        not table.lanes.unknown and leaves_unknown(replace(edited, admin_policies=network.admin_policies))
    ):
        return False
    peers = list(cuts.policy_peers(edited))
    nodes = any(isinstance(p, NodePeer) for p in peers)
    return not nodes or any(isinstance(p, NodePeer) for p in cuts.policy_peers(table.network))


# ---- what they touch ----------------------------------------------------------------------------------------------------


def _refine(table: Table, edited: Network) -> None:
    """Cuts sets of ports and columns where the edited policies cut them."""
    cut = not all(table.alphabet.spells(m) for m in cuts.policy_matches(edited))
    if cut:
        finer = Alphabet(cuts.policy_matches(edited), table.alphabet.protocols, table.alphabet)
        lanes = Lanes(finer.all, table.lanes.unknown, table.lanes.answers)
        bits = np.array(lanes.spread(finer.bits_of(table.alphabet), table.lanes), np.intp)
        table.connections = table.connections.respelt(bits, lanes.all)
        table.alphabet, table.lanes = finer, lanes
        table.crossing.connections = table.connections
    parts = table.columns.finer(cuts.policy_prefixes(edited))
    if parts is not None:
        table.columns, table.peers = parts[0], table.peers.onto(parts[0])
    if cut or parts is not None:
        for maker, terms in zip(table.makers, table.terms(), strict=True):
            maker.refine(table.columns, terms, table.connections, parts and parts[1])
    if parts is not None:
        table.crossing.refine(table.egress, table.ingress, parts[1])


def _shapes(table: Table, edits: _Edits, ingress: bool) -> set[int]:
    """The shapes that the policies at the edited places select."""
    maker = table.makers[ingress]
    found = {s for n in edits.policies if n < len(table.slots.policies) for s in maker.selected(table.slots.policies[n])}
    admin = [table.slots.admin[n] for n in edits.admin if n < len(table.slots.admin)]
    return found | {s for policy in admin for fits in (YES, PERHAPS) for s in maker.about(policy, fits)}


def _put(table: Table, edits: _Edits) -> None:
    """Each policy at its place."""
    slots = table.slots
    slots.policies += [None] * (max(edits.policies, default=-1) + 1 - len(slots.policies))
    slots.admin += [None] * (max(edits.admin, default=-1) + 1 - len(slots.admin))
    for place, policy in (edits.policies | edits.moved).items():
        slots.policies[place] = policy
    for place, admin in (edits.admin | edits.moved_admin).items():
        slots.admin[place] = admin


class _Before:
    """The rows of the columns that an edit can touch, as they were."""

    def __init__(self, table: Table, shapes: set[int], rows: Rows) -> None:
        self.columns = np.flatnonzero(np.isin(table.columns.shape, list(shapes)))
        self._ids = rows.ids[rows.of_column[self.columns]]
        self._at = np.full(table.columns.count, -1)
        self._at[self.columns] = np.arange(len(self.columns))

    def differing(self, now: Rows) -> tuple[Indices, Indices]:
        """(column, other) of every connection that is not as it was."""
        at, others = np.nonzero(self._ids != now.ids[now.of_column[self.columns]])
        return self.columns[at], others

    def between(self, now: Rows, columns: Indices, others: Indices) -> Ids:
        """The connections that some columns had, each with one other; those that cannot be touched have them now."""
        found = now.between(columns, others)
        touched = np.flatnonzero(self._at[columns] >= 0)
        found[touched] = self._ids[self._at[columns[touched]], others[touched]]
        return found


def _differing(table: Table, out: _Before, into: _Before, rows: int) -> Change:
    sources, there = out.differing(table.egress)
    destinations, here = into.differing(table.ingress)
    pairs = distinct(np.concatenate([sources * table.columns.count + there, here * table.columns.count + destinations]))
    sources, destinations = np.divmod(pairs, table.columns.count)
    meet = table.connections.meet
    before = meet(out.between(table.egress, sources, destinations), into.between(table.ingress, destinations, sources))
    after = meet(table.egress.between(sources, destinations), table.ingress.between(destinations, sources))
    differ = np.flatnonzero((before != after) & table.meeting(sources, destinations))
    return Change(sources[differ], destinations[differ], before[differ], after[differ], rows)
