"""Who reaches whom, by classes of those who fare alike: what `layout/grid.py` draws as a table, and other formats as arrows.

Which classes there are is found out by whoever asks the prover; here they are names, places and words.
"""

from __future__ import annotations

from dataclasses import dataclass

from budnet.render.diagram.scene import Edge, Group, Kind, Node, Run, Scene, line

REACH = "reach"
OUTSIDE, SEVERAL, MACHINES = "outside", "in several namespaces", "machines"
_SHOWN = 8
"""Names of a class that are shown; all of them are in its hint."""


@dataclass(frozen=True, slots=True)
class Class:
    """Some who fare alike, by where they are: a namespace, a subnet, OUTSIDE or MACHINES."""

    members: tuple[tuple[str, str], ...]

    @property
    def place(self) -> str:
        """Where all of them are."""
        places = {place for place, _ in self.members}
        return places.pop() if len(places) == 1 else SEVERAL


@dataclass(frozen=True, slots=True)
class Cell:
    """What passes from one class to another, by their positions; `unknown` is what may and may not."""

    source: int
    target: int
    passes: str
    unknown: str


def reach(title: str, subtitle: str, classes: tuple[Class, ...], cells: tuple[Cell, ...]) -> Scene:
    """The scene: a group for each place, a node for each class, an arrow for each cell; one from a class to itself is between its members."""
    places = dict.fromkeys(c.place for c in classes)
    last = [p for p in (SEVERAL, MACHINES, OUTSIDE) if p in places]
    groups = [Group(p, "", Kind.NAMESPACE if p not in last else Kind.OUTSIDE, p) for p in [*(p for p in places if p not in last), *last]]
    nodes = [_node(letter(at), c) for at, c in enumerate(classes)]
    return Scene(REACH, title, subtitle, tuple(groups), tuple(nodes), tuple(_edge(c) for c in cells))


def _node(name: str, of: Class) -> Node:
    several = of.place == SEVERAL
    names = [f"{place}/{own}" if several else own for place, own in of.members]
    lines = [line(n) for n in names[:_SHOWN]] + ([line(f"and {len(names) - _SHOWN} more")] if len(names) > _SHOWN else [])
    kind = {OUTSIDE: Kind.CLIENT, MACHINES: Kind.HOST}.get(of.place, Kind.POD)
    return Node(name, of.place, kind, name, tuple(lines), hint=tuple(names))


def _edge(cell: Cell) -> Edge:
    said = [cell.passes] if cell.passes else []
    said += [f"unknown: {cell.unknown}"] if cell.unknown else []
    return Edge(letter(cell.source), letter(cell.target), encrypted=not cell.unknown, label=tuple(said))


def letter(at: int) -> str:
    """A to Z, AA to ZZ, and so on."""
    out = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        out = chr(ord("A") + rest) + out
    return out


def named(node: Node, most: int = 2) -> tuple[Run, ...]:
    """A class by its letter and its first members, as the head of a row."""
    more = f", +{len(node.hint) - most}" if len(node.hint) > most else ""
    return Run(node.title, bold=True), Run(f"  {', '.join(node.hint[:most])}{more}")
