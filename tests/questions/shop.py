"""A small cluster that the tests of questions ask about."""

from __future__ import annotations

from pathlib import Path

SHOP = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Namespace
metadata: {name: other}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop}
spec:
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, ports: [{name: sql, containerPort: 5432}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: probe, namespace: other, labels: {app: probe}}
spec: {containers: [{name: probe}]}
status: {podIP: 10.1.2.3}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress]
  ingress:
  - from: [{podSelector: {matchLabels: {app: web}}}]
    ports: [{port: sql}]
"""

FOREIGN = """\
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: odd, namespace: other}
spec: {endpointSelector: {matchLabels: {app: probe}}, ingress: [{}]}
"""


def written(folder: Path, text: str = SHOP) -> str:
    """The cluster in a folder, as `--from` takes it."""
    folder.mkdir(exist_ok=True)
    (folder / "manifests.yaml").write_text(text, encoding="utf-8")
    return f"kubernetes:{folder}"
