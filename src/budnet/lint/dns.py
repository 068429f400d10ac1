"""Names that callers need and do not get."""

from __future__ import annotations

from collections.abc import Iterator

from budnet.lint.design import Design
from budnet.lint.rule import ERROR, WARNING, Hit, few, rule, setting


@rule(
    "D301", ERROR, "a service that is called and has no name",
    why="Without a Service there is no name and no ClusterIP: callers get NXDOMAIN, or keep pods' addresses that change with every restart.",
    source="Kubernetes, DNS-Based Service Discovery, section 2.3", url="https://github.com/kubernetes/dns/blob/master/docs/specification.md",
    help="add it to `names.services`, or leave that list out: then every service has its name",
)  # fmt: skip
def nameless(design: Design) -> Iterator[Hit]:
    """`names.services` is written, and a pod with ports that another service may call is not in it."""
    listed = design.topology.names.services
    if listed is None:
        return
    called = dict.fromkeys(e.target for e in design.edges if design.is_pod(e.target) and design.service(e.source) and e.source != e.target)
    missing = [name for name in called if name not in listed and design.topology.services[name].ports]
    if missing:
        yield Hit(("names", "services"), ", ".join(missing), f"called, and without a name in the cluster: {few(missing)}", f"services: [{', '.join(listed)}]",
                  "they have one as well", setting("names", services=[*listed, *missing]))  # fmt: skip


@rule(
    "D302", WARNING, "a cluster's name for callers in another cluster",
    why="NAME.NAMESPACE.svc.cluster.local is answered by the caller's own cluster: there it means another service, or nothing.",
    source="Kubernetes, DNS-Based Service Discovery; KEP-1645", url="https://github.com/kubernetes/enhancements/tree/master/keps/sig-multicluster/1645-multi-cluster-services-api",
    help="put a load balancer in front of it, or give it a name under `names.internal`, or export it",
)  # fmt: skip
def other_cluster(design: Design) -> Iterator[Hit]:
    """A flow over a link that routes ends at pods that have no name but their cluster's."""
    named = {name.to for name in design.topology.names.internal.values() if name.to}
    exported = {name for name, service in design.topology.services.items() if service.export}
    # where a link does not route, its front has a name of its own in the caller's network
    routed = [set(link.between) for link in design.topology.links.values() if link.method in ("vpc-peering", "vpn")]
    by_flow: dict[int, dict[str, str]] = {}
    for edge in design.edges:
        near, far = design.networks_of(edge.source), design.networks_of(edge.target)
        apart = near and far and not near & far and any(near | far <= ends for ends in routed)
        if apart and design.is_pod(edge.target) and edge.target not in named | exported:
            by_flow.setdefault(edge.flow, {}).setdefault(edge.target, edge.source)
    for flow, targets in by_flow.items():
        summary = f"'{next(iter(targets.values()))}' has no name for {few(targets)} in another cluster"
        yield Hit(
            ("flows", flow, "to"),
            ", ".join(targets),
            summary,
            f"to: {', '.join(design.topology.flows[flow].to)}",
            "reached by address only",
        )
