"""Links: who is let through, who is not, and what an eavesdropper on the internet sees of it.

Over a link that does not route, the packet table shows each of the two connections; here it is asked whether they are one:
the service itself has to answer. On public links it is asked without credentials and with wrong ones as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from budnet.ir.address import Address, Protocol
from budnet.ir.endpoint import Endpoint
from budnet.ir.intent import Flow
from budnet.ir.links import PUBLIC, ClientVpn, Front, Link, VpnConnection
from budnet.ir.network import Network
from budnet.ir.origin import Origin
from budnet.probe.answer import Answer
from budnet.probe.in_twin import InTwin
from budnet.probe.predicted import Predicted
from budnet.probe.question import Question, questions
from budnet.probe.truth import Truth
from budnet.reach.engine import Engine
from budnet.reach.trace import trace
from budnet.records import replace
from budnet.twin.lab import Twin
from budnet.twin.servers.strongswan import DPD

LINKS = "links"
_REFUSED, _NOBODY = "refused", "nobody listens"
_MARK = "what-nobody-outside-may-read-" * 8
_SEEN = {"ipsec": "ESP", "wireguard": "WireGuard", PUBLIC: "TLS"}


@dataclass(frozen=True, slots=True)
class _Row:
    """A question, the call that asks it, and the answers that are right."""

    question: Question
    call: Mapping[str, Any]
    right: tuple[str, ...]
    origin: Origin
    via: Front | None = None


def truth(network: Network, twin: Twin) -> Truth:
    """All of them. A link whose software is not on this machine is reported by `up`, and its rows differ here."""
    table = Truth()
    if not network.links and not network.client_vpns:
        return table
    engine = Engine(network)
    rows = [*_through(network, engine), *_refusals(network)]
    for row, said in zip(rows, twin.links("dial", [r.call for r in rows]), strict=True):
        seen = f"NO_ROUTE endpoint-service {row.via.id}" if row.via and said == _NOBODY else said
        table.add(row.question, [Answer("DELIVERED", LINKS, r, row.origin) for r in row.right], Answer("DELIVERED", LINKS, seen))
    _people(network, twin, table)
    _wire(network, twin, table)
    _tunnels(network, twin, table)
    return table


# ---- through fronts -----------------------------------------------------------------------------------------------------


def _through(network: Network, engine: Engine) -> Iterator[_Row]:
    """Every flow over a front, from each of its sources: the targets answer, or the reason why they do not."""
    for front, flow, port in _relayed(network):
        for source in (network.endpoint[e] for e in flow.sources.endpoints):
            address = _door(network, front, source)
            if address is None:
                continue
            right = tuple(_predicted(engine, source, network.endpoint[t], port) for t in front.targets)
            credentials = _credentials(front)
            name = f"{flow.destinations.name} over {front.link}{' with credentials' * bool(credentials)}"
            question = Question(source.id, name, address, Protocol.TCP, port)
            yield _Row(
                question,
                _call(source, address, port, **credentials, **_inner(network, front.targets[0], port, front)),
                right,
                flow.origin,
                front,
            )


def _relayed(network: Network) -> Iterator[tuple[Front, Flow, int]]:
    """(front, flow, port) for each flow that a front carries."""
    for front in network.fronts:
        for flow in network.flows:
            if flow.link == front.link and set(flow.destinations.endpoints) == set(front.targets):
                for port in front.ports:
                    if flow.match.ports.first <= port <= flow.match.ports.last:
                        yield front, flow, port


def _predicted(engine: Engine, source: Endpoint, target: Endpoint, port: int) -> str:
    start = engine.interfaces[source.id][0]
    end = next(p for p in engine.interfaces[target.id] if p.address.version == start.address.version)
    verdict = trace(engine, start, end, Protocol.TCP, port).verdict
    return target.id if verdict.reachable else f"{verdict.disposition.value} {verdict.reason.layer} {verdict.reason.object}"


def _door(network: Network, front: Front, source: Endpoint) -> Address | None:
    near = network.endpoint[front.near]
    families = {a.version for a in source.addresses}
    return next((a for a in near.public or near.addresses if a.version in families), None)


def _credentials(front: Front) -> dict[str, str]:
    """What a client that belongs here shows: files of the twin."""
    if not front.auth:
        return {}
    shown = {"key": f"links/{front.link}/key"} if front.auth == "key" else {"certificate": f"links/{front.link}/client.pem"}
    return {"name": front.name, **shown}


def _inner(network: Network, target: str, port: int, front: Front | None = None) -> dict[str, str]:
    """Who is behind a link that does not end TLS itself may speak it."""
    secure = any(x.profile and x.port == port for x in network.endpoint[target].listeners)
    return {"tls": "inside"} if secure and not (front and front.auth) else {}


def _call(source: Endpoint, address: Address, port: int, **more: str) -> dict[str, Any]:
    return {"source": source.id, "address": str(address), "port": port, **more}


def _refusals(network: Network) -> Iterator[_Row]:
    """At each public front, from one who may connect: nothing shown, something wrong shown, no TLS."""
    for front in (f for f in network.fronts if f.auth):
        flow = next(f for each, f, _ in _relayed(network) if each is front)
        source, port = network.endpoint[flow.sources.endpoints[0]], front.ports[0]
        address = _door(network, front, source)
        assert address is not None, "a public front has an IPv4 address, and its clients have one"
        wrong = {"key": f"links/{front.link}/wrong-key"} if front.auth == "key" else {"certificate": f"links/{front.link}/stranger.pem"}
        for what, shown in (("nothing shown", {"name": front.name}), ("wrong credentials", {"name": front.name, **wrong}), ("no TLS", {})):
            question = Question(source.id, f"{front.id} with {what}", address, Protocol.TCP, port)
            yield _Row(question, _call(source, address, port, **shown), (_REFUSED,), front.origin)


# ---- people -------------------------------------------------------------------------------------------------------------


def _people(network: Network, twin: Twin, table: Truth) -> None:
    """A client of each client VPN may do what its gateway may, and is told so by the same filters."""
    predicted, in_twin = Predicted(network), InTwin(network, twin)
    for way_in in network.client_vpns:
        asked = [
            q for q in questions(network, lambda source, _, gateway=way_in.id: source.id == gateway)  # type: ignore[misc]
            if not q.service and any(q.address in p for p in way_in.routes)
        ]  # fmt: skip
        through = [q._replace(source=way_in.client_space) for q in asked]
        for number, seen in in_twin.ask(through):
            table.add(through[number], predicted(asked[number]), seen)


# ---- on the internet ----------------------------------------------------------------------------------------------------


def _wire(network: Network, twin: Twin, table: Truth) -> None:
    """A known text over every link, while all frames on the internet are looked at."""
    found = [
        (_SEEN.get(x.detail if x.method == "vpn" else x.method, "nothing"), each)
        for x in network.links
        if (row := _first(network, x))
        for each in _each_tunnel(network, x, row)
    ]
    found += [(_SEEN["wireguard"], row) for v in network.client_vpns if (row := _first_of(network, v))]
    for (wanted, row), (said, kinds) in zip(found, twin.links("tap", [{**r.call, "text": _MARK} for _, r in found]), strict=True):
        seen = ", ".join(kinds) or "nothing"
        # a text that did not arrive proves nothing
        told = seen if said in row.right else f"{seen}, and {said}"
        table.add(row.question, [Answer("DELIVERED", LINKS, f"{wanted} on the internet", row.origin)],
                  Answer("DELIVERED", LINKS, f"{told} on the internet"))  # fmt: skip


def _each_tunnel(network: Network, link: Link, row: _Row) -> Iterator[_Row]:
    """Over a VPN, the same by each of its tunnels: what is wrong with one that stands by would show on the day it is needed."""
    if link.method != "vpn":
        yield row
        return
    for tunnel in network.vpn[link.id].tunnels:
        question = row.question._replace(destination=f"eavesdropping on {tunnel.id}")
        over = {"over": tunnel.id, "ends": [str(g.public) for g in tunnel.gateways]}
        yield replace(row, question=question, call={**row.call, **over})


def _first(network: Network, link: Link) -> _Row | None:
    """One flow over a link, as a call."""
    for front, flow, port in _relayed(network):
        if front.link == link.id and front.accepted:
            source = network.endpoint[flow.sources.endpoints[0]]
            address = _door(network, front, source)
            if address is not None:
                question = Question(source.id, f"eavesdropping on {link.id}", address, Protocol.TCP, port)
                return _Row(
                    question,
                    _call(source, address, port, **_credentials(front), **_inner(network, front.targets[0], port, front)),
                    front.targets,
                    link.origin,
                )
    for flow in network.flows:
        pair = _ends(network, flow, link)
        if pair and flow.match.protocol is Protocol.TCP and not flow.link and not flow.via:  # a sidecar answers no clear text
            source, target = pair
            at = next((a for a in target.addresses if a.version in {x.version for x in source.addresses}), None)
            if at is not None:
                question = Question(source.id, f"eavesdropping on {link.id}", at, Protocol.TCP, flow.match.ports.first)
                port = flow.match.ports.first
                return _Row(question, _call(source, at, port, **_inner(network, target.id, port)), (target.id,), link.origin)
    return None


def _first_of(network: Network, way_in: ClientVpn) -> _Row | None:
    """Something that a client may connect to, and that says its name."""
    for flow in network.flows:
        if way_in.id in flow.sources.endpoints and flow.match.protocol is Protocol.TCP and not flow.link:
            for target in (network.endpoint[e] for e in flow.destinations.endpoints):
                at = next((a for a in target.addresses if any(a in p for p in way_in.routes)), None)
                if at is not None and target.subnet and not target.software:
                    question = Question(way_in.client_space, f"eavesdropping on {way_in.id}", at, Protocol.TCP, flow.match.ports.first)
                    port = flow.match.ports.first
                    call = {"source": way_in.client_space, "address": str(at), "port": port, **_inner(network, target.id, port)}
                    return _Row(question, call, (target.id,), flow.origin)
    return None


def _ends(network: Network, flow: Flow, link: Link) -> tuple[Endpoint, Endpoint] | None:
    """A source and a target of a flow at the two ends of a link; the target's server has to be one of ours, which says its name."""
    for source in (network.endpoint[e] for e in flow.sources.endpoints):
        for target in (network.endpoint[e] for e in flow.destinations.endpoints):
            if {source.vpc, target.vpc} == set(link.between) and not target.software:
                return source, target
    return None


# ---- tunnels ------------------------------------------------------------------------------------------------------------


def _tunnels(network: Network, twin: Twin, table: Truth) -> None:
    """Both gateways of every tunnel use the algorithms that are written, and no others, and watch each other."""
    said: Mapping[str, list[str]] = twin.links("tunnels", [])
    for connection in network.vpns:
        for tunnel, gateway in ((t, g) for t in connection.tunnels for g in t.gateways):
            question = Question(gateway.id, f"tunnel {tunnel.id}", gateway.public, Protocol.UDP, _port(connection))
            watches = [f"DPD {DPD} s"] * (connection.protocol == "ipsec") + ["BFD up"]
            wanted = Answer("DELIVERED", LINKS, ", ".join([*algorithms(connection), *watches]), connection.origin)
            seen = ", ".join(dict.fromkeys(said.get(gateway.id, []))) or "no tunnel"
            table.add(question, [wanted], Answer("DELIVERED", LINKS, seen))


def _port(connection: VpnConnection) -> int:
    return 4500 if connection.protocol == "ipsec" else 51820


def algorithms(connection: VpnConnection) -> list[str]:
    """A proposal in the words in which `swanctl --list-sas` answers: IKE, then ESP. The first ESP keys come of the IKE
    exchange (RFC 7296, 1.2), so no group stands with them."""
    if connection.protocol != "ipsec":
        return ["handshake"]
    encryption, prf, group = connection.proposal.split("-")
    size = encryption.removeprefix("aes").removesuffix("gcm16")
    cipher = f"AES_GCM_16-{size}"
    return [f"{cipher}/PRF_HMAC_SHA2_{prf.removeprefix('prfsha')}/ECP_{group.removeprefix('ecp')}", cipher]
