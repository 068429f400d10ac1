"""A machine without the real servers: listeners of our own stand in, and everything is answered all the same."""

from __future__ import annotations

import os

import pytest

from budnet.errors import TwinError
from budnet.probe import layers, mesh
from budnet.probe.truth import truth
from budnet.records import replace
from budnet.twin import lab, tools
from budnet.twin.build import plan
from budnet.twin.staging import stage
from helpers import network_of

pytestmark = pytest.mark.live


def test_flows_and_names_agree_without_any_real_server() -> None:
    network = network_of("dual-stack")
    bare = replace(tools.find(), programs={}, template=None)
    staged = stage(network, plan(network), bare)
    assert not staged.processes
    assert "dnsmasq" in staged.missing
    lab.up(staged, bare, "bare", attached=True)
    twin = lab.Twin("bare")
    try:
        table = truth(network, twin)
        table.join(layers.truth(network, twin))
    finally:
        twin.down()
    assert not table.disagree, "\n".join(map(str, table.disagree[:5]))


def test_without_libnftables_it_is_said_and_nothing_is_left() -> None:
    network = network_of("ipv6-only")
    bare = replace(tools.find(), nftables=())
    with pytest.raises(TwinError, match="libnftables is not on this machine"):
        lab.up(stage(network, plan(network), bare), bare, "bare", attached=True)


def test_without_haproxy_our_own_listeners_stand_in_and_it_is_said() -> None:
    network = network_of("two-meshes")
    bare = replace(tools.find(), programs={}, template=None)
    staged = stage(network, plan(network), bare)
    assert "haproxy" in staged.missing
    assert "nobody's identity is checked" in staged.mesh.said
    name = f"bare-mesh-{os.getpid()}"
    lab.up(staged, bare, name, attached=True)
    twin = lab.Twin(name)
    try:
        assert twin.status()["mesh"]["kind"] == ""
        table = truth(network, twin)
        asked = mesh.truth(network, twin)
    finally:
        twin.down()
    assert not table.disagree, "\n".join(map(str, table.disagree[:5]))
    assert asked.questions == 0
    assert "nobody's identity is checked" in asked.notes[0]
