"""What `draw` promises: every view of every network in every format, nothing left out, always the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import pytest

from budnet.ir.network import Network
from budnet.records import replace
from budnet.render.diagram import FORMATS, NoSuchPicture, draw, scene_of
from budnet.render.diagram.views.facts import read
from budnet.render.diagram.views.words import flow_text
from render.diagram.topologies import SHAPES, foundry, nasty, network_of, shape, views_of, workloads

SVG = "{http://www.w3.org/2000/svg}"


def said(network: Network, view: str) -> str:
    """Everything that an SVG says, shown or only read out. A question mark stands for what XML cannot carry."""
    root = ElementTree.fromstring(draw(network, view, "svg"))
    return "\n".join("".join(e.itertext()) for e in root.iter() if e.tag in (f"{SVG}text", f"{SVG}title", f"{SVG}desc"))


def carried(text: str) -> str:
    return text.replace("\x07", "?")


@pytest.mark.parametrize("name", SHAPES)
def test_every_view_in_every_format(name: str) -> None:
    network = shape(name)
    for view in views_of(network)[:4]:
        pictures = {f: draw(network, view, f) for f in FORMATS if f != "png"}
        assert pictures["mmd"].decode().splitlines()[1].startswith("flowchart ")
        assert pictures["dot"].startswith(b"digraph ") and pictures["dot"].endswith(b"}\n")
        root = ElementTree.fromstring(pictures["svg"])
        assert root.tag == f"{SVG}svg" and root.get("role") == "img"
        assert root.find(f"{SVG}title") is not None and root.find(f"{SVG}desc") is not None


@pytest.mark.parametrize("name", SHAPES)
def test_no_service_and_no_flow_is_left_out(name: str) -> None:
    network = shape(name)
    text = said(network, "architecture")
    for unit in read(network).units.values():
        assert carried(unit.endpoints[0].id) in text
    for flow in network.flows:
        if flow.sources.endpoints and flow.destinations.endpoints:  # a side may be nobody: machines, where there are none
            assert carried(flow_text(flow)) in text


def test_services_can_be_seen_with_their_ports() -> None:
    root = ElementTree.fromstring(draw(foundry(), "architecture", "svg"))
    shown = ["".join(e.itertext()) for e in root.iter(f"{SVG}text")]
    for endpoint in foundry().inside:
        assert any(t == endpoint.service or t.startswith(f"{endpoint.service} ×") for t in shown), endpoint.service
    for text in (
        "9092 9093 9094",
        "budapp ×2",
        "admin.example.com to budadmin 3000",
        "10.0.20.0/24",
        "TLS 9000",
        "clear 9092 27017",
        "VPC peering",
    ):
        assert text in shown


def test_what_crosses_a_link_and_where_it_goes_on() -> None:
    network = foundry()
    text = said(network, "cross-cluster")
    for flow in network.flows:
        ends = [{network.endpoint[e].vpc for e in side.endpoints} for side in (flow.sources, flow.destinations)]
        if all(ends) and "" not in ends[0] | ends[1] and ends[0] != ends[1]:
            assert flow_text(flow) in text
    assert "ingress to minio: 9000/tcp TLS" in text
    assert "bastion" not in text


def test_one_service_and_all_its_flows() -> None:
    network = foundry()
    text = said(network, "service:minio")
    mine = [f for f in network.flows if {"control-plane/data/minio"} & {*f.sources.endpoints, *f.destinations.endpoints}]
    assert len(mine) > 4
    for flow in mine:
        assert flow_text(flow) in text
        if flow.origin.line:
            assert f"line {flow.origin.line}" in text
    assert "known as s3.example.com" in text
    assert "postgresql" not in text


def test_many_equal_vpcs_are_one_box() -> None:
    text = said(network_of(workloads(50)), "architecture")
    assert "work-01 … work-50 ×50" in text
    assert "VPC peering ×50" in text
    assert len(draw(network_of(workloads(50)), "architecture", "mmd").splitlines()) < 60


def test_few_are_drawn_side_by_side() -> None:
    text = said(network_of(workloads(3)), "architecture")
    assert all(f"work-0{i}" in text for i in (1, 2, 3)) and "×3" not in text


def test_one_that_differs_stands_alone() -> None:
    network = network_of(workloads(8))
    endpoints = tuple(replace(e, software="redis", listeners=()) if e.id.startswith("work-05/gpu") else e for e in network.endpoints)
    titles = [g.title for g in scene_of(replace(network, endpoints=endpoints), "architecture").groups if not g.parent]
    assert "work-01 … work-08 ×7" in titles and "work-05" in titles


def test_the_same_network_gives_the_same_bytes() -> None:
    program = "import sys; from render.diagram.topologies import foundry; from budnet.render.diagram import draw\n"
    program += "[sys.stdout.buffer.write(draw(foundry(), v, f)) for v in ('architecture', 'cross-cluster', 'service:budapp') for f in ('svg', 'mmd', 'dot')]"
    once, again = (
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout
        for seed in ("1", "2")
    )
    assert once == again and len(once) > 100_000


def test_a_picture_of_the_reference_topology_is_quick() -> None:
    def seconds() -> float:
        start = time.process_time()
        draw(foundry(), "architecture", "svg")
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.3


def test_every_view_as_png() -> None:
    for view in views_of(shape("one-vpc")):
        assert draw(shape("one-vpc"), view, "png").startswith(b"\x89PNG\r\n\x1a\n")


def test_the_png_is_the_svg_at_twice_its_size_with_text() -> None:
    import resvg_py

    picture = draw(foundry(), "cross-cluster", "png")
    root = ElementTree.fromstring(draw(foundry(), "cross-cluster", "svg"))
    width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
    assert abs(width - 2 * float(root.get("width", 0))) <= 2 and abs(height - 2 * float(root.get("height", 0))) <= 2
    for group in list(root):
        if group.tag == f"{SVG}text":
            root.remove(group)
    bare = resvg_py.svg_to_bytes(svg_string=ElementTree.tostring(root, encoding="unicode"), zoom=2, skip_system_fonts=True)
    assert len(bare) < 0.7 * len(picture)


@pytest.mark.parametrize(
    ("view", "format", "says"),
    [
        ("architecture", "jpg", "svg, png, mmd, dot"),
        ("galaxy", "svg", "cross-cluster"),
        ("service:nobody", "svg", "postgresql"),
    ],
)
def test_what_there_is_no_picture_of(view: str, format: str, says: str) -> None:
    with pytest.raises(NoSuchPicture, match=says):
        draw(foundry(), view, format)


def test_names_that_look_like_syntax() -> None:
    network = nasty()
    text = said(network, "architecture")
    assert '<b>&"quoted"</b>' in text
    mermaid = draw(network, "architecture", "mmd").decode()
    assert "<b>" not in mermaid.partition("\n")[2].replace("<br/>", "") and "#60;b#62;#38;#34;quoted#34;" in mermaid
    assert "%%{" not in mermaid
    dot = draw(network, "architecture", "dot").decode()
    assert '<b>&amp;\\"quoted\\"</b> \\\\n' in dot
    assert all(line.count('"') % 2 == 0 for line in dot.replace('\\"', "").splitlines())
