"""DNS: what the cluster gives to every Service, external names in two views, and what load balancers do with them."""

from __future__ import annotations

from dataclasses import replace

from budnet.ir.address import Address, PortRange
from budnet.ir.endpoint import Endpoint, EndpointKind, HostRoute
from budnet.ir.names import PUBLIC_VIEW, Record
from budnet.ir.origin import Origin
from budnet.model.service import ExternalName, InternalName
from budnet.resolve.draft import Draft
from budnet.resolve.references import ports_of
from budnet.source.diagnostic import has_errors
from budnet.source.document import Path
from budnet.source.text import quoted

UNKNOWN, NOT_A_BALANCER, NO_FLOW, TWICE, TOO_LONG = "R601", "R602", "R603", "R604", "R605"
_LONGEST = 253


def names(draft: Draft) -> None:
    """The pass."""
    _of_clusters(draft)
    _not_too_long(draft)
    for label, external in draft.topology.names.external.items():
        _external(draft, label, external)
    for label, internal in draft.topology.names.internal.items():
        _internal(draft, label, internal)
    for endpoint in draft.endpoints:
        if endpoint.kind is EndpointKind.EXTERNAL and "." in endpoint.id:
            for view in (PUBLIC_VIEW, *(v.id for v in draft.vpcs)):
                _addresses(draft, view, endpoint.id.removeprefix("internet/"), endpoint.addresses, endpoint.origin)


def _of_clusters(draft: Draft) -> None:
    """A and SRV records of every Service (https://github.com/kubernetes/dns/blob/master/docs/specification.md)."""
    for service in draft.services:
        cluster = next(c for c in draft.clusters if c.id == service.cluster)
        name = f"{service.name}.{service.namespace}.svc.{cluster.domain}"
        _addresses(draft, cluster.vpc, name, service.addresses, service.origin)
        for port in service.ports:
            label = f"_{port.name}._{port.protocol.name.lower()}.{name}"
            draft.records.append(Record(cluster.vpc, label, "SRV", f"0 100 {port.port} {name}", service.origin))


def _not_too_long(draft: Draft) -> None:
    for kind in ("external", "internal"):
        for label in getattr(draft.topology.names, kind):
            if len(f"{label}.{draft.topology.domain}") > _LONGEST:
                summary = f"with the domain the name has more than {_LONGEST} characters"
                draft.error(TOO_LONG, summary, ("names", kind, label), "choose a shorter one", key=True)


def _internal(draft: Draft, label: str, name: InternalName) -> None:
    path: Path = ("names", "internal", label)
    if label in draft.topology.names.external:
        summary = f"'{label}' is an external name already, which inside means the load balancer"
        other = (("the external name", ("names", "external", label)),)
        draft.error(TWICE, summary, path, "choose another name", other, key=True)
    for endpoint in _endpoints(draft, name.to, (*path, "to")):
        for vpc in draft.vpcs:
            _addresses(draft, vpc.id, f"{label}.{draft.topology.domain}", endpoint.addresses, draft.origin(*path))


def _external(draft: Draft, label: str, name: ExternalName) -> None:
    path: Path = ("names", "external", label)
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
    host = f"{label}.{draft.topology.domain}"
    port = next((match.ports.first for _, match in ports_of(draft, name.to, [name.port], (*path, "port"))), None)
    if port is None:
        return
    _check_flow(draft, name, port, path)
    route = HostRoute(host, tuple(b.id for b in backends), port, origin)
    for balancer in balancers:
        at = draft.endpoints.index(balancer)
        draft.endpoints[at] = replace(balancer, hosts=(*balancer.hosts, route))
        _addresses(
            draft, PUBLIC_VIEW, host, (*balancer.public, *(a for a in balancer.addresses if a.version == 6 and balancer.public)), origin
        )
        for vpc in draft.vpcs:
            # split horizon: whoever is inside takes the private way, not the one around through the internet
            _addresses(draft, vpc.id, host, balancer.addresses, origin)


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


def _addresses(draft: Draft, view: str, name: str, addresses: tuple[Address, ...], origin: Origin) -> None:
    for address in addresses:
        draft.records.append(Record(view, name, "A" if address.version == 4 else "AAAA", str(address), origin))
