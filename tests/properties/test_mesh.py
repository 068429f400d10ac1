"""For any flows over the mesh: who may call whom by identity is what was written, read off the text a second time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from budnet.ir.network import Network
from budnet.pipeline import load_text
from budnet.reach.engine import Engine
from budnet.reach.mesh_access import allows
from budnet.reach.prove import Status, prove

APPS = {f"a{i}": f"n{i % 2}" for i in range(6)}
GROUPS = {"odd": ["a1", "a3", "a5"], "some": ["a0", "a1", "a2"]}
NAMES = st.sampled_from([*APPS, *GROUPS, "mesh/dapr"])
FLOWS = st.lists(
    st.tuples(st.lists(NAMES, min_size=1, max_size=3, unique=True), st.lists(NAMES, min_size=1, max_size=2, unique=True)), max_size=5
)


def members(names: list[str]) -> list[str]:
    return [app for name in names for app in (GROUPS.get(name) or (list(APPS) if name == "mesh/dapr" else [name]))]


def meshed(flows: list[tuple[list[str], list[str]]]) -> Network:
    services = "".join(f"  {a}: {{subnet: lan/pods, namespace: {n}, replicas: {1 + (a == 'a3')}, mesh: dapr}}\n" for a, n in APPS.items())
    rows = "".join(f"  - {{from: [{', '.join(f)}], to: [{', '.join(t)}], via: mesh}}\n" for f, t in flows) or "  []\n"
    groups = "".join(f"  {name}: [{', '.join(apps)}]\n" for name, apps in GROUPS.items())
    lan = "{cidr: 10.0.0.0/16, cluster: {services: 172.20.0.0/20}, subnets: {pods: {cidr: 10.0.1.0/24, access: isolated}}}"
    text = f"budnet: 1\nname: x\nnetworks:\n  lan: {lan}\ngroups:\n{groups}services:\n{services}flows:\n{rows}"
    loaded = load_text(text.encode(), "x.yaml", {})
    assert loaded.network is not None, loaded.diagnostics
    return loaded.network


@settings(max_examples=25, deadline=None)
@given(FLOWS)
def test_access_is_exactly_what_flows_say_and_the_proof_agrees(flows: list[tuple[list[str], list[str]]]) -> None:
    network = meshed(flows)
    written = {(a, b) for sources, targets in flows for a in members(sources) for b in members(targets)}
    allowed = {
        (caller.app, control.callee.app)
        for control in network.access_controls
        for caller in network.identity.values()
        if allows(control, caller)
    }
    assert allowed == written
    assert all(p.status is Status.PROVED for p in prove(Engine(network)))
