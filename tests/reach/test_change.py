"""A table in which policies were edited is the table of the edited network; and what it says has changed is what has."""

from __future__ import annotations

from ipaddress import ip_network
from random import Random

import numpy as np
import pytest

from budnet.ir.filters import AdminPolicy, NetworkPolicy
from budnet.ir.network import Network
from budnet.observe.kubernetes import cluster
from budnet.observe.kubernetes.fields import Place, Problems
from budnet.packets.addresses import address
from budnet.packets.transports import Transports
from budnet.reach.table.change import change
from budnet.reach.table.table import Table
from budnet.records import replace
from properties.clusters import random_cluster

EDITS = 8
Said = dict[tuple[str, str], tuple[Transports, Transports]]


def _network(seed: int) -> Network:
    return cluster.network([(o, Place("random.json")) for o in random_cluster(seed)], Problems()).network


def _columns(table: Table, like: Table) -> dict[str, int]:
    """Every address of a pod, and one of each part of the outside that either table tells apart."""
    own = {f"{name} {a}": c for (name, a), c in table.columns.of.items()} | table.columns.unplaced
    for each in (table, like):
        edges = list(each.columns.edges_of_columns())
        firsts = (address(edges[c]) for c in each.columns.of_outside.values())
        own |= {str(a): table.columns.of_outside[table.columns.at(a)] for a in firsts}
    return own


def _said(table: Table, like: Table) -> Said:
    cells = np.zeros((table.columns.count, table.columns.count), np.int64)
    for sources, there, block in table.blocks():
        cells[np.ix_(sources, there)] = block
    sets = {int(c): table.sets(int(c))[:2] for c in np.unique(cells)}
    columns = _columns(table, like)
    return {(a, b): sets[int(cells[i, j])] for a, i in columns.items() for b, j in columns.items()}


def _edited(network: Network, dice: Random, others: list[Network]) -> Network:
    """A policy is taken away, or put in, or replaced by what another cluster has."""
    other = dice.choice(others)
    field = dice.choice(("policies", "policies", "policies", "admin_policies"))
    now: list[NetworkPolicy | AdminPolicy] = list(getattr(network, field))
    new = [replace(p, cluster=network.name) for p in getattr(other, field)]
    what = dice.choice(("take", "put", "replace"))
    if now and what != "put":
        gone = now.pop(dice.randrange(len(now)))
        if new and what == "replace":
            now.append(replace(dice.choice(new), id=gone.id))
    elif new:
        one = dice.choice(new)
        now.append(replace(one, id=f"{one.id}-{dice.randrange(1000)}"))
    found: Network = replace(network, **{field: tuple(now)})  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("seed", range(40))
def test_an_edited_table_is_the_table_of_the_edited_network(seed: int) -> None:
    dice, network = Random(seed), _network(seed)
    others = [_network(seed + i) for i in range(100, 103)]
    table, worked = Table(network), 0
    for _ in range(EDITS):
        edited = _edited(network, dice, others)
        was, now = Table(network), Table(edited)
        found = change(table, edited)
        if found is None:  # a table has to be made anew: it must not have been touched
            assert _said(table, was) == _said(was, table)
            table = now
        else:
            worked += 1
            assert (said := _said(table, now)) == _said(now, table)
            before = _said(was, table)
            changed = set(zip(found.sources.tolist(), found.destinations.tolist(), strict=True))
            columns = _columns(table, now)
            assert {(columns[a], columns[b]) for (a, b), sets in said.items() if (a, b) in before and before[a, b] != sets} <= changed
            for pair, old, new in zip(
                zip(found.sources.tolist(), found.destinations.tolist(), strict=True), found.before, found.after, strict=True
            ):
                assert old != new, pair
        network = edited
    assert worked or seed % 10, "a tenth of the seeds at least must be worked out"


def test_a_policy_that_moved_in_its_file_changes_nothing() -> None:
    network = next(n for n in map(_network, range(100)) if len(n.policies) > 3)
    table = Table(network)
    moved = replace(network, policies=tuple(replace(p, origin=replace(p.origin, line=p.origin.line + 3)) for p in network.policies))
    found = change(table, moved)
    assert found is not None and not len(found.sources) and not found.rows
    assert table.slots.policies == list(moved.policies)


def test_other_pods_make_a_new_table() -> None:
    network = next(n for n in map(_network, range(100)) if len(n.endpoints) > 3)
    assert change(Table(network), replace(network, endpoints=network.endpoints[1:])) is None


def test_columns_are_cut_at_every_new_edge() -> None:
    """A prefix for each pod takes pods of one column apart."""
    network = next(n for n in map(_network, range(200)) if len(n.endpoints) > 5 and n.policies)
    table = Table(network)
    finer = table.columns.finer(ip_network(a) for e in network.endpoints for a in e.addresses)
    assert finer is not None
    columns, parents = finer
    assert columns.count == len(parents) and columns.inside == len(columns.members)
    for (name, a), column in columns.of.items():
        assert table.columns.of[name, a] == parents[column]
        assert columns.within(ip_network(a))[column]
    assert table.columns.finer([ip_network("0.0.0.0/0")]) is None
