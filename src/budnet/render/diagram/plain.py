"""SCENE -> TEXT: the same content for a terminal, a mail or a `diff` of two pictures."""

from __future__ import annotations

from collections.abc import Iterator

from budnet.render.diagram.scene import Group, Node, Scene, plain
from budnet.render.diagram.steps import text_of


def text(scene: Scene) -> str:
    """The whole file: boxes in boxes, then every arrow in a line."""
    return "\n".join(_lines(scene)) + "\n"


def _lines(scene: Scene) -> Iterator[str]:
    yield from (scene.title, scene.subtitle, "")
    for node in scene.nodes:
        if not node.group:
            yield from _node(scene, node, "")
    for group in scene.below(""):
        yield from _group(scene, group, "")
    if scene.edges:
        yield ""
    names = {id: scene.title_of(id) for e in scene.edges for id in (e.source, e.target)}
    wide = max((len(n) for n in names.values()), default=0)
    for edge in scene.edges:
        way = "".join(f" > {scene.title_of(v)}" for v in edge.via)
        arrow = "--" if edge.link else "->"
        yield f"{names[edge.source]:{wide}} {arrow} {names[edge.target]:{wide}}  {', '.join(edge.label)}{f'  ({way[3:]})' if way else ''}".rstrip()


def _group(scene: Scene, group: Group, indent: str) -> Iterator[str]:
    head, *more = text_of(scene, group.id)
    yield f"{indent}{head}"
    yield from (f"{indent}  {x}" for x in [*more, *(plain(n) for n in group.notes)])
    for node in scene.inside[group.id]:
        yield from _node(scene, node, f"{indent}  ")
    for inner in scene.below(group.id):
        yield from _group(scene, inner, f"{indent}  ")


def _node(scene: Scene, node: Node, indent: str) -> Iterator[str]:
    head, *more = text_of(scene, node.id)
    yield f"{indent}{head}" + (f"  {', '.join(more)}" if more else "")
