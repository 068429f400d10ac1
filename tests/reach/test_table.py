"""The table of all pairs is what `reach/path.py` says of each of them."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from budnet import pipeline
from budnet.ir.address import Address
from budnet.ir.network import Network
from budnet.packets.addresses import address
from budnet.packets.transports import Transports
from budnet.reach.engine import Engine
from budnet.reach.matrix import asked, receivers, senders
from budnet.reach.points import Point
from budnet.reach.relay import way
from budnet.reach.table.table import Table
from helpers import GOLDEN
from properties.networks import random_network

Ways = dict[tuple[int, int], int]


def _cells(table: Table) -> Ways:
    found: Ways = {}
    for sources, there, block in table.blocks():
        for row, source in zip(block, sources.tolist(), strict=True):
            for at in np.flatnonzero(row).tolist():
                found[source, int(there[at])] = int(row[at])
    return found


class _Columns:
    """The columns of a point."""

    def __init__(self, table: Table) -> None:
        columns = table.columns
        self.of: dict[tuple[str, Address], int] = {}
        for column in range(columns.inside):
            for endpoint, a in zip(columns.members[column], columns.addresses[column], strict=bool(columns.addresses[column])):
                self.of[endpoint.id, a] = column
        edges = list(columns.edges_of_columns())
        self.outside = {c: address(edges[c]) for c in range(columns.inside, columns.count) if not columns.public[c]}

    def __call__(self, point: Point) -> list[int]:
        if point.endpoint is not None:
            return [self.of[point.endpoint.id, point.address]]
        return [c for c, a in self.outside.items() if a in point.members]


@pytest.mark.parametrize("seed", range(25))
def test_the_table_is_what_each_walk_says(seed: int) -> None:
    _equal(random_network(seed))


@pytest.mark.parametrize("topology", ["foundry", "five-ways"])
def test_also_of_networks_that_ship(topology: str) -> None:
    network = pipeline.load(f"catalog/{topology}").network
    assert network is not None
    _equal(network)


def _equal(network: Network) -> None:
    table, engine = Table(network), Engine(network)
    cells, columns = _cells(table), _Columns(table)
    seen = set()
    for here in senders(engine):
        for there in receivers(engine):
            if not asked(here, there):
                continue
            found = way(engine, here, there)
            forward = found.forward & engine.alphabet.all
            wanted = engine.alphabet.decode(forward), engine.alphabet.decode(forward & found.back)
            for source in columns(here):
                for destination in columns(there):
                    seen.add((source, destination))
                    assert _sets(table, cells.get((source, destination), 0)) == wanted, f"{here.label} -> {there.label}"
    # what the table has besides is an endpoint and itself, by whichever of its addresses
    for source, destination in set(cells) - seen:
        assert source < table.columns.inside and destination < table.columns.inside
        mine = {e.id for e in table.columns.members[source]}
        assert mine & {e.id for e in table.columns.members[destination]}


@pytest.mark.parametrize("file", ["catalog/foundry", "catalog/five-ways", str(GOLDEN / "linked" / "topology.yaml")])
def test_some_pairs_are_what_they_are_among_all(file: str) -> None:
    network = pipeline.load(file).network
    assert network is not None
    table, dice = Table(network), Random(0)
    sources, there = (np.array(dice.sample(range(table.columns.count), 60), np.intp) for _ in range(2))
    wanted = np.zeros((table.columns.count, table.columns.count), object)
    for block, reached, found in table.blocks():
        for row, source in zip(found.tolist(), block, strict=True):
            for destination, connection in zip(reached, row, strict=True):
                wanted[source, destination] |= table.connections.masks[connection]  # over a front, and straight
    masks = [[table.connections.masks[number] for number in row] for row in table.between(sources, there).tolist()]
    assert masks == wanted[np.ix_(sources, there)].tolist()
    assert any(map(any, masks))


def _sets(table: Table, connection: int) -> tuple[Transports, Transports]:
    mask = table.connections.masks[connection]
    return table.alphabet.decode(table.lanes.certain(mask)), table.alphabet.decode(table.lanes.answered(mask))


def test_networks_differ() -> None:
    """A test that compares nothing with nothing would pass as well."""
    networks: list[Network] = [random_network(seed) for seed in range(25)]
    assert sum(len(_cells(Table(n))) for n in networks) > 1000
