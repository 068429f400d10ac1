"""Services become endpoints: one for each replica, with addresses, labels and listeners. VPCs add what they provide."""

from __future__ import annotations

from ipaddress import ip_address

from budnet.ir.address import Address, Protocol
from budnet.ir.cloud import Subnet
from budnet.ir.endpoint import WIREGUARD, Endpoint, EndpointKind, Listener
from budnet.ir.origin import BUILT_IN
from budnet.model.service import Service
from budnet.resolve import mesh
from budnet.resolve.draft import Draft
from budnet.resolve.outside import PUBLIC_POOL
from budnet.resolve.pins import Exhausted, choose, is_kept
from budnet.source.document import Path
from budnet.source.text import quoted

UNKNOWN_SUBNET, FULL, NOT_IN_SUBNET, TAKEN, UNKNOWN_TLS = "R401", "R402", "R403", "R404", "R405"
NOT_PUBLIC, NO_CLUSTER, ONE_REPLICA, SAME_PORT, POD_ONLY, TWICE = "R406", "R407", "R408", "R409", "R410", "R411"
SAME_NAME, KEPT, OWN_LABEL = "R412", "R413", "R414"
METADATA = ip_address("169.254.169.254")


def fixed(draft: Draft) -> None:
    """The pass before all that allocate, so that no allocated address takes the place of a fixed one."""
    for name, service in draft.topology.services.items():
        if service.address is not None:
            holder = draft.pins.fix(name, service.address, service.subnet[0].partition("/")[0])
            if holder:
                draft.error(
                    TAKEN,
                    f"{service.address} belongs to '{holder}' already",
                    ("services", name, "address"),
                    "give each an address of its own",
                    (("first given here", ("services", holder, "address")),),
                )


def endpoints(draft: Draft) -> None:
    """The pass."""
    for name, service in draft.topology.services.items():
        _check(draft, name, service)
        _service(draft, name, service)
    for vpc in draft.vpcs:
        dns = (Listener("dns", Protocol.UDP, 53), Listener("dns-tcp", Protocol.TCP, 53))
        draft.endpoints.append(
            Endpoint(f"{vpc.id}/resolver", EndpointKind.RESOLVER, "", vpc.id, "", vpc.resolver, listeners=dns, origin=BUILT_IN)
        )
        if any(a.version == 4 for a in vpc.resolver):
            http = (Listener("http", Protocol.TCP, 80),)
            draft.endpoints.append(
                Endpoint(f"{vpc.id}/metadata", EndpointKind.METADATA, "", vpc.id, "", (METADATA,), listeners=http, origin=BUILT_IN)
            )


def _service(draft: Draft, name: str, service: Service) -> None:
    listeners = _listeners(draft, name, service)
    seen: set[str] = set()
    for i, tier in enumerate(service.subnet):
        path = ("services", name, "subnet", i)
        subnets = [s for s in draft.subnets if s.tier == tier]
        if not subnets:
            _unknown_subnet(draft, tier, path)
        elif subnets[0].vpc in seen:
            draft.error(TWICE, f"'{name}' is already in network '{subnets[0].vpc}'", path, "a service has one subnet in each network")
        else:
            seen.add(subnets[0].vpc)
            _check_place(draft, name, service, subnets)
            for replica in range(service.replicas):
                _replica(draft, name, service, subnets, replica, listeners)


def _unknown_subnet(draft: Draft, tier: str, path: Path) -> None:
    known = list(dict.fromkeys(draft.as_written(s.tier) for s in draft.subnets))
    homes = [t for t in known if t.rpartition("/")[2] == tier]
    help = f"did you mean '{homes[0]}'?" if homes else draft.suggest(tier, known) or f"write NETWORK/SUBNET, such as {known[0]}"
    draft.error(UNKNOWN_SUBNET, f"there is no subnet {quoted(tier)}", path, help)


def _check(draft: Draft, name: str, service: Service) -> None:
    """What does not depend on the subnet."""
    path = ("services", name)
    kind = kind_of(service)
    if service.address is not None and (service.replicas > 1 or len(service.subnet) > 1):
        draft.error(ONE_REPLICA, f"'{name}' has one fixed address and runs more than once", (*path, "address"),
                    "remove the address, or have one replica in one subnet")  # fmt: skip
    if kind is EndpointKind.POD and not service.namespace:
        draft.error(POD_ONLY, f"'{name}' is a pod and has no namespace", (*path, "kind"), "add `namespace: NAME`")
    if service.namespace and kind is not EndpointKind.POD:
        draft.error(POD_ONLY, f"'{name}' has a namespace and is no pod", (*path, "namespace"), "remove the namespace, or the `kind`")
    if service.mesh and not service.namespace:
        draft.error(POD_ONLY, f"'{name}' has a sidecar and is no pod", (*path, "mesh"), "add `namespace: NAME`, or remove `mesh`")
    for only in ("headless", "export"):
        if getattr(service, only) and not service.namespace:
            draft.error(POD_ONLY, f"'{name}' has `{only}` and is no pod", (*path, only), f"add `namespace: NAME`, or remove `{only}`")
    if service.labels and not service.namespace:
        draft.error(POD_ONLY, f"'{name}' has labels and is no pod", (*path, "labels"), "add `namespace: NAME`, or remove the labels")
    for label in service.labels:
        if label == "app" or label in mesh.labels(name):
            draft.error(
                OWN_LABEL,
                f"the label '{label}' is set by budnet: policies know pods by it",
                (*path, "labels", label),
                "remove it",
                key=True,
            )
    base, _, number = name.rpartition("-")
    other = draft.topology.services.get(base)
    if (
        other
        and other.replicas > 1 == service.replicas
        and set(other.subnet) & set(service.subnet)
        and number in map(str, range(other.replicas))
    ):
        draft.error(SAME_NAME, f"'{name}' is what a replica of '{base}' is called", path, "choose another name", key=True)


def _check_place(draft: Draft, name: str, service: Service, subnets: list[Subnet]) -> None:
    """What depends on the subnet."""
    path = ("services", name)
    vpc, tier, access = subnets[0].vpc, subnets[0].tier, subnets[0].access
    if service.public and access != "public":
        draft.error(NOT_PUBLIC, f"'{name}' cannot have a public address in {access} subnet '{tier}'", (*path, "public"),
                    "move it to a public subnet: an internet gateway serves no others")  # fmt: skip
    if service.namespace and not any(c.vpc == vpc for c in draft.clusters):
        draft.error(NO_CLUSTER, f"'{name}' has a namespace, but network '{vpc}' has no cluster", (*path, "namespace"),
                    "add `cluster: {services: ...}` to the network, or remove the namespace")  # fmt: skip
    address = service.address
    prefixes = [p for s in subnets for p in s.prefixes]
    home = next((p for p in prefixes if address is not None and address in p), None)
    if address is not None and prefixes and home is None:
        draft.error(
            NOT_IN_SUBNET,
            f"{address} is not in subnet '{tier}'",
            (*path, "address"),
            f"take one in {', '.join(map(str, prefixes))}",
            (("the subnet's range", ("networks", vpc, "subnets", tier.removeprefix(f"{vpc}/"), "cidr")),),
        )
    elif address is not None and home is not None and is_kept(address, home):
        draft.error(KEPT, f"the cloud keeps {address} for itself", (*path, "address"),
                    f"the first four addresses and the last of {home} are for the router, DNS and broadcast")  # fmt: skip


def kind_of(service: Service) -> EndpointKind:
    """A pod where a namespace is given, unless the file says otherwise."""
    return EndpointKind(service.kind or ("pod" if service.namespace else "host"))


def _listeners(draft: Draft, name: str, service: Service) -> tuple[Listener, ...]:
    path = ("services", name, "ports")
    _transport(draft, service.tls, ("services", name, "tls"))
    out: list[Listener] = []
    for port_name, port in service.ports.items():
        own = port.tls is not None
        tls = port.tls if own else service.tls
        transport = _transport(draft, tls, (*path, port_name, "tls") if own else ("services", name, "tls"))
        profile = tls or "" if transport == "tls" else ""
        if service.kind == "client-vpn":
            transport, profile = WIREGUARD, ""
        out.append(Listener(port_name, port.port.protocol, port.port.ports.first, transport, profile=profile))
    used: dict[tuple[Protocol, int], str] = {(x.protocol, x.port): "the sidecar" for x in mesh.LISTENERS} if service.mesh else {}
    clusters: dict[tuple[Protocol, int], str] = {}
    for port_name, port in service.ports.items():
        protocol, number = port.port.protocol, port.port.ports.first
        other = used.setdefault((protocol, number), port_name)
        if other != port_name:
            draft.error(
                SAME_PORT,
                f"port {port.port} of '{name}' is '{other}' already" if other in service.ports else f"port {port.port} is {other}'s",
                (*path, port_name, "port"),
                "give each listener a port of its own",
            )
        same = clusters.setdefault((protocol, port.service or number), port_name)
        if same not in (port_name, other) and service.namespace:
            draft.error(
                SAME_PORT,
                f"port {port.service or number} of the Service of '{name}' is '{same}' already",
                (*path, port_name, "service"),
                "give each listener a `service` port of its own",
            )
    return (*out, *(mesh.LISTENERS if service.mesh else ()))


def _transport(draft: Draft, tls: str | None, path: Path) -> str:
    if tls in (None, "none"):
        return "plaintext"
    if tls == "ssh":
        return "ssh"
    if tls not in draft.topology.tls:
        known = [*draft.topology.tls, "ssh", "none"]
        help = draft.suggest(str(tls), known) or f"add it to `tls`, or take one of {', '.join(known)}"
        draft.error(UNKNOWN_TLS, f"there is no TLS profile {quoted(str(tls))}", path, help)
    return "tls"


def _replica(draft: Draft, name: str, service: Service, subnets: list[Subnet], replica: int, listeners: tuple[Listener, ...]) -> None:
    vpc, tier = subnets[0].vpc, subnets[0].tier
    full_name = f"{tier}/{name}" if service.replicas == 1 else f"{tier}/{name}-{replica}"
    zone = (choose(name, len(subnets)) + replica) % len(subnets)
    subnet, addresses = subnets[zone], list[Address]()
    if service.address is not None:
        subnet = next((s for s in subnets if any(service.address in p for p in s.prefixes)), subnet)
        addresses.append(service.address)
    try:
        taken = {a.version for a in addresses}
        addresses += [draft.pins.place(f"{full_name}/v{p.version}", p, vpc) for p in subnet.prefixes if p.version not in taken]
        kind = kind_of(service)
        wants_public = service.public if service.public is not None else kind in (EndpointKind.LOAD_BALANCER, EndpointKind.CLIENT_VPN)
        has_public = wants_public and subnet.access == "public" and any(a.version == 4 for a in addresses)
        public = (draft.pins.place(f"{full_name}/public", PUBLIC_POOL),) if has_public else ()
    except Exhausted as full:
        at = ("services", name, "replicas") if service.replicas > 1 else ("services", name, "subnet")
        draft.error(FULL, f"{full} has no address left for '{name}'", at, "widen the subnet, or have fewer replicas")
        return
    labels = {"app": name} | (mesh.labels(name) if service.mesh else {}) | service.labels if service.namespace else {}
    draft.endpoints.append(
        Endpoint(
            full_name, kind, name, vpc, subnet.id, tuple(addresses),
            public=public,
            groups=(f"{vpc}/{name}",),
            cluster=vpc if service.namespace else "", namespace=service.namespace or "", labels=tuple(sorted(labels.items())),
            listeners=listeners, software=service.software or "", origin=draft.origin("services", name),
        )
    )  # fmt: skip
