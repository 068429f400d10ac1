"""On no page of any network does anything lie on anything else."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from budnet.ir.network import Network
from budnet.pipeline import load_text
from budnet.records import replace
from budnet.render.diagram import scene_of
from budnet.render.diagram.layout import lay_out
from budnet.render.diagram.layout.drawing import Drawing, Look, Path, Wire
from render.diagram import collisions as check
from render.diagram.invented import invent
from render.diagram.topologies import SHAPES, foundry, shape, views_of


def page(network: Network, view: str) -> Drawing:
    return lay_out(scene_of(network, view))


@pytest.mark.parametrize("name", SHAPES)
def test_nothing_lies_on_anything_else(name: str) -> None:
    network = shape(name)
    for view in views_of(network):
        assert check.collisions(page(network, view)) == [], view


def assert_good(seed: int) -> None:
    loaded = load_text(yaml.safe_dump(invent(seed), sort_keys=False).encode(), "x.yaml", {})
    if loaded.network is not None:
        for view in views_of(loaded.network)[:4]:
            assert check.collisions(page(loaded.network, view)) == [], f"invent({seed}), {view}"


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100_000))
def test_nor_in_networks_that_nobody_thought_of(seed: int) -> None:
    assert_good(seed)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 1000, 50))
def test_nor_in_a_thousand_of_them(start: int) -> None:
    for seed in range(start, start + 50):
        assert_good(seed)


class TestTheChecksThemselves:
    """A check that finds nothing must be able to find something."""

    def test_texts(self) -> None:
        drawing = page(foundry(), "architecture")
        drawing.texts.append(replace(drawing.texts[0], x=drawing.texts[0].x + 3))
        assert check.texts_on_texts(drawing)

    def test_a_line_through_a_box_and_a_text(self) -> None:
        drawing = page(foundry(), "architecture")
        box = next(r for r in drawing.rects if r.id == "control-plane/apps/budapp")
        through = ((box.x - 20, box.y + box.h / 2), (box.right + 20, box.y + box.h / 2))
        drawing.paths.append(Path(through, Wire.CLEAR, ends=frozenset(["control-plane", "control-plane/apps"])))
        assert any("budapp" in x for x in check.lines_on_boxes(drawing))
        assert check.lines_on_texts(drawing)

    def test_boxes(self) -> None:
        drawing = page(foundry(), "architecture")
        box = next(r for r in drawing.rects if r.look is Look.POD)
        drawing.rects.append(replace(box, id="other", x=box.x + 5))
        assert check.boxes_on_boxes(drawing)
        assert check.leaves_on_leaves(drawing)

    def test_lines(self) -> None:
        drawing = page(foundry(), "architecture")
        drawing.paths.append(replace(drawing.paths[0], width=1.0))
        assert check.lines_on_lines(drawing)

    def test_the_edge_of_the_page_and_of_a_box(self) -> None:
        drawing = page(foundry(), "architecture")
        drawing.texts.append(replace(drawing.texts[0], x=drawing.width - 2))
        assert check.off_the_page(drawing)
        box = next(r for r in drawing.rects if r.id == "control-plane/apps/budapp")
        drawing.texts.append(replace(drawing.texts[0], x=box.right - 4, y=box.y + 10))
        assert check.spilled_texts(drawing)


def test_every_way_of_a_line_is_upright_or_level() -> None:
    for name in SHAPES:
        for path in page(shape(name), "architecture").paths:
            assert all(a[0] == b[0] or a[1] == b[1] for a, b in zip(path.points, path.points[1:], strict=False)), path
