"""Clusters of any size as `kubectl get -o json` gives them, for bench_clusters.py."""

from __future__ import annotations

from random import Random
from typing import Any

Object = dict[str, Any]
TIERS, TEAMS, PORTS = ("front", "back", "data", "batch"), ("a", "b", "c", "d", "e"), (80, 443, 5432, 6379, 8080, 8443, 9090)


def cluster(workloads: int, replicas: int, namespaces: int, policies: int, blocks: bool = True, seed: int = 1) -> list[Object]:
    """`workloads` kinds of pods, `replicas` of each, all with other labels; policies by label, namespace, range and name of a port.

    `blocks`: rules by prefix of the outside, too.
    """
    dice = Random(seed)
    spaces = [f"team{i:03}" for i in range(namespaces)]
    out: list[Object] = []
    for i, space in enumerate(spaces):
        labels = {"kubernetes.io/metadata.name": space, "env": ("prod", "test")[i % 2], "team": TEAMS[i % 5]}
        out.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space, "labels": labels}})
    number = 0
    for i in range(workloads):
        labels = {"app": f"app{i:05}", "tier": TIERS[i % 4], "team": dice.choice(TEAMS)}
        named = {"name": "main", "containerPort": dice.choice(PORTS), "protocol": "TCP"}
        maker = [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": labels["app"], "uid": f"u{i}", "controller": True}]
        for r in range(replicas):
            number += 1
            ip = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            meta = {"name": f"{labels['app']}-{r}", "namespace": spaces[i % namespaces], "labels": labels, "ownerReferences": maker}
            spec = {"containers": [{"name": "main", "image": "example", "ports": [named]}], "nodeName": f"n{number % 97}"}
            status = {"phase": "Running", "hostIP": "192.0.2.1", "podIP": ip, "podIPs": [{"ip": ip}]}
            out.append({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status})
    for i in range(policies):
        space = i % namespaces
        own = range(space, workloads, namespaces)
        out.append(_policy(dice, f"p{i:05}", spaces[space], own, workloads, blocks))
    return out


def _policy(dice: Random, name: str, space: str, own: range, workloads: int, blocks: bool) -> Object:
    def pods(among: range) -> Object:
        kind = dice.randrange(4)
        if kind < 2:
            return {"matchLabels": {"app": f"app{dice.choice(among):05}"}}
        if kind == 2:
            return {"matchLabels": {"tier": dice.choice(TIERS)}}
        return {"matchExpressions": [{"key": "team", "operator": dice.choice(("In", "NotIn")), "values": dice.sample(TEAMS, 2)}]}

    def peer() -> Object:
        kind = dice.randrange(5)
        if kind == 0 and blocks:
            return {"ipBlock": {"cidr": f"203.0.{dice.randrange(8)}.0/24"}}
        if kind < 3:
            return {"podSelector": pods(own)}
        spaces = {"matchLabels": {dice.choice(("env",)): dice.choice(("prod", "test")), "team": dice.choice(TEAMS)}}
        return {"namespaceSelector": spaces} if kind == 3 else {"namespaceSelector": spaces, "podSelector": pods(range(workloads))}

    def port() -> Object:
        if dice.random() < 0.15:
            first = dice.randrange(8000, 9000)
            return {"protocol": "TCP", "port": first, "endPort": first + dice.randrange(1, 500)}
        return {"protocol": "TCP", "port": dice.choice(PORTS) if dice.random() < 0.85 else "main"}

    def rules(side: str) -> list[Object]:
        return [{side: [peer() for _ in range(dice.randint(1, 3))], "ports": [port() for _ in range(dice.randint(1, 2))]}
                for _ in range(dice.randint(1, 2))]  # fmt: skip

    spec: Object = {"podSelector": pods(own), "policyTypes": ["Ingress"], "ingress": rules("from")}
    if dice.random() < 0.4:
        spec |= {"policyTypes": ["Ingress", "Egress"], "egress": rules("to")}
    meta = {"name": name, "namespace": space}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}
