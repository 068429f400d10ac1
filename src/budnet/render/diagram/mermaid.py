"""SCENE -> Mermaid flowchart, for READMEs and wikis: the same content, laid out by whoever shows it."""

from __future__ import annotations

from collections.abc import Iterator

from budnet.render.diagram.layout.drawing import Look
from budnet.render.diagram.scene import TIERS, Group, Kind, Node, Scene
from budnet.render.diagram.steps import Step, below, steps, text_of
from budnet.render.diagram.style import BOXES

SHAPES = {Kind.POD: ("(", ")"), Kind.BALANCER: ("[[", "]]"), Kind.CLIENT: ("([", "])"), Kind.DESTINATION: ("([", "])")}
GATES = {Kind.INTERNET_GATEWAY, Kind.EGRESS_ONLY, Kind.NAT, Kind.PROVIDED}
LOOKS = {Kind.PUBLIC: Look.PUBLIC, Kind.PRIVATE: Look.PRIVATE, Kind.ISOLATED: Look.ISOLATED}


def mermaid(scene: Scene) -> str:
    """The whole file."""
    return "\n".join(_lines(scene)) + "\n"


def _lines(scene: Scene) -> Iterator[str]:
    ids = _ids(scene)
    yield f"%% {_flat(scene.title)}: {_flat(scene.subtitle)}"
    yield f"flowchart {'LR' if scene.view != 'architecture' else 'TB'}"
    for node in scene.nodes:
        if not node.group and node.kind is not Kind.PEERING:
            yield f"  {_node(scene, node, ids)}"
    for group in scene.below(""):
        yield from _group(scene, group, ids, "  ")
    for step in steps(scene):
        yield f"  {_step(step, ids)}"
    for above, under in below(scene):
        yield f"  {ids[above]} ~~~ {ids[under]}"
    for kind in TIERS:
        members = [ids[g.id] for g in scene.groups if g.kind is kind]
        if members:
            box = BOXES[LOOKS[kind]]
            dash = f",stroke-dasharray:{box.dash}" if box.dash else ""
            yield f"  classDef {kind.value} fill:{box.fill},stroke:{box.stroke},color:#1b2329{dash}"
            yield f"  class {','.join(members)} {kind.value}"


def _ids(scene: Scene) -> dict[str, str]:
    """Names of ours may hold what Mermaid takes for syntax (a node called `end` breaks a chart), so numbers stand for them."""
    return {g.id: f"g{i}" for i, g in enumerate(scene.groups)} | {n.id: f"n{i}" for i, n in enumerate(scene.nodes)}


def _group(scene: Scene, group: Group, ids: dict[str, str], indent: str) -> Iterator[str]:
    yield f"{indent}subgraph {ids[group.id]}[{_label(text_of(scene, group.id))}]"
    for node in scene.inside[group.id]:
        yield f"{indent}  {_node(scene, node, ids)}"
    for inner in scene.below(group.id):
        yield from _group(scene, inner, ids, f"{indent}  ")
    yield f"{indent}end"


def _node(scene: Scene, node: Node, ids: dict[str, str]) -> str:
    begin, end = ("{{", "}}") if node.kind in GATES else SHAPES.get(node.kind, ("[", "]"))
    return f"{ids[node.id]}{begin}{_label(text_of(scene, node.id))}{end}"


def _step(step: Step, ids: dict[str, str]) -> str:
    arrow = "---" if step.link else "-.->" if not step.encrypted else "==>" if step.many else "-->"
    label = f"|{_label(list(step.label))}|" if step.label else ""
    return f"{ids[step.source]} {arrow}{label} {ids[step.target]}"


def _label(lines: list[str]) -> str:
    return f'"{"<br/>".join(_escaped(x) for x in lines)}"'


def _escaped(text: str) -> str:
    """Mermaid's own entities, for everything that it, Markdown or HTML would read as more than a letter."""
    return "".join(f"#{ord(c)};" if c in '"#<>&`*_\\[]{}|;~$' else c if c >= " " else " " for c in text)


def _flat(text: str) -> str:
    """For a comment, which ends with its line and in which `%%{` would begin a directive."""
    return " ".join(text.split()).replace("{", "(").replace("}", ")")
