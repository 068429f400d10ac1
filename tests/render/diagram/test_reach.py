"""The picture of who reaches whom: its table is the matrix, and on its page nothing lies on anything else."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from click.testing import CliRunner

import budnet
from budnet.cli.main import cli
from budnet.questions import matrix
from budnet.questions.classes import alike
from budnet.questions.focus import Focus
from budnet.questions.picture import picture
from budnet.render.diagram import FORMATS, written
from budnet.render.diagram.layout import lay_out
from budnet.render.diagram.views.reach import letter
from properties.clusters import random_cluster
from render.diagram import collisions as check

BOOKSHOP = f"kubernetes:{Path(__file__).parents[3] / 'examples' / 'bookshop'}"
PLACES = [*range(8), BOOKSHOP, "catalog/foundry", "catalog/five-ways"]


@pytest.fixture(scope="module", params=PLACES)
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> budnet.Network:
    if isinstance(request.param, str):
        return budnet.load(request.param)
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "all.json").write_text(json.dumps({"kind": "List", "items": random_cluster(request.param)}))
    return budnet.load(f"kubernetes:{folder}")


def test_the_table_is_the_matrix(network: budnet.Network) -> None:
    """Every pair has the cell of its classes, and nobody can be in a larger class than he is."""
    pairs = matrix.of(network.resolved, "workload")
    classes, cells = alike(pairs)
    spelt = {
        (pairs.labels[a], pairs.labels[b]): connection
        for (i, j), connection in cells.items() for a in classes[i] for b in classes[j] if a != b or pairs.several[a]
    }  # fmt: skip
    plain = {(r.src[0], r.dst[0]): (r.allowed, r.unknown, r.one_way) for r in matrix.rows(pairs, Focus())}
    assert {ends: pairs.sets(c) for ends, c in spelt.items()} == plain
    firsts = [each[0] for each in classes]
    label = pairs.labels
    for i, a in enumerate(firsts):
        for b in firsts[i + 1 :]:
            others = [c for c in label if c not in (label[a], label[b])]
            same = all(
                plain.get((label[a], c)) == plain.get((label[b], c)) and plain.get((c, label[a])) == plain.get((c, label[b]))
                for c in others
            )
            same &= all(not pairs.several[x] or plain.get((label[x], label[x])) == plain.get((label[a], label[b])) for x in (a, b))
            assert not same or plain.get((label[a], label[b])) != plain.get((label[b], label[a])), "two classes that are one"


def test_the_page(network: budnet.Network) -> None:
    scene = picture(network.resolved, most=1000)
    if len(scene.nodes) > 40:
        return
    drawing = lay_out(scene)
    for found in (check.texts_on_texts, check.boxes_on_boxes, check.leaves_on_leaves):
        assert found(drawing) == []
    assert all(t.extent[0] >= 0 and t.extent[2] <= drawing.width and t.extent[3] <= drawing.height for t in drawing.texts)
    for form in FORMATS:
        assert written(scene, form) == written(picture(network.resolved, most=1000), form)
    ElementTree.fromstring(written(scene, "svg"))


def test_text_says_every_name_and_every_cell() -> None:
    run = CliRunner().invoke(cli, ["graph", "--from", BOOKSHOP, "-o", "-"])
    assert run.exit_code == 0
    for name in ("orders-db", "storefront", "ingress-nginx", "node-a", "0.0.0.0/0"):
        assert name in run.stdout
    scene = picture(budnet.load(BOOKSHOP).resolved)
    assert sum(" -> " in line for line in run.stdout.splitlines()) == len(scene.edges)
    assert {g.title for g in scene.groups} >= {"data", "shop", "monitoring", "ingress", "outside", "machines"}


def test_one_namespace_and_what_makes_no_sense(tmp_path: Path) -> None:
    run = CliRunner().invoke(cli, ["graph", "--from", BOOKSHOP, "--view", "reach:monitoring", "-o", str(tmp_path / "m.svg")])
    assert run.exit_code == 0
    for view, said in (
        ("reach:nowhere", "nobody is in 'nowhere'"),
        ("architecture", "there are the views reach"),
        ("odd", "there are the views"),
    ):
        run = CliRunner().invoke(cli, ["graph", "--from", BOOKSHOP, "--view", view, "-o", "-"])
        assert run.exit_code == 3 and said in run.stderr
    run = CliRunner().invoke(cli, ["graph", "catalog/fleet", "--view", "reach", "-o", str(tmp_path / "f.svg")])
    assert run.exit_code == 3 and "fit a picture" in run.stderr


def test_letters() -> None:
    assert [letter(i) for i in (0, 25, 26, 27, 701, 702)] == ["A", "Z", "AA", "AB", "ZZ", "AAA"]
