"""A single fault in DNS shows up as a row that names it, and the line that the name comes from.

Some are faults of a name server, which answers from other records than the Network has; the others are faults of the
Network itself, whose records say what its Services do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

import pytest

from budnet.ir.names import PUBLIC_VIEW, Record
from budnet.ir.network import Network
from budnet.pipeline import load
from budnet.probe import resolvers
from budnet.probe.truth import Truth
from budnet.records import replace
from budnet.twin import nameserver, prober, tools
from budnet.twin import resolvers as twin_resolvers
from budnet.twin.build import plan
from budnet.twin.lab import Twin
from budnet.twin.plan import TwinPlan
from budnet.twin.staging import stage
from helpers import twin_of

FILE = Path(__file__).parents[1] / "conformance" / "dns" / "topology.yaml"
Fault = Callable[[Network], Network]
SVC, SET = "svc.cluster.local", "svc.clusterset.local"


@dataclass(frozen=True)
class Mutant:
    """`names` is in a row that differs, whose line begins with `line`. `derived`: the Network is at fault, not the server."""

    what: str
    fault: Fault
    names: str
    line: str
    derived: bool = False


def records(chosen: Callable[[Record], bool], change: Callable[[Record], Record] | None = None) -> Fault:
    """Records gone, or changed."""

    def fault(network: Network) -> Network:
        kept = tuple(change(r) if change and chosen(r) else r for r in network.records if change or not chosen(r))
        assert kept != network.records
        return replace(network, records=kept)

    return fault


def also(*which: Callable[[Network], Record]) -> Fault:
    """Records that should not be there."""
    return lambda network: replace(network, records=(*network.records, *(w(network) for w in which)))


def like(name: str, view: str, /, **changes: object) -> Callable[[Network], Record]:
    """A record as there is one, but for something."""
    return lambda network: replace(next(r for r in network.records if (r.name, r.view) == (name, view)), **changes)  # type: ignore[arg-type]


def is_(name: str, view: str, kind: str = "", data: str = "") -> Callable[[Record], bool]:
    return lambda r: (r.name, r.view) == (name, view) and kind in ("", r.kind) and data in r.data


def third_log() -> str:
    """The address of one replica."""
    return str(next(e for e in sound()[0].endpoints if e.id == "east/back/log-2").addresses[0])


def leak(network: Network) -> Network:
    """The public server answers from a private view as well."""
    public = {r.name for r in network.records if r.view == PUBLIC_VIEW}
    private = (replace(r, view=PUBLIC_VIEW) for r in network.records if r.view == "west" and r.name not in public)
    return replace(network, records=(*network.records, *private))


def exchanged(network: Network) -> Network:
    """Two resolvers with each other's records."""
    other = {"east": "west", "west": "east"}
    return replace(network, records=tuple(replace(r, view=other.get(r.view, r.view)) for r in network.records))


def no_zone(network: Network) -> Network:
    """A zone without its head: nobody there knows that it is all there is."""
    gone = "clusterset.local"
    return replace(
        network, zones=tuple(z for z in network.zones if z.name != gone), records=tuple(r for r in network.records if r.name != gone)
    )


def unnamed(network: Network) -> Network:
    """A port that lost its name, and kept its SRV record."""
    ports = {"web": lambda p: replace(p, name="" if p.name == "http" else p.name)}
    return replace(network, services=tuple(replace(s, ports=tuple(map(ports.get(s.name, lambda p: p), s.ports))) for s in network.services))


MUTANTS = (
    Mutant("resolver leaks the private view", leak, "internet/name-server legacy.corp.example", "legacy:"),
    Mutant("public name at a private address", records(is_("www.corp.example", PUBLIC_VIEW, "A"), lambda r: replace(r, data="10.1.1.9")), "name-server www.corp.example A", "www:"),
    Mutant("private name at a public address", records(is_("www.corp.example", "west", "A"), lambda r: replace(r, data="198.18.0.9")), "west/resolver www.corp.example A", "www:"),
    Mutant("kept too long", records(is_("www.corp.example", PUBLIC_VIEW), lambda r: replace(r, ttl=3600)), "www.corp.example A", "www:"),
    Mutant("alias to nowhere", records(is_("docs.corp.example", PUBLIC_VIEW), lambda r: replace(r, data="nowhere.host.example")), "name-server docs.corp.example", "docs:"),
    Mutant("alias in one view only", records(is_("docs.corp.example", "south")), "south/resolver docs.corp.example", "docs:"),
    Mutant("resolvers exchanged", exchanged, f"west/resolver own.shop.{SVC}", "own:"),
    Mutant("zone that is not known to be all", no_zone, "nobody-is-called-this.clusterset.local", "cluster:"),
    Mutant("IPv6 address missing outside", records(is_("www.corp.example", PUBLIC_VIEW, "AAAA")), "name-server www.corp.example AAAA", "www:"),
    Mutant("ExternalName Service without its alias", records(is_(f"smtp.shop.{SVC}", "east")), f"smtp.shop.{SVC}", "smtp.shop:"),
    Mutant("way back missing", records(lambda r: r.kind == "PTR" and r.data == f"log-1.log.data.{SVC}"), "in-addr.arpa PTR", "log:", derived=True),
    Mutant("SRV for a port without name", unnamed, f"_http._tcp.web.shop.{SVC} SRV", "web:", derived=True),
    Mutant("SRV to a wrong target", records(is_(f"_http._tcp.web.shop.{SVC}", "east"), lambda r: replace(r, data=f"0 100 80 log.data.{SVC}")), f"_http._tcp.web.shop.{SVC} SRV", "web:", derived=True),
    Mutant("SRV at the Service's port where it is headless", records(is_(f"_client._tcp.log.data.{SVC}", "east", "SRV"), lambda r: replace(r, data=r.data.replace(" 9092 ", " 92 "))), f"_client._tcp.log.data.{SVC}", "log:", derived=True),
    Mutant("replica missing behind a headless name", records(lambda r: r.kind == "A" and r.name == f"log.data.{SVC}" and r.data == third_log()), f"log.data.{SVC} A", "log:", derived=True),
    Mutant("replica without a name of its own", records(is_(f"log-2.log.data.{SVC}", "east")), f"log-2.log.data.{SVC}", "log:", derived=True),
    Mutant("record in the wrong cluster", also(like(f"web.shop.{SVC}", "east", view="west")), f"west/resolver web.shop.{SVC}", "web:", derived=True),
    Mutant("exported name without export", also(like(f"web.shop.{SVC}", "east", name=f"web.shop.{SET}")), f"east/resolver web.shop.{SET}", "web:", derived=True),
    Mutant("exported name at the ClusterIP", records(is_(f"model.ml.{SET}", "west", "A"), lambda r: replace(r, data="172.20.9.9")), f"west/resolver model.ml.{SET} A", "model:", derived=True),
    Mutant("private address in the public view of the Network itself", records(is_("www.corp.example", PUBLIC_VIEW, "A"), lambda r: replace(r, data="10.1.1.9")), "name-server www.corp.example A", "www:", derived=True),
)  # fmt: skip


@cache
def sound() -> tuple[Network, TwinPlan]:
    network = load(str(FILE)).network
    assert network is not None
    return network, plan(network)


class OwnServers:
    """Name servers of our own in place of a twin: they answer at once, by a function call."""

    def __init__(self, network: Network) -> None:
        servers = [e for e in network.endpoints if any(x.port == 53 for x in e.listeners)]
        self.zones = {str(a): twin_resolvers.zone(network, e) for e in servers for a in e.addresses}

    def ask(self, questions: Iterable[prober.Question]) -> Iterator[tuple[int, prober.Observed]]:
        for number, question in enumerate(questions):
            server = nameserver.answer_stream if question.protocol == prober.TCP else nameserver.answer
            yield number, prober.Observed("open", said=server(self.zones[question.destination], question.payload) or b"")


def check(mutant: Mutant, truth: Callable[[Network, Network], Truth]) -> None:
    network, _ = sound()
    faulty = mutant.fault(network)
    rows = [d.json() for d in truth(faulty if mutant.derived else network, faulty).disagree]
    here = [r for r in rows if mutant.names in r["dst"]]
    assert here, rows[:5]
    lines = FILE.read_text(encoding="utf-8").splitlines()
    assert any(lines[int(r["origin"].split(":")[-2]) - 1].strip().startswith(mutant.line) for r in here), here[0]


def in_a_call(probed: Network, served: Network) -> Truth:
    return resolvers.truth(probed, cast(Twin, OwnServers(served)))


def in_a_twin(probed: Network, served: Network) -> Truth:
    staged = stage(served, sound()[1], tools.find())
    with twin_of(staged.plan, staged) as twin:
        return resolvers.truth(probed, twin)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.what)
def test_mutant_is_caught(mutant: Mutant) -> None:
    check(mutant, in_a_call)


@pytest.mark.live
@pytest.mark.parametrize("mutant", MUTANTS[:4], ids=lambda m: m.what)
def test_mutant_of_a_real_server_is_caught(mutant: Mutant) -> None:
    check(mutant, in_a_twin)


@pytest.mark.parametrize("truth", [in_a_call, pytest.param(in_a_twin, marks=pytest.mark.live)])
def test_the_sound_one_agrees(truth: Callable[[Network, Network], Truth]) -> None:
    table = truth(sound()[0], sound()[0])
    assert not table.disagree
    assert table.questions > 400
