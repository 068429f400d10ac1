"""Services become endpoints: one for each replica, with addresses, labels and listeners. VPCs add what they provide."""

from __future__ import annotations

from ipaddress import ip_address

from budnet.ir.address import Address, Prefix, Protocol
from budnet.ir.cloud import Subnet
from budnet.ir.endpoint import Endpoint, EndpointKind, Listener
from budnet.ir.origin import BUILT_IN
from budnet.model.service import Service
from budnet.resolve import mesh
from budnet.resolve.draft import Draft
from budnet.resolve.outside import PUBLIC_POOL
from budnet.resolve.pins import Exhausted, choose
from budnet.source.diagnostic import suggest

UNKNOWN_SUBNET, FULL, NOT_IN_SUBNET, TAKEN, UNKNOWN_TLS = "R401", "R402", "R403", "R404", "R405"
NOT_PUBLIC, NO_CLUSTER, ONE_REPLICA, SAME_PORT, POD_ONLY, TWICE = "R406", "R407", "R408", "R409", "R410", "R411"
RESERVED_NAMES = ("internet", "pods", "metadata", "egress", "any")
RESERVED = "R412"
METADATA = ip_address("169.254.169.254")


def endpoints(draft: Draft) -> None:
    """The pass. Fixed addresses first, so that no allocated one takes their place."""
    for name, service in draft.topology.services.items():
        if name in RESERVED_NAMES or name in draft.topology.networks or name in draft.topology.addresses:
            draft.error(RESERVED, f"'{name}' already means something else in a flow", ("services", name), "choose another name")
        if service.address is not None:
            holder = draft.pins.fix(name, service.address)
            if holder:
                draft.error(TAKEN, f"{service.address} already belongs to '{holder}'", ("services", name, "address"))
    for name, service in draft.topology.services.items():
        _service(draft, name, service)
    for vpc in draft.vpcs:
        dns = (Listener("dns", Protocol.UDP, 53), Listener("dns-tcp", Protocol.TCP, 53))
        draft.endpoints.append(Endpoint(f"{vpc.id}/resolver", EndpointKind.RESOLVER, "", vpc.id, "", vpc.resolver, listeners=dns, origin=BUILT_IN))
        if any(a.version == 4 for a in vpc.resolver):
            http = (Listener("http", Protocol.TCP, 80),)
            draft.endpoints.append(Endpoint(f"{vpc.id}/metadata", EndpointKind.METADATA, "", vpc.id, "", (METADATA,), listeners=http, origin=BUILT_IN))


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
            _check(draft, name, service, subnets)
            for replica in range(service.replicas):
                _replica(draft, name, service, subnets, replica, listeners)


def _unknown_subnet(draft: Draft, tier: str, path: tuple[str | int, ...]) -> None:
    known = [s.tier for s in draft.subnets]
    help = suggest(tier, known) or "write NETWORK/SUBNET"
    draft.error(UNKNOWN_SUBNET, f"there is no subnet '{tier}'", path, help)


def _check(draft: Draft, name: str, service: Service, subnets: list[Subnet]) -> None:
    path = ("services", name)
    if service.public and subnets[0].access != "public":
        draft.error(NOT_PUBLIC, f"'{name}' cannot have a public address in {subnets[0].access} subnet '{subnets[0].tier}'", (*path, "public"),
                    "an internet gateway serves public subnets only")  # fmt: skip
    if service.namespace and not any(c.vpc == subnets[0].vpc for c in draft.clusters):
        draft.error(NO_CLUSTER, f"'{name}' has a namespace, but network '{subnets[0].vpc}' has no cluster", (*path, "namespace"),
                    "add `cluster: {services: ...}` to the network, or remove the namespace")  # fmt: skip
    if service.address is not None and (service.replicas > 1 or len(service.subnet) > 1):
        draft.error(ONE_REPLICA, f"'{name}' has one fixed address and more than one replica", (*path, "address"))
    if kind_of(service) is EndpointKind.POD and not service.namespace:
        draft.error(POD_ONLY, f"'{name}' is a pod and has no namespace", path, "add `namespace`")
    if service.namespace and kind_of(service) is not EndpointKind.POD:
        draft.error(POD_ONLY, f"'{name}' is no pod and has a namespace", (*path, "namespace"), "only pods live in a namespace")
    if service.mesh and not service.namespace:
        draft.error(POD_ONLY, f"'{name}' has a sidecar, so it must be a pod", (*path, "mesh"), "add `namespace`")


def kind_of(service: Service) -> EndpointKind:
    """A pod where a namespace is given, unless the file says otherwise."""
    return EndpointKind(service.kind or ("pod" if service.namespace else "host"))


def _listeners(draft: Draft, name: str, service: Service) -> tuple[Listener, ...]:
    out: list[Listener] = []
    for port_name, port in service.ports.items():
        path = ("services", name, "ports", port_name)
        transport = _transport(draft, port.tls if port.tls is not None else service.tls, path)
        out.append(Listener(port_name, port.port.protocol, port.port.ports.first, transport))
    out += mesh.LISTENERS if service.mesh else ()
    used: dict[tuple[Protocol, int], str] = {}
    for listener in out:
        other = used.setdefault((listener.protocol, listener.port), listener.name)
        if other != listener.name:
            draft.error(SAME_PORT, f"port {listener.port}/{listener.protocol.name.lower()} of '{name}' is '{other}' already",
                        ("services", name, "ports", listener.name if listener.name in service.ports else other))  # fmt: skip
    return tuple(out)


def _transport(draft: Draft, tls: str | None, path: tuple[str | int, ...]) -> str:
    if tls in (None, "none"):
        return "plaintext"
    if tls == "ssh":
        return "ssh"
    if tls not in draft.topology.tls:
        draft.error(UNKNOWN_TLS, f"there is no TLS profile '{tls}'", path, suggest(str(tls), [*draft.topology.tls, "ssh", "none"]))
    return "tls"


def _replica(draft: Draft, name: str, service: Service, subnets: list[Subnet], replica: int, listeners: tuple[Listener, ...]) -> None:
    vpc, tier = subnets[0].vpc, subnets[0].tier
    full_name = f"{tier}/{name}" if service.replicas == 1 else f"{tier}/{name}-{replica}"
    zone = (choose(name, len(subnets)) + replica) % len(subnets)
    subnet, addresses = subnets[zone], list[Address]()
    if service.address is not None:
        subnet = next((s for s in subnets if any(_in(service.address, p) for p in s.prefixes)), subnet)
        if not any(_in(service.address, p) for p in subnet.prefixes):
            draft.error(NOT_IN_SUBNET, f"{service.address} is not in subnet '{tier}'", ("services", name, "address"))
        addresses.append(service.address)
    try:
        taken = {a.version for a in addresses}
        addresses += [draft.pins.place(f"{full_name}/v{p.version}", p) for p in subnet.prefixes if p.version not in taken]
    except Exhausted as full:
        draft.error(FULL, f"subnet {full} has no address left for '{full_name}'", ("services", name), "widen the subnet, or have fewer replicas")
        return
    kind = kind_of(service)
    wants_public = service.public if service.public is not None else kind is EndpointKind.LOAD_BALANCER
    public = wants_public and subnet.access == "public" and any(a.version == 4 for a in addresses)
    labels = {"app": name} | (mesh.labels(name) if service.mesh else {}) | service.labels if service.namespace else {}
    draft.endpoints.append(
        Endpoint(
            full_name, kind, name, vpc, subnet.id, tuple(addresses),
            public=(draft.pins.place(f"{full_name}/public", PUBLIC_POOL),) if public else (),
            groups=(f"{vpc}/{name}",),
            cluster=vpc if service.namespace else "", namespace=service.namespace or "", labels=tuple(sorted(labels.items())),
            listeners=listeners, software=service.software or "", origin=draft.origin("services", name),
        )
    )  # fmt: skip


def _in(address: Address, prefix: Prefix) -> bool:
    return address.version == prefix.version and address in prefix
