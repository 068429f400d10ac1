"""Connections over links that do not route: to a front, and on from there in a connection of the front's own (`reach/relay.py`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from budnet.ir.address import Address, Match, PortRange, Protocol
from budnet.ir.links import Front
from budnet.packets.connections import Ids
from budnet.reach.table.columns import Indices

if TYPE_CHECKING:
    from budnet.reach.table.table import Table

Straight = Callable[[Indices], Iterator[tuple[Indices, Indices, Ids]]]


class Fronts:
    """What clients in one VPC may open to what stands behind a front, put together from the two ways."""

    def __init__(self, table: Table, straight: Straight) -> None:
        self.table, self.straight = table, straight
        self.network, self.columns = table.network, table.columns

    def blocks(self, chosen: Indices) -> Iterator[tuple[Indices, Indices, Ids]]:
        """As `Table.blocks`, for targets of fronts."""
        vpcs = np.array([s.vpc for s in self.columns.shapes] + [""])[self.columns.shape]
        for front in self.network.fronts:
            clients = chosen[(vpcs[chosen] == front.consumer) & ~self.columns.public[chosen]]
            targets = [(c, f) for t in front.targets for c, f in self._behind(t, front)]
            if not front.accepted or not len(clients) or not targets:
                continue
            doors = self._doors(front)
            first = self._cells(clients, sorted(set(doors.values())))
            second = self._cells(np.array(sorted({far for _, (far, _) in targets}), np.intp), sorted({own for _, (_, own) in targets}))
            found = np.zeros((len(clients), len(targets)), np.int32)
            for row, client in enumerate(clients.tolist()):
                door = doors.get(int(self.columns.family[client]))
                for at, (_, (far, own)) in enumerate(targets):
                    found[row, at] = self._both(front, first.get((client, door), 0), second.get((far, own), 0))
            yield clients, np.array([c for c, _ in targets], np.intp), found

    def _both(self, front: Front, one: int, other: int) -> int:
        masks, lanes = self.table.connections.masks, self.table.lanes
        carried = 0
        for port in front.ports:
            carried |= self.table.alphabet.mask(Match(Protocol.TCP, PortRange(port, port)))
        return self.table.connections.id(masks[one] & masks[other] & lanes.known(carried))

    def _cells(self, sources: Indices, wanted: list[int]) -> dict[tuple[int, int | None], int]:
        out: dict[tuple[int, int | None], int] = {}
        for block, there, found in self.straight(sources):
            for at in np.flatnonzero(np.isin(there, wanted)).tolist():
                for row, source in enumerate(block.tolist()):
                    out[source, int(there[at])] = int(found[row, at])
        return out

    def _doors(self, front: Front) -> dict[int, int]:
        """The column that clients of each family connect to: a public address where there is one."""
        near = self.network.endpoint[front.near]
        given: tuple[Address, ...] = near.public[:1] or tuple(reversed(near.addresses))
        return {a.version: self.columns.of[near.id, a] for a in given}

    def _behind(self, target: str, front: Front) -> Iterator[tuple[int, tuple[int, int]]]:
        """(column of a target's address, (column that the front connects from, column that it connects to)): whatever the
        client speaks, the front speaks the first family that both have."""
        endpoint, far = self.network.endpoint[target], self.network.endpoint[front.far]
        pairs = (
            (self.columns.of[far.id, f], self.columns.of[target, a])
            for a in endpoint.addresses
            for f in far.addresses
            if f.version == a.version
        )
        way = next(pairs, None)
        if way is not None:
            yield from ((self.columns.of[target, a], way) for a in endpoint.addresses)
