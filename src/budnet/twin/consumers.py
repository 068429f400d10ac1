"""Who opens connections to which TLS server, and whose sidecar calls whose: NETWORK -> pairs, from the flows that let them."""

from __future__ import annotations

from collections.abc import Iterator

from budnet.ir.endpoint import Endpoint, EndpointKind, Listener
from budnet.ir.network import Network
from budnet.pki.identity import SUFFIX
from budnet.pki.plan import presented
from budnet.pki.store import SIDECAR
from budnet.twin import mesh, secure
from budnet.twin.load import SPOKEN, Pair


def pairs(network: Network) -> list[Pair]:
    """Every consumer of every server, for each certificate that it presents; in a mesh, every caller of every app."""
    out = []
    for server in network.inside:
        listener = next((x for x in server.listeners if x.transport == "tls" and not x.loopback), None)
        if listener is None or not server.addresses:
            continue
        software = server.software if server.software in SPOKEN else "haproxy"  # the front of those that speak no TLS
        mutual = secure.setting(network, server).clients
        ways = list(dict.fromkeys(_ways(network, server, listener))) or [(server.id, str(server.addresses[0]))]
        for number, one in enumerate(presented(network, server)):
            hosts = [h.host for h in server.hosts]
            # of a wildcard a name below it that is called, of a server inside the first form of its name
            name = next(
                (h for h in hosts if h in one.names or f"*.{h.partition('.')[2]}" in one.names), one.names[0].replace("*", "www", 1)
            )
            out += [Pair(consumer, server.id, address, listener.port, name, software, number, mutual=mutual) for consumer, address in ways]
    return [*out, *_over_links(network), *_over_mesh(network)]


def _over_mesh(network: Network) -> Iterator[Pair]:
    """Every caller of every app that a flow lets it call, by the sidecars that it knows: those of its own cluster where an app is there."""
    flows = [f for f in network.flows if f.via == "mesh" and not f.link]
    for caller, identity in network.identity.items():
        pod, known = network.endpoint[caller], set[str]()
        targets = {t for f in flows if caller in f.sources.endpoints for t in f.destinations.endpoints}
        for control in sorted(network.access_controls, key=lambda c: not c.id.startswith(f"{pod.cluster}/")):
            app = control.callee.name
            callee = next((network.endpoint[e] for e in control.endpoints if e in targets), None)
            address = next((a for a in callee.addresses if a.version in {x.version for x in pod.addresses}), None) if callee else None
            if app not in known and address is not None:
                yield Pair(
                    caller, control.id, str(address), control.port, f"{app}.{SUFFIX}", SIDECAR,
                    certificate=f"{mesh.FOLDER}/{identity.name}.pem", mutual=True, app=app,
                )  # fmt: skip
            known.add(app)


def _over_links(network: Network) -> Iterator[Pair]:
    """Consumers of the public fronts that end TLS, each with what its link lets in."""
    for front in (f for f in network.fronts if f.auth and f.accepted):
        near = network.endpoint[front.near]
        shown = f"links/{front.link}/client.pem" if front.auth == "client-certificate" else ""
        flows = [f for f in network.flows if f.link == front.link and set(f.destinations.endpoints) == set(front.targets)]
        for source in dict.fromkeys(s for f in flows for s in f.sources.endpoints):
            families = {a.version for a in network.endpoint[source].addresses}
            address = next((a for a in near.public or near.addresses if a.version in families), None)
            if address is not None:
                yield Pair(source, near.id, str(address), front.ports[0], front.name, "front", certificate=shown)


def _ways(network: Network, server: Endpoint, listener: Listener) -> Iterator[tuple[str, str]]:
    """(consumer, the server's address for it)."""
    for flow in network.flows:
        ports = flow.match.ports
        if server.id not in flow.destinations.endpoints or not ports.first <= listener.port <= ports.last:
            continue
        for source in (network.endpoint[s] for s in flow.sources.endpoints if s in network.endpoint):
            if source.vpc not in ("", server.vpc) and not any({source.vpc, server.vpc} == set(p.between) for p in network.peerings):
                continue  # over a link that does not route it comes to a front, at another address
            at = server.public if source.kind is EndpointKind.EXTERNAL and server.public else server.addresses
            families = {a.version for a in source.addresses}
            address = next((a for a in at if a.version in families), None)
            if address and source.id != server.id:
                yield source.id, str(address)
