"""SCENE -> Graphviz: the same content as text with clusters, for whoever has Graphviz and wants another layout."""

from __future__ import annotations

from collections.abc import Iterator

from budnet.render.diagram.layout.drawing import Look, Wire
from budnet.render.diagram.scene import Group, Kind, Node, Scene
from budnet.render.diagram.steps import Step, below, steps, text_of
from budnet.render.diagram.style import BOXES, INK, WIRES

SHAPES = {Kind.CLIENT: "box", Kind.DESTINATION: "box", Kind.INTERNET_GATEWAY: "hexagon", Kind.EGRESS_ONLY: "hexagon", Kind.NAT: "hexagon"}
ROUND = {Kind.POD, Kind.CLIENT, Kind.DESTINATION}
LOOKS = {
    Kind.OUTSIDE: Look.OUTSIDE, Kind.VPC: Look.VPC, Kind.PUBLIC: Look.PUBLIC, Kind.PRIVATE: Look.PRIVATE, Kind.ISOLATED: Look.ISOLATED,
    Kind.NAMESPACE: Look.NAMESPACE,
}  # fmt: skip


def dot(scene: Scene) -> str:
    """The whole file."""
    return "\n".join(_lines(scene)) + "\n"


def _lines(scene: Scene) -> Iterator[str]:
    yield f"digraph {_quoted([scene.title])} {{"
    yield f"  graph [compound=true, rankdir={'LR' if scene.view != 'architecture' else 'TB'}, fontname=Helvetica, labelloc=t, labeljust=l,"
    yield f"    label={_quoted([scene.title, scene.subtitle])}]"
    yield f'  node [shape=box, fontname=Helvetica, fontsize=11, color="{INK}", fontcolor="{INK}"]'
    yield f'  edge [fontname=Helvetica, fontsize=9, fontcolor="{INK}"]'
    for node in scene.nodes:
        if not node.group and node.kind is not Kind.PEERING:
            yield f"  {_node(scene, node)}"
    for group in scene.below(""):
        yield from _group(scene, group, "  ")
    for step in steps(scene):
        yield f"  {_step(scene, step)}"
    for above, under in below(scene):
        yield f"  {_quoted([above])} -> {_quoted([under])} [style=invis]"
    yield "}"


def _group(scene: Scene, group: Group, indent: str) -> Iterator[str]:
    box = BOXES[LOOKS[group.kind]]
    style = "rounded,filled,dashed" if box.dash else "rounded,filled"
    yield f"{indent}subgraph {_quoted([f'cluster {group.id}'])} {{"
    yield f'{indent}  label={_quoted(text_of(scene, group.id))}; style="{style}"; fillcolor="{box.fill}"; color="{box.stroke}"'
    if _anchor(scene, group.id) == group.id:
        # an arrow to a cluster needs a node in it to hold on to
        yield f"{indent}  {_quoted([group.id])} [shape=point, style=invis]"
    for node in scene.inside[group.id]:
        yield f"{indent}  {_node(scene, node)}"
    for inner in scene.below(group.id):
        yield from _group(scene, inner, f"{indent}  ")
    yield f"{indent}}}"


def _node(scene: Scene, node: Node) -> str:
    style = ', style="rounded,filled"' if node.kind in ROUND else ", style=filled"
    shape = f", shape={SHAPES[node.kind]}" if node.kind in SHAPES else ", peripheries=2" if node.kind is Kind.BALANCER else ""
    return f'{_quoted([node.id])} [label={_quoted(text_of(scene, node.id))}, fillcolor="#ffffff"{style}{shape}]'


def _anchor(scene: Scene, id: str) -> str:
    """The node that an arrow to a box holds on to: the first one in it, or the box's own where it has none."""
    if id not in scene.group:
        return id
    inside = scene.inside[id] or [n for g in scene.below(id) for n in scene.inside[g.id]]
    return inside[0].id if inside else id


def _step(scene: Scene, step: Step) -> str:
    wire = Wire.LINK if step.link else Wire.ENCRYPTED if step.encrypted else Wire.CLEAR
    said = [f'color="{WIRES[wire][0]}"']
    said += [f"label={_quoted(list(step.label))}"] if step.label else []
    said += ["style=dotted, dir=none"] if step.link else ["style=dashed"] if not step.encrypted else []
    said += ["penwidth=2.5"] if step.many else []
    said += [f"ltail={_quoted([f'cluster {step.source}'])}"] if step.source in scene.group else []
    said += [f"lhead={_quoted([f'cluster {step.target}'])}"] if step.target in scene.group else []
    return f"{_quoted([_anchor(scene, step.source)])} -> {_quoted([_anchor(scene, step.target)])} [{', '.join(said)}]"


def _quoted(lines: list[str]) -> str:
    """A DOT string. Graphviz reads HTML entities in labels too, so an ampersand must be one."""
    body = "\\n".join("".join(_escaped(c) for c in x) for x in lines)
    return f'"{body}"'


def _escaped(c: str) -> str:
    return {"&": "&amp;", '"': '\\"', "\\": "\\\\"}.get(c, c if c >= " " else " ")
