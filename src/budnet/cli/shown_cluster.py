"""Tables of what a cluster that budnet did not write has in it."""

from __future__ import annotations

from collections import Counter, defaultdict

from budnet.ir.endpoint import EndpointKind
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.reach.exposure.clusters import Clusters
from budnet.reach.table.table import Table

Rows = list[tuple[str, ...]]
TOPICS = ("namespaces", "workloads", "policies", "entries")
_SHOWN = 4


def tables(network: Network, topics: list[str]) -> dict[str, tuple[list[str], Rows]]:
    """By topic, columns and rows."""
    made = {"namespaces": _namespaces, "workloads": _workloads, "policies": _policies, "entries": _entries}
    return {topic: made[topic](network) for topic in topics}


def _namespaces(n: Network) -> tuple[list[str], Rows]:
    pods = Counter(e.namespace for e in n.endpoints if e.kind is EndpointKind.POD)
    policies = Counter(p.namespace for p in n.policies)
    rows: Rows = [
        (space.name, _labels(space.labels), str(pods[space.name]), str(policies[space.name]))
        for cluster in n.clusters for space in cluster.namespaces
    ]  # fmt: skip
    return ["namespace", "labels", "pods", "network policies"], rows


def _workloads(n: Network) -> tuple[list[str], Rows]:
    """Pods of one workload with other labels have a row of their own."""
    found: dict[tuple[str, str, str], list[tuple[str, Origin]]] = defaultdict(list)
    asked = Clusters(Table(n))
    policies: dict[tuple[str, str, str], str] = {}
    for e in n.endpoints:
        ports = ", ".join(f"{x.name} {x.port}/{x.protocol.name.lower()}".strip() for x in e.listeners)
        key = e.service, _labels(e.labels), ports
        found[key] += [(str(a), e.origin) for a in e.addresses] or [("", e.origin)]
        if key not in policies:
            policies[key] = ", ".join(dict.fromkeys(p.id for p in asked.asked(e)))
    rows: Rows = [
        (*key, _some([a for a, _ in ends if a]), policies[key], _line(ends[0][1]))
        for key, ends in sorted(found.items())
    ]  # fmt: skip
    return ["workload", "labels", "named ports", "addresses", "ingress policies", "line"], rows


def _policies(n: Network) -> tuple[list[str], Rows]:
    rows: Rows = []
    for p in n.policies:
        rows.append((p.id, "NetworkPolicy", "", _rules(p.ingress), _rules(p.egress), _line(p.origin)))
    for a in n.admin_policies:
        rows.append((a.id, a.kind, f"{a.tier} {a.priority}", _rules(a.ingress or None), _rules(a.egress or None), _line(a.origin)))
    for u in n.unknown_policies:
        sides = ["unknown" if asked else "says nothing" for asked in (u.ingress, u.egress)]
        rows.append((u.id, u.why, "", *sides, _line(u.origin)))
    return ["policy", "kind", "tier and priority", "ingress", "egress", "line"], rows


def _rules(rules: tuple[object, ...] | None) -> str:
    if rules is None:
        return "says nothing"
    return f"{len(rules)} rule{'s' * (len(rules) != 1)}" if rules else "denies all"


def _entries(n: Network) -> tuple[list[str], Rows]:
    word = {True: "yes", False: "no", None: "unknown"}
    rows: Rows = []
    for e in n.entries:
        behind = [f"{n.endpoint[t].service}:{port or '*'}" for t, port in e.targets] + [f"{to}:{port}" for to, port in e.beyond]
        port = f"{e.port or '*'}/{e.protocol.name.lower()}"
        rows.append(
            (
                e.id,
                e.kind.value,
                port,
                _some([*dict.fromkeys(behind), *(["not known"] if e.unseen else [])]),
                word[e.public],
                e.why,
                _line(e.origin),
            )
        )
    return ["entry", "kind", "port", "behind it", "from the internet", "why", "line"], rows


def _labels(labels: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{k}={v}" for k, v in labels)


def _some(items: list[str]) -> str:
    return ", ".join(items[:_SHOWN]) + (f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else "")


def _line(origin: Origin) -> str:
    return f"{origin.file}:{origin.line}" if origin.line else origin.file
