"""Names of our own domain, in two views: what everybody sees, and what private zones add and answer otherwise.

A private zone covers the public one of the same name completely (Route 53, "Working with private hosted zones"), so every
public name is in every private view as well. There it means the load balancer's private address: split horizon.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from budnet.ir.address import Address, PortRange, Prefix
from budnet.ir.endpoint import Endpoint, EndpointKind, HostRoute
from budnet.ir.names import PUBLIC_VIEW, Record
from budnet.model.service import ClusterName, ExternalName, InternalName
from budnet.records import replace
from budnet.resolve import aliases
from budnet.resolve.cluster_names import NAME_SERVER, to_addresses
from budnet.resolve.draft import Draft
from budnet.resolve.egress import resolvable
from budnet.resolve.fronts import names as of_fronts
from budnet.resolve.fronts import seen_from
from budnet.resolve.outside import is_global
from budnet.resolve.references import ports_of
from budnet.source.diagnostic import has_errors
from budnet.source.document import Path
from budnet.source.text import quoted

UNKNOWN, NOT_A_BALANCER, NO_FLOW, TWICE, TOO_LONG = "R601", "R602", "R603", "R604", "R605"
UNKNOWN_NETWORK, PRIVATE, NOT_A_SERVICE, NOT_SEEN = "R663", "R664", "R665", "R666"
_LONGEST = 253
_NOT_PUBLIC: tuple[Prefix, ...] = tuple(
    map(
        ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "fc00::/7",
            "fe80::/10",
            "::1/128",
        ),
    )
)
"""RFC 1918, RFC 6598, loopback, link-local, RFC 4193: in a public view these show the inside, and let others lead browsers there."""


def names(draft: Draft) -> None:
    """The pass."""
    _check_labels(draft)
    for label, external in draft.topology.names.external.items():
        _external(draft, label, external)
    for label, internal in draft.topology.names.internal.items():
        _internal(draft, label, internal)
    for label, cluster in draft.topology.names.cluster.items():
        _cluster(draft, label, cluster)
    _of_fronts(draft)
    outside = {e.id.removeprefix("internet/"): e for e in draft.endpoints if e.kind is EndpointKind.EXTERNAL and "." in e.id}
    ours = [name for name in outside if f".{name}".endswith(f".{draft.topology.domain}")]
    # a VPC's resolver answers only the names that something in the VPC may call, and what is in our own zone
    known = [*((PUBLIC_VIEW, name) for name in outside), *resolvable(draft), *((v.id, name) for v in draft.vpcs for name in ours)]
    for view, name in dict.fromkeys(known):
        draft.records += to_addresses(view, name, outside[name].addresses, outside[name].origin)
    if not has_errors(draft.diagnostics):
        aliases.check(draft)


def _views(draft: Draft) -> Iterator[str]:
    yield PUBLIC_VIEW
    yield from (v.id for v in draft.vpcs)


def _check_labels(draft: Draft) -> None:
    for kind in ("external", "internal"):
        for label in getattr(draft.topology.names, kind):
            if label == NAME_SERVER:
                draft.error(TWICE, f"'{label}' is the zone's own name server", ("names", kind, label), "choose another name", key=True)
            if len(f"{label}.{draft.topology.domain}") > _LONGEST:
                summary = f"with the domain the name has more than {_LONGEST} characters"
                draft.error(TOO_LONG, summary, ("names", kind, label), "choose a shorter one", key=True)


def _of_fronts(draft: Draft) -> None:
    """The private DNS name of a front, in the view of those who connect: others get nothing from it, by whatever name."""
    for view, front, addresses in of_fronts(draft):
        if not any(r.view == view and r.name == front.name for r in draft.records):
            draft.records += to_addresses(view, front.name, addresses, front.origin)


def _internal(draft: Draft, label: str, name: InternalName) -> None:
    path: Path = ("names", "internal", label)
    if label in draft.topology.names.external:
        summary = f"'{label}' is an external name already, which inside means the load balancer"
        other = (("the external name", ("names", "external", label)),)
        draft.error(TWICE, summary, path, "choose another name", other, key=True)
    host, origin = f"{label}.{draft.topology.domain}", draft.origin(*path)
    named = _endpoints(draft, name.to, (*path, "to")) if name.to else []
    for view in _networks(draft, name.in_, (*path, "in")):
        if name.alias:
            draft.records.append(Record(view, host, "CNAME", name.alias, origin, name.ttl))
        found = [a for e in named for a in seen_from(draft, view, e)] if name.to else name.address or ()
        draft.records += to_addresses(view, host, tuple(dict.fromkeys(found)), origin, name.ttl)


def _cluster(draft: Draft, label: str, name: ClusterName) -> None:
    """A Service of type ExternalName (Kubernetes DNS specification, section 2.5)."""
    path: Path = ("names", "cluster", label)
    if label.count(".") != 1:
        draft.error(NOT_A_SERVICE, f"'{label}' is not the name of a Service", path, "write NAME.NAMESPACE", key=True)
        return
    networks = _networks(draft, name.in_, (*path, "in"))
    for cluster in (c for c in draft.clusters if c.vpc in networks):
        host = f"{label}.svc.{cluster.domain}"
        taken = next((s for s in draft.services if s.cluster == cluster.id and s.host == host), None)
        if taken is not None:
            other = (("the service", ("services", taken.name)),)
            draft.error(TWICE, f"'{label}' is a Service in network '{cluster.vpc}' already", path, "choose another name", other, key=True)
            return
        draft.records.append(Record(cluster.vpc, host, "CNAME", name.alias, draft.origin(*path), name.ttl))


def _networks(draft: Draft, written: list[str] | None, path: Path) -> list[str]:
    known = [v.id for v in draft.vpcs]
    for i, network in enumerate(written or ()):
        if network not in known:
            help = draft.suggest(network, known) or f"the networks are {', '.join(known)}"
            draft.error(UNKNOWN_NETWORK, f"there is no network {quoted(network)}", (*path, i), help)
    return known if written is None else written


def _external(draft: Draft, label: str, name: ExternalName) -> None:
    path: Path = ("names", "external", label)
    host, origin = f"{label}.{draft.topology.domain}", draft.origin(*path)
    for i, address in enumerate(name.address or ()):
        _public(draft, address, (*path, "address", i))
    for view in _views(draft):
        if name.alias:
            draft.records.append(Record(view, host, "CNAME", name.alias, origin, name.ttl))
        draft.records += to_addresses(view, host, tuple(name.address or ()), origin, name.ttl)
    if name.at is not None:
        _behind_a_balancer(draft, host, name, path)


def _public(draft: Draft, address: Address, path: Path) -> None:
    ours = [p for v in draft.vpcs for p in v.prefixes if p.version == 4]
    inside = next((p for p in (*ours, *_NOT_PUBLIC) if p.version == address.version and address in p), None)
    if inside is not None:
        draft.error(PRIVATE, f"{address} is private (of {inside}), and external names are for everybody", path,
                    "write the public address, or make it an internal name")  # fmt: skip


def _behind_a_balancer(draft: Draft, host: str, name: ExternalName, path: Path) -> None:
    assert name.at is not None and name.to is not None and name.port is not None
    origin = draft.origin(*path)
    balancers = _endpoints(draft, name.at, (*path, "at"))
    backends = _endpoints(draft, name.to, (*path, "to"))
    if not balancers or not backends:
        return
    if balancers[0].kind is not EndpointKind.LOAD_BALANCER:
        balancers_ = [n for n, s in draft.topology.services.items() if s.kind == "load-balancer"]
        draft.error(NOT_A_BALANCER, f"'{name.at}' is no load balancer", (*path, "at"),
                    f"name one of {', '.join(balancers_)}" if balancers_ else "add a service with `kind: load-balancer`")  # fmt: skip
        return
    port = next((match.ports.first for _, match in ports_of(draft, name.to, [name.port], (*path, "port"))), None)
    if port is None:
        return
    _check_flow(draft, name, port, path)
    route = HostRoute(host, tuple(b.id for b in backends), port, origin)
    for balancer in balancers:
        at = draft.endpoints.index(balancer)
        draft.endpoints[at] = replace(balancer, hosts=(*balancer.hosts, route))
        draft.records += to_addresses(PUBLIC_VIEW, host, _reachable_from_outside(draft, balancer), origin, name.ttl)
        for vpc in draft.vpcs:
            draft.records += to_addresses(vpc.id, host, seen_from(draft, vpc.id, balancer), origin, name.ttl)
    if not draft.airgap and not any(_reachable_from_outside(draft, b) for b in balancers):
        draft.warning(NOT_SEEN, f"'{name.at}' has no public address, so nobody outside can resolve this name", (*path, "at"),
                      "make it an internal name, or put the load balancer into a public subnet")  # fmt: skip


def _reachable_from_outside(draft: Draft, balancer: Endpoint) -> tuple[Address, ...]:
    """Its public IPv4 addresses, and its IPv6 addresses where the internet has a way to them."""
    wanted = draft.topology.services[balancer.service].public is not False
    six = [a for a in balancer.addresses if is_global(a)] if wanted and draft.subnet(balancer.subnet).access == "public" else []
    return (*balancer.public, *six)


def _check_flow(draft: Draft, name: ExternalName, port: int, path: Path) -> None:
    wanted = PortRange(port, port)
    if not has_errors(draft.diagnostics) and not any(
        f.sources.name == name.at and f.destinations.name == name.to and f.match.ports == wanted for f in draft.flows
    ):
        draft.warning(NO_FLOW, f"no flow lets '{name.at}' reach '{name.to}' on {name.port}, so this name answers with an error",
                      (*path, "to"), f"add `- {{from: {name.at}, to: {name.to}, port: {name.port}}}` to `flows`")  # fmt: skip


def _endpoints(draft: Draft, service: str, path: Path) -> list[Endpoint]:
    if service not in draft.topology.services:
        few = "it is a group: name one service" if service in draft.topology.groups else "name one of `services`"
        draft.error(UNKNOWN, f"there is no service {quoted(service)}", path, draft.suggest(service, draft.topology.services) or few)
    return draft.endpoints_of(service)
