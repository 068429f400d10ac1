"""Of which families the address is that a pod has not got yet."""

from __future__ import annotations

from budnet.ir.endpoint import EndpointKind
from budnet.ir.network import Network

BOTH = (4, 6)


def families(network: Network) -> dict[str, tuple[int, ...]]:
    """By cluster: those of its other pods, which get theirs from the same place; where none has one those of its nodes, which
    have an address of each family that pods have (https://kubernetes.io/docs/concepts/services-networking/dual-stack/,
    prerequisites); where nobody has one both: what may be one family or two is asked about both."""
    pods: dict[str, set[int]] = {}
    nodes: dict[str, set[int]] = {}
    for e in network.endpoints:
        known = pods if e.kind is EndpointKind.POD and not e.host_network else nodes if e.kind is EndpointKind.HOST else None
        if known is not None:
            known.setdefault(e.cluster, set()).update(a.version for a in e.addresses)
    return {c: tuple(sorted(pods.get(c) or nodes.get(c) or BOTH)) for c in {e.cluster for e in network.endpoints}}
