"""SOURCE, DESTINATION and PORT of a question, looked up in a Network."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from budnet.errors import WrongQuestion
from budnet.ir import icmp
from budnet.ir.address import PORTED, Protocol
from budnet.reach.engine import Engine
from budnet.reach.matrix import receivers, same, senders
from budnet.reach.path import ANYHOW, Call
from budnet.reach.points import Point
from budnet.reach.trace import find
from budnet.source.diagnostic import suggest

_ECHO = {"icmp": (Protocol.ICMP, icmp.ECHO[4]), "icmpv6": (Protocol.ICMPV6, icmp.ECHO[6])}
_HOST_NAME = re.compile(r"(?i)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")


def points(engine: Engine, name: str, sends: bool) -> list[Point]:
    """The points a user means. Raises WrongQuestion where nobody is called so."""
    try:
        found = find(engine, name)
    except ValueError as reason:
        raise WrongQuestion(str(reason)) from None
    able = {p.index for p in (senders(engine) if sends else receivers(engine))}
    found = [p for p in found if p.index in able]
    if not found:
        ids = [e.id for e in engine.network.endpoints] + [e.service for e in engine.network.endpoints if e.service]
        raise WrongQuestion(f"nothing that {'sends' if sends else 'receives'} is called '{name}'. {suggest(name, ids)}".strip())
    return found


def port(engine: Engine, text: str, destinations: list[Point]) -> tuple[Protocol, int]:
    """`443/tcp`, `443`, `icmp` (an echo request), `3:4/icmp`, or a listener's name on the destination. Raises WrongQuestion where
    it is none of them."""
    for point in destinations:
        for listener in point.endpoint.listeners if point.endpoint else ():
            if listener.name == text:
                return listener.protocol, listener.port
    found = written(text)
    if found is None:
        names = dict.fromkeys(x.name for p in destinations if p.endpoint for x in p.endpoint.listeners)
        raise WrongQuestion(f"'{text}' is no port: write 443/tcp, or a port's name{' (' + ', '.join(names) + ')' if names else ''}")
    return found


def written(text: str) -> tuple[Protocol, int] | None:
    """`443/tcp` and `443`; `icmp` and `icmpv6` are an echo request, and of a type of either its first code is meant. None for
    anything else."""
    number, _, protocol = text.partition("/")
    if text in _ECHO:
        return _ECHO[text]
    known = {p.name.lower(): p for p in Protocol}
    if known.get(protocol) not in (*PORTED, None):
        message = icmp.read(number)
        return (known[protocol], message[0]) if message is not None else None
    if not (number.isascii() and number.isdigit()) or int(number) > 65535 or (protocol or "tcp") not in known:
        return None
    return known[protocol or "tcp"], int(number)


def beyond(engine: Engine, protocol: Protocol) -> str:
    """What has to be known of an answer about ICMP in a cluster: policies are defined for TCP, UDP and SCTP, and "for all the other
    protocols, the behaviour may vary across network plugins" (https://kubernetes.io/docs/concepts/services-networking/network-policies/)."""
    if protocol in PORTED or not (engine.network.policies or engine.network.admin_policies) or engine.network.vpcs:
        return ""
    return "Kubernetes does not say what policies do to ICMP; this is as if a rule without ports meant it, too"


MESH = "mesh"
"""As a port: the whole invocation from sidecar to sidecar, not only its packets."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked about, and how the clients among them go about it."""

    pairs: list[tuple[Point, Point]]
    destinations: list[Point]
    call: Call = ANYHOW
    note: str = ""
    """What a user has to know of how the question was understood."""


def who(engine: Engine, source: str, destination: str) -> Asked:
    """The pairs that SOURCE and DESTINATION mean. A host name is looked up, and said in the TLS handshake."""
    sources = points(engine, source, True)
    if not _HOST_NAME.fullmatch(destination) or destination.replace(".", "").isdigit():
        destinations = points(engine, destination, False)
        return Asked(list(pairs(sources, destinations, engine.network.several)), destinations)
    name = engine.names.modelled(destination)
    note = f"{destination} is not modelled; {name} stands for it" if name and name != destination.lower() else ""
    stranger = engine.interfaces.get("internet/client", [])
    if not name:
        note = f"nothing means {destination}: an address on the internet stands for it"
    found = [
        p for s in sources
        for p in pairs([s], engine.names.points(name, s.endpoint.vpc if s.endpoint else "") if name else stranger, engine.network.several)
    ]  # fmt: skip
    return Asked(found, list(dict.fromkeys(d for _, d in found)), Call(destination, name or destination), note)


def pairs(sources: list[Point], destinations: list[Point], several: Collection[str]) -> Iterator[tuple[Point, Point]]:
    """Of one address family, and not from an endpoint to itself, unless it is one of `several`, which stand for many pods."""
    for source in sources:
        for destination in destinations:
            alone = same(source, destination) and not (source.endpoint and source.endpoint.id in several)
            if source.address.version == destination.address.version and not alone:
                yield source, destination
