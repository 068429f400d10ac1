"""Dapr's own programs as the mesh: what would be run, and with which configuration. Nobody runs them here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from budnet.errors import TwinError
from budnet.ir.network import Network
from budnet.pipeline import load_text
from budnet.records import replace
from budnet.twin import mesh, tools
from budnet.twin.build import plan
from budnet.twin.process import Process
from budnet.twin.staging import stage
from budnet.twin.tools import Program, Tools
from helpers import network_of


def with_dapr() -> Tools:
    programs = {name: Program(name, Path("/opt/dapr") / name, None, ()) for name in tools.NOT_PACKAGED}
    return replace(tools.find(), programs=programs, template=None)


def run() -> dict[str, Process]:
    return {p.name: p for p in mesh.stage(network_of("foundry"), with_dapr(), "dapr").processes}


def content(process: Process, path: str) -> bytes:
    return next(f.content for f in process.files if f.path == path)


def test_one_daprd_in_every_pod_with_a_sidecar_and_one_sentry() -> None:
    names = run()
    sidecars = [e for c in network_of("foundry").access_controls for e in c.endpoints]
    assert set(names) == {f"{e}/daprd" for e in sidecars} | {"control-plane/apps/dapr-sentry"}


def test_the_command_line_of_a_sidecar() -> None:
    process = run()["control-plane/apps/budcluster/daprd"]
    where = network_of("foundry").endpoint["control-plane/apps/dapr-sentry"].addresses[0]
    assert process.argv[:2] == ("/opt/dapr/daprd", "--enable-mtls")
    assert {"--app-id=budcluster", "--app-port=3003", "--dapr-internal-grpc-port=50002", f"--sentry-address={where}:50001",
            "--control-plane-namespace=dapr-system", "--dapr-listen-addresses=127.0.0.1"} <= set(process.argv)  # fmt: skip
    assert dict(process.env)["NAMESPACE"] == "bud-system"
    assert "BEGIN CERTIFICATE" in dict(process.env)["DAPR_TRUST_ANCHORS"]
    assert process.listens == (("tcp", 50002), ("tcp", 3500))


def test_its_access_control_is_dapr_s() -> None:
    spec = json.loads(content(run()["control-plane/apps/budsim/daprd"], "config.yaml"))["spec"]
    assert spec["accessControl"] == {
        "defaultAction": "deny",
        "trustDomain": "public",
        "policies": [
            {"appId": app, "namespace": "bud-system", "trustDomain": "public", "defaultAction": "allow"}
            for app in ("budapp", "budpipeline")
        ],
    }
    apps = json.loads(spec["nameResolution"]["configuration"]["stringValue"])["appInstances"]
    assert [i["port"] for i in apps["budapp"]] == [50002, 50002]


def test_sentry_signs_with_the_issuer_that_the_sidecars_trust() -> None:
    from cryptography import x509

    names = run()
    sentry = names["control-plane/apps/dapr-sentry"]
    root, issuer = (x509.load_pem_x509_certificate(content(sentry, name)) for name in ("ca.crt", "issuer.crt"))
    issuer.verify_directly_issued_by(root)
    assert dict(names["control-plane/apps/budsim/daprd"].env)["DAPR_TRUST_ANCHORS"].encode() == content(sentry, "ca.crt")


def test_the_listeners_of_ours_make_room() -> None:
    network = network_of("foundry")
    staged = stage(network, plan(network), with_dapr(), "dapr")
    taken = {(x.endpoint, x.port) for x in staged.plan.listeners}
    assert ("control-plane/apps/budsim", 50002) not in taken
    assert ("control-plane/apps/dapr-sentry", 50001) not in taken
    assert staged.mesh.kind == "dapr"


def test_without_dapr_it_is_said_and_so_is_a_network_without_sentry() -> None:
    without = replace(with_dapr(), programs={})
    with pytest.raises(TwinError, match="daprd is not on the PATH"):
        mesh.stage(network_of("foundry"), without, "dapr")
    with pytest.raises(TwinError, match="has no Sentry"):
        mesh.stage(network_of("two-meshes"), with_dapr(), "dapr")


def test_a_network_without_a_mesh_needs_none() -> None:
    text = b"budnet: 1\nname: x\nnetworks:\n  a: {cidr: 10.0.0.0/16, subnets: {b: {cidr: 10.0.0.0/24, access: isolated}}}\n"
    network = load_text(text, "x.yaml", {}).network
    assert isinstance(network, Network)
    assert mesh.stage(network, replace(with_dapr(), programs={}), "dapr") == mesh.Mesh()
