"""What a picture shows, before anyone has decided where: groups, nodes and edges. Every output format is made from this."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property


class Kind(Enum):
    """What a group or a node stands for; it decides how it looks."""

    OUTSIDE = "outside"
    VPC = "VPC"
    PUBLIC = "public"
    PRIVATE = "private"
    ISOLATED = "isolated"
    NAMESPACE = "namespace"
    CLIENT = "client"
    DESTINATION = "destination"
    INTERNET_GATEWAY = "internet gateway"
    EGRESS_ONLY = "egress-only gateway"
    NAT = "NAT gateway"
    PEERING = "peering"
    BALANCER = "load balancer"
    HOST = "machine"
    POD = "pod"
    PROVIDED = "provided"
    SUBJECT = "subject"


TIERS = (Kind.PUBLIC, Kind.PRIVATE, Kind.ISOLATED)


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text in one weight. Bold in a list of ports means: encrypted."""

    text: str
    bold: bool = False


Line = tuple[Run, ...]


def line(text: str, *, bold: bool = False) -> Line:
    """A line in one weight."""
    return (Run(text, bold),)


def plain(content: Line) -> str:
    """A line without its weights."""
    return "".join(run.text for run in content)


@dataclass(frozen=True, slots=True)
class Group:
    """A box around others. `lines` stand under its title, `notes` at its foot, `hint` is read out and shown on hover."""

    id: str
    parent: str
    kind: Kind
    title: str
    lines: tuple[Line, ...] = ()
    notes: tuple[Line, ...] = ()
    hint: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """A box with text. `table` is what a load balancer knows of names, or what an egress row allows."""

    id: str
    group: str
    kind: Kind
    title: str
    lines: tuple[Line, ...] = ()
    table: tuple[Line, ...] = ()
    count: int = 1
    hint: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow between two nodes or groups, through the gateways and links of `via`. `flows` are the declared flows it stands for."""

    source: str
    target: str
    via: tuple[str, ...] = ()
    encrypted: bool = True
    label: tuple[str, ...] = ()
    flows: tuple[str, ...] = ()
    link: bool = False
    """No flow at all, only the connection: drawn without an arrow."""


@dataclass(frozen=True)
class Scene:
    """A view of a network. Tuples are in the order in which things are to be read."""

    view: str
    title: str
    subtitle: str
    groups: tuple[Group, ...] = ()
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()

    @cached_property
    def group(self) -> dict[str, Group]:
        """Groups by id."""
        return {g.id: g for g in self.groups}

    @cached_property
    def node(self) -> dict[str, Node]:
        """Nodes by id."""
        return {n.id: n for n in self.nodes}

    @cached_property
    def inside(self) -> dict[str, list[Node]]:
        """The nodes that stand directly in a group, by the group's id."""
        found: dict[str, list[Node]] = {g.id: [] for g in self.groups}
        for node in self.nodes:
            found.setdefault(node.group, []).append(node)
        return found

    def below(self, parent: str) -> list[Group]:
        """The groups that stand directly in a group; "" for the outermost."""
        return [g for g in self.groups if g.parent == parent]

    def around(self, id: str) -> tuple[str, ...]:
        """The groups that a node or a group is in, innermost first."""
        at = self.node[id].group if id in self.node else self.group[id].parent if id in self.group else ""
        return (at, *self.around(at)) if at else ()

    def outermost(self, id: str) -> str:
        """The outermost group around a node or a group: its VPC, mostly."""
        return [id, *self.around(id)][-1]

    def title_of(self, id: str) -> str:
        """The title of a node or a group."""
        return self.node[id].title if id in self.node else self.group[id].title
