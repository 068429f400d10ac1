"""Clusters as texts."""

from __future__ import annotations

from pathlib import Path

from budnet.observe.kubernetes import cluster, sources
from budnet.observe.kubernetes.cluster import Observed
from budnet.observe.kubernetes.fields import Problems


def observed(folder: Path, **texts: str) -> Observed:
    """What is read of some files; a name's `_` before the ending is its dot."""
    for name, text in texts.items():
        stem, _, ending = name.rpartition("_")
        (folder / f"{stem}.{ending}").write_text(text)
    problems = Problems()
    return cluster.network(sources.objects(str(folder), problems), problems)


def pod(name: str, namespace: str = "shop", labels: str = "{}", extra: str = "") -> str:
    """A Pod with one container that names port 8080 `http`."""
    return f"""\
---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: {namespace}, labels: {labels}}}
spec: {{containers: [{{name: main, ports: [{{name: http, containerPort: 8080{extra}}}]}}]}}
"""


def service(name: str, spec: str, namespace: str = "shop", annotations: str = "{}", status: str = "{}") -> str:
    """A Service of pods with `app: NAME`."""
    return f"""\
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}, annotations: {annotations}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80, targetPort: http, nodePort: 30080}}], {spec}}}
status: {{loadBalancer: {status}}}
"""


def policy(name: str, spec: str, namespace: str = "shop") -> str:
    """A NetworkPolicy."""
    return f"""\
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: {name}, namespace: {namespace}}}
spec: {spec}
"""


def node(external: str = "198.51.100.7") -> str:
    """A Node with a private and a public address."""
    also = f", {{type: ExternalIP, address: {external}}}" if external else ""
    return f"""\
---
apiVersion: v1
kind: Node
metadata: {{name: node-1}}
status: {{addresses: [{{type: InternalIP, address: 10.9.0.4}}{also}]}}
"""
