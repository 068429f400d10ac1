"""The parts that pages are laid out with."""

from __future__ import annotations

import struct
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budnet.render.diagram.layout.block import Block, pack
from budnet.render.diagram.layout.card import Card
from budnet.render.diagram.layout.drawing import Look
from budnet.render.diagram.layout.lanes import lanes, spread
from budnet.render.diagram.layout.text import width, wrap
from budnet.render.diagram.layout.tree import tree
from budnet.render.diagram.scene import Run, line, plain


def advances(font: str) -> dict[int, float]:
    """The width of every printable ASCII letter in a TrueType font, in thousandths of its size: tables `cmap` (format 4) and `hmtx`."""
    data = (files("budnet.render.diagram") / "fonts" / font).read_bytes()
    tables = {}
    for i in range(struct.unpack_from(">H", data, 4)[0]):
        tag, _, offset, _ = struct.unpack_from(">4sLLL", data, 12 + 16 * i)
        tables[tag.decode()] = offset
    unit = struct.unpack_from(">H", data, tables["head"] + 18)[0]
    long_metrics = struct.unpack_from(">H", data, tables["hhea"] + 34)[0]
    cmap = tables["cmap"]
    records = [struct.unpack_from(">HHL", data, cmap + 4 + 8 * i) for i in range(struct.unpack_from(">H", data, cmap + 2)[0])]
    at = next(cmap + o for _, _, o in records if struct.unpack_from(">H", data, cmap + o)[0] == 4)
    count = struct.unpack_from(">H", data, at + 6)[0] // 2
    ends, starts, deltas, offsets = (
        [struct.unpack_from(">H", data, at + 14 + block * 2 * count + (2 if block else 0) + 2 * i)[0] for i in range(count)]
        for block in range(4)
    )
    out = {}
    for code in range(32, 127):
        i = next(i for i, end in enumerate(ends) if code <= end)
        glyph = (code + deltas[i]) & 0xFFFF
        if offsets[i]:
            place = at + 16 + 6 * count + 2 * i + offsets[i] + 2 * (code - starts[i])
            glyph = struct.unpack_from(">H", data, place)[0]
        out[code] = struct.unpack_from(">H", data, tables["hmtx"] + 4 * min(glyph, long_metrics - 1))[0] * 1000 / unit
    return out


@pytest.mark.parametrize(("font", "bold"), [("Roboto-Regular.ttf", False), ("Roboto-Bold.ttf", True)])
def test_no_letter_is_wider_than_we_think(font: str, bold: bool) -> None:
    found = advances(font)
    assert len(found) == 95
    for code, wide in found.items():
        assert width(line(chr(code), bold=bold), 1000) >= wide - 0.5, chr(code)


@given(st.text(st.sampled_from("abcdefgh -./_0123456789"), min_size=1, max_size=120), st.floats(20, 200))
def test_wrapped_lines_fit_and_lose_nothing_but_space(text: str, limit: float) -> None:
    parts = wrap(line(text), 10, limit)
    assert all(width(part, 10) <= limit + 0.01 for part in parts)
    assert "".join(plain(p) for p in parts).replace(" ", "") == text.replace(" ", "")


def test_words_stay_whole_where_they_can() -> None:
    assert [plain(x) for x in wrap(line("clear 4317 123/udp"), 10, 60)] == ["clear 4317", "123/udp"]
    assert [plain(x) for x in wrap(line("dapr-placement"), 10, 50)] == ["dapr-", "placement"]


def test_weights_survive_wrapping() -> None:
    assert wrap((Run("3004 "), Run("50002", bold=True)), 10, 200) == ((Run("3004 "), Run("50002", bold=True)),)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30))
def test_no_two_lines_share_a_stretch_of_a_lane(spans: list[tuple[int, int]]) -> None:
    found = lanes([(i, a, b) for i, (a, b) in enumerate(spans)])
    for i, (a, b) in enumerate(spans):
        for j, (c, d) in enumerate(spans[:i]):
            assert found[i] != found[j] or max(a, b) < min(c, d) or max(c, d) < min(a, b)


def test_things_that_share_a_side_are_evenly_spread() -> None:
    assert [spread(0, 100, 3, i) for i in range(3)] == [25, 50, 75]


@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.floats(150, 1500))
def test_packed_blocks_do_not_overlap(sizes: list[int], wide: float) -> None:
    blocks = [Block(tuple(Card(f"{b}/{i}", Look.POD, (), 100, 30) for i in range(n))) for b, n in enumerate(sizes)]
    packed = pack(blocks, wide)
    boxes = [(x, y, x + block.sizes[n - 1][0], y + block.sizes[n - 1][1]) for block, n, x, y in packed.places]
    assert len(boxes) == len(blocks)
    assert all(x1 <= wide + 0.01 and y1 <= packed.h + 0.01 for _, _, x1, y1 in boxes)
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert a[2] <= b[0] + 0.01 or b[2] <= a[0] + 0.01 or a[3] <= b[1] + 0.01 or b[3] <= a[1] + 0.01


@given(st.lists(st.integers(0, 20), min_size=1, max_size=8, unique=True), st.integers(0, 20))
def test_a_tree_reaches_its_root_once_and_draws_no_stretch_twice(heights: list[int], root: int) -> None:
    branches, _ = tree((100, root), [(0, y) for y in heights], 50)
    assert sorted(b.leaf for b in branches) == list(range(len(heights)))
    assert [b.points[-1] for b in branches if b.whole] == [(100, root)]
    trunk = [(min(a[1], b[1]), max(a[1], b[1])) for x in branches for a, b in zip(x.points, x.points[1:], strict=False) if a[0] == b[0]]
    for i, (low, high) in enumerate(trunk):
        assert all(high <= a or b <= low for a, b in trunk[:i])
