"""Flows through clusters, asked of the judge and of the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from random import Random
from typing import Any

import numpy as np

from budnet.ir.address import Protocol
from budnet.observe.kubernetes import cluster
from budnet.observe.kubernetes.fields import Place, Problems
from budnet.reach.table.table import Table
from properties.clusters import NAMES, OUTSIDE, PORTS, PROTOCOLS, Object
from properties.kubernetes_judge import End, Judge, Pod

ASKED = (*PORTS, 2, 82, 442, 5431, 5433, 8079, 8082, 40000)
__all__ = ["NAMES", "Flow", "Tabled", "disagreements", "flows"]


@dataclass(frozen=True)
class Flow:
    """One question. Two pods with addresses of both families speak by one of them."""

    source: End
    destination: End
    protocol: str
    port: int
    family: int

    def __str__(self) -> str:
        return f"{name(self.source)} -> {name(self.destination)} {self.protocol} {self.port} by IPv{self.family}"


def name(end: End) -> str:
    """As the program names it."""
    return f"{end.namespace}/{end.name}[{end.kind}]" if isinstance(end, Pod) else str(end)


class Tabled:
    """The program's answers: manifests read, all pairs worked out."""

    def __init__(self, objects: list[Object]) -> None:
        problems = Problems()
        read = cluster.network([(o, Place("random.json", 0)) for o in objects], problems)
        wrong = [p.summary for p in problems.found if p.code != cluster.NO_LABELS]
        assert not wrong
        self.table = Table(read.network)
        self.columns = self.table.columns
        self.cells = np.zeros((self.columns.count, self.columns.count), np.int64)
        for sources, there, block in self.table.blocks():
            self.cells[np.ix_(sources, there)] = block
        self._sets: dict[int, Any] = {}

    def column(self, end: End, family: int) -> int:
        """Where an end is in the table."""
        if isinstance(end, Pod):
            mine = [a for a in end.addresses if a.version == family]
            return self.columns.of[name(end), mine[0]] if mine else self.columns.unplaced[name(end), family]
        return self.columns.of_outside[self.columns.at(end)]

    def verdict(self, flow: Flow) -> str:
        """In the judge's words."""
        cell = int(self.cells[self.column(flow.source, flow.family), self.column(flow.destination, flow.family)])
        if cell not in self._sets:
            self._sets[cell] = self.table.sets(cell)
        answered, doubtful, one_way = self._sets[cell]
        what = Protocol[flow.protocol], flow.port
        assert what not in one_way, "nothing here looks at answers"
        return "allowed" if what in answered else "unknown" if what in doubtful else "denied"


def flows(judge: Judge, dice: Random, count: int) -> Iterator[Flow]:
    """Random ones between two pods, or a pod and an address outside. A pod and itself is nobody's question: DOC, "a Pod cannot
    block access to itself"."""
    nodes = {ip_address(a["address"]) for n in judge.nodes for a in n["status"]["addresses"] if a["type"] == "InternalIP"}
    outside: list[End] = [a for a in map(ip_address, OUTSIDE) if a not in nodes]
    found = 0
    while found < count and judge.pods:
        ends: list[End] = [dice.choice(judge.pods), dice.choice(outside) if dice.random() < 0.25 else dice.choice(judge.pods)]
        dice.shuffle(ends)
        families = judge.families(ends[0]) & judge.families(ends[1])
        found += 1
        if ends[0] != ends[1] and families:
            family = dice.choice(sorted(families))
            protocol = dice.choice((*PROTOCOLS, "ICMP" if family == 4 else "ICMPV6"))
            yield Flow(ends[0], ends[1], protocol, dice.choice(ASKED), family)


def disagreements(objects: list[Object], dice: Random, count: int) -> tuple[int, list[str]]:
    """How many flows were asked, and those on which the two do not agree."""
    judge, tabled = Judge(objects), Tabled(objects)
    asked, wrong = 0, []
    for flow in flows(judge, dice, count):
        asked += 1
        expected = judge.verdict(flow.source, flow.destination, flow.protocol, flow.port, flow.family)
        found = tabled.verdict(flow)
        if expected != found:
            wrong.append(f"{flow}: by the specification {expected}, by the table {found}")
    return asked, wrong
