"""The cases of `cases.yaml` as manifests and flows."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import yaml

from properties.cluster_flows import Flow
from properties.kubernetes_judge import End, Judge, Pod

CASES = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text())
VERSIONS = {
    "NetworkPolicy": "networking.k8s.io/v1", "ClusterNetworkPolicy": "policy.networking.k8s.io/v1beta1",
    "AdminNetworkPolicy": "policy.networking.k8s.io/v1alpha1", "BaselineAdminNetworkPolicy": "policy.networking.k8s.io/v1alpha1",
    "CiliumNetworkPolicy": "cilium.io/v2", "GlobalNetworkPolicy": "projectcalico.org/v3",
}  # fmt: skip


def cluster() -> list[dict[str, Any]]:
    """Namespaces x, y and z with the pods a, b and c; the c of y and z have addresses of both families; and of the
    namespace dark, of which nothing is known but its name, the pod p."""
    serves = [{"name": "serve-80", "containerPort": 80}, {"name": "serve-81", "containerPort": 81}]
    out: list[dict[str, Any]] = [{"kind": "Namespace", "metadata": {"name": "bare"}}]
    for i, space in enumerate("xyz", 1):
        out.append({"kind": "Namespace", "metadata": {"name": space, "labels": {"ns": space}}})
        for j, name in enumerate("abc", 1):
            node = {"nodeName": "n1" if (space, name) == ("z", "b") else "n2"}
            both = [{"ip": f"10.0.{i}.{j}"}] + ([{"ip": f"fd00::{i}:{j}"}] if name == "c" and space != "x" else [])
            out.append(_pod(space, name, {"pod": name}, both, serves, **node))
    out.append(_pod("bare", "p", {"beta": ""}, [{"ip": "10.0.9.1"}], [{"name": "serve-81", "containerPort": 8081}]))
    out.append(_pod("dark", "p", {"pod": "p"}, [{"ip": "10.0.8.1"}], serves, nodeName="n2"))  # of which there is no Namespace
    out.append(_pod("x", "h", {"pod": "h"}, [{"ip": "192.0.2.10"}], serves, hostNetwork=True))
    ended = _pod("z", "job", {"pod": "job"}, [{"ip": "10.0.3.9"}], serves)
    ended["status"]["phase"] = "Succeeded"
    out.append(ended)
    for name, address, zone in (("n1", "192.0.2.10", "one"), ("n2", "192.0.2.11", "two")):
        status = {"addresses": [{"type": "InternalIP", "address": address}]}
        out.append({"kind": "Node", "metadata": {"name": name, "labels": {"zone": zone}}, "status": status})
    template = {"metadata": {"labels": {"pod": "w"}}, "spec": {"containers": [{"name": "w", "ports": serves}]}}
    out.append({"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "w", "namespace": "z"}, "spec": {"template": template}})
    several = {"replicas": 2, "template": {"metadata": {"labels": {"pod": "s"}}, "spec": template["spec"]}}
    out.append({"kind": "StatefulSet", "apiVersion": "apps/v1", "metadata": {"name": "s", "namespace": "z"}, "spec": several})
    return [{"apiVersion": "v1", **o} for o in out]


def _pod(space: str, name: str, labels: dict[str, str], ips: list[dict[str, str]], ports: list[Any], **spec: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": space, "labels": labels}
    spec = {"containers": [{"name": "c", "ports": ports}], **spec}
    return {"kind": "Pod", "metadata": meta, "spec": spec, "status": {"phase": "Running", "podIPs": ips}}


def policies_of(case: dict[str, Any]) -> list[dict[str, Any]]:
    """Its policies as objects."""
    out = []
    for i, p in enumerate(case.get("policies", ())):
        meta = {"name": p.get("name", f"p{i}")} | ({"namespace": p["in"]} if "in" in p else {})
        out.append({"apiVersion": VERSIONS[p["kind"]], "kind": p["kind"], "metadata": meta, "spec": p["spec"]})
    return out


def _end(text: str, judge: Judge) -> End:
    found: dict[str, Pod] = {f"{p.namespace}/{p.name}": p for p in judge.pods}
    return found[text] if text in found else ip_address(text)


def rows_of(case: dict[str, Any], judge: Judge) -> list[tuple[Flow, str]]:
    """`SOURCE -> DESTINATION PROTOCOL PORT VERDICT`, IPv4 where it does not end in `by IPv6`."""
    out = []
    for line in case["flows"]:
        source, _, destination, protocol, port, verdict, *rest = line.split()
        ends = _end(source, judge), _end(destination, judge)
        six = rest == ["by", "IPv6"] or any(not isinstance(e, Pod) and e.version == 6 for e in ends)
        out.append((Flow(*ends, protocol, int(port), 6 if six else 4), verdict))
    return out
