"""Of which families the address is that a pod has not got yet."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from budnet.ir.endpoint import EndpointKind
from budnet.ir.network import Network

BOTH = (4, 6)


def families(network: Network) -> dict[str, tuple[int, ...]]:
    """By cluster: those of its other pods, which get theirs from the same place; where none has one those of its nodes, which
    have an address of each family that pods have (https://kubernetes.io/docs/concepts/services-networking/dual-stack/,
    prerequisites); where nobody has one both: what may be one family or two is asked about both."""
    alike: set[tuple[Any, ...]] = {(e.cluster, e.kind, e.host_network, *map(type, e.addresses)) for e in network.endpoints}
    pods: dict[str, set[int]] = {}
    nodes: dict[str, set[int]] = {}
    for cluster, kind, host_network, *types in alike:
        known = pods if kind is EndpointKind.POD and not host_network else nodes if kind is EndpointKind.HOST else None
        if known is not None:
            known.setdefault(cluster, set()).update(4 if each is IPv4Address else 6 for each in types)
    return {c: tuple(sorted(pods.get(c) or nodes.get(c) or BOTH)) for c, *_ in alike}


def spoken(network: Network) -> set[int]:
    """Those that anybody has an address of, or may get one of."""
    types = {type(a) for e in network.endpoints for a in e.addresses} | {type(a) for e in network.endpoints for a in e.public}
    return {v for each in families(network).values() for v in each} | {4 if each is IPv4Address else 6 for each in types}
