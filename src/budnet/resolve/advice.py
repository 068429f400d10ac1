"""Which method joins which two networks, and why. Reads networks, links and flows as written; decides nothing in the Network.

Every method is judged for every pair that has a link or whose flows need one. The first that fits, in the order of METHODS, is
advised: what routes before what does not, private before public. Nothing here needs a file without errors: an overlap that makes
peering impossible is what a user asks about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from budnet.ir.address import Prefix, Protocol
from budnet.model.topology import Topology
from budnet.model.values import read_match
from budnet.records import replace
from budnet.resolve.draft import Draft
from budnet.resolve.fleets import fleets
from budnet.resolve.pins import Pins
from budnet.resolve.quotas import QUOTAS
from budnet.resolve.references import references, services_of
from budnet.source.diagnostic import has_errors
from budnet.source.document import Document

ROUTED = ("vpc-peering", "vpn")
"""Methods that keep addresses end to end, so that both ends, and all that one end routes to, have to differ."""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Judgment:
    """Whether a method can carry a pair's flows; `source` is where the vendor says so."""

    method: str
    fits: bool
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What was looked at. Of fleets, that of every member: the pair's names are the fleets'."""

    between: Pair
    clouds: Pair
    """Provider and region of each."""
    overlap: tuple[tuple[str, str], ...]
    """Ranges of the two that overlap."""
    crowd: tuple[str, ...]
    """Overlaps with what one of the two routes to already, in words."""
    there: tuple[str, ...]
    """Flows from the first to the second: `source -> target port`."""
    back: tuple[str, ...]
    only_tcp: bool
    public: tuple[bool, bool]
    """Whether each has a public subnet, where something that the internet reaches could stand."""
    shut_in: tuple[str, ...]
    """Services that open connections and are in an isolated subnet, from which nothing gets to the internet."""
    links: tuple[int, int]
    """How many links each has, this one included."""
    through: str
    """A network that both have a link to, where they have none to each other."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What is advised for a pair. `written` is its link's method, empty where it has none; `pairs` how many such pairs there are."""

    facts: Facts
    link: str
    written: str
    advised: str
    """Empty where nothing fits."""
    judgments: tuple[Judgment, ...]
    pairs: int = 1

    @property
    def needed(self) -> bool:
        """Whether a flow goes from one to the other."""
        return bool(self.facts.there or self.facts.back)

    @property
    def to_do(self) -> bool:
        """A written method does not fit, or a needed link is missing."""
        return not self.of(self.written).fits if self.written else self.needed

    def of(self, method: str) -> Judgment:
        """The judgment of a method."""
        return next(j for j in self.judgments if j.method == method)

    @property
    def why(self) -> str:
        """Why this one: what speaks for it, and what against those before it."""
        if not self.advised:
            return "; ".join(f"{j.method}: {j.why}" for j in self.judgments)
        before = [j for j in self.judgments[: [j.method for j in self.judgments].index(self.advised)] if j.why != _OTHER]
        return "; ".join([self.of(self.advised).why, *(f"no {j.method}: {j.why}" for j in before)])

    @property
    def result(self) -> str:
        """One word or two for a table."""
        if not self.written:
            return "no link" if self.needed else "nothing to do"
        if not self.of(self.written).fits:
            return f"{self.written} does not fit"
        return "as written" if self.written == self.advised else f"{self.written} fits as well"


def advise(document: Document, topology: Topology, locked: Mapping[str, str]) -> list[Advice] | None:
    """Advice on a file that can be read; None where it says nothing that could be advised on: ranges or names that mean nothing."""
    draft = Draft(topology, document, Pins(locked))
    for each in (fleets, references):
        each(draft)
        if has_errors(draft.diagnostics):
            return None
    return _advice(draft)


def _advice(draft: Draft) -> list[Advice]:
    """One entry for each pair of networks that is linked or that flows go between; members of a fleet are one where they fare alike."""
    needs = _needs(draft)
    linked = {_pair(link.between[0], link.between[1]): name for name, link in draft.topology.links.items() if _exist(draft, link.between)}
    found: dict[tuple[object, ...], Advice] = {}
    view = _View(draft, needs, linked)
    for pair in dict.fromkeys([*linked, *needs]):
        each = _advise(draft, view, pair)
        key = (replace(each.facts, overlap=(), links=(0, 0)), each.link, each.written, each.advised, tuple(j.fits for j in each.judgments))
        found[key] = replace(found[key], pairs=found[key].pairs + 1) if key in found else each
    return list(found.values())


def _exist(draft: Draft, ends: list[str]) -> bool:
    return ends[0] != ends[1] and all(e in draft.topology.networks for e in ends)


def _pair(a: str, b: str) -> Pair:
    return (a, b) if a <= b else (b, a)


# ---- facts --------------------------------------------------------------------------------------------------------------


@dataclass
class _Need:
    """The flows of one pair, from its first to its second network and back."""

    there: dict[str, None] = field(default_factory=dict)
    back: dict[str, None] = field(default_factory=dict)
    only_tcp: bool = True
    shut_in: dict[str, None] = field(default_factory=dict)


def _needs(draft: Draft) -> dict[Pair, _Need]:
    """The pairs that flows go between. A flow between two services with a network in common stays inside (resolve/flows.py)."""
    needs: dict[Pair, _Need] = {}
    for flow in draft.topology.flows:
        for source in _services(draft, flow.from_):
            for target in _services(draft, flow.to):
                here, there = _homes(draft, source), _homes(draft, target)
                if set(here) & set(there):
                    continue
                ports = ", ".join(flow.all_ports) or "mesh"
                tcp = flow.via is not None or all(_is_tcp(draft, target, p) for p in flow.all_ports)
                for a in here:
                    for b in there:
                        need = needs.setdefault(_pair(a, b), _Need())
                        (need.there if a <= b else need.back)[f"{source} -> {target} {ports}"] = None
                        need.only_tcp &= tcp
                        if _is_shut_in(draft, source, a):
                            need.shut_in[source] = None
    return needs


def _services(draft: Draft, names: list[str]) -> Iterator[str]:
    for name in names:
        yield from services_of(draft, name) or ()


def _homes(draft: Draft, service: str) -> list[str]:
    """The networks that a service is in."""
    places = (place.partition("/")[0] for place in draft.topology.services[service].subnet)
    return [n for n in dict.fromkeys(places) if n in draft.topology.networks]


def _is_tcp(draft: Draft, service: str, port: str) -> bool:
    known = draft.topology.services[service].ports
    match = known[port].port if port in known else read_match(port)
    return getattr(match, "protocol", Protocol.TCP) is Protocol.TCP


def _is_shut_in(draft: Draft, service: str, network: str) -> bool:
    places = (place.partition("/")[::2] for place in draft.topology.services[service].subnet)
    subnets = draft.topology.networks[network].subnets
    return any(home == network and tier in subnets and subnets[tier].access == "isolated" for home, tier in places)


class _View:
    """All pairs, and what one of them has to know of the others."""

    def __init__(self, draft: Draft, needs: dict[Pair, _Need], linked: dict[Pair, str]) -> None:
        self.draft, self.needs, self.linked = draft, needs, linked
        self.degree = Counter(end for pair in {*linked, *needs} for end in pair)
        self.neighbours: dict[str, list[str]] = {}
        self.routed: dict[str, list[str]] = {}
        for pair, name in linked.items():
            for near, far in (pair, pair[::-1]):
                self.neighbours.setdefault(near, []).append(far)
                if draft.topology.links[name].method in ROUTED:
                    self.routed.setdefault(near, []).append(far)
        self._ranges = {name: list(network.cidr) for name, network in draft.topology.networks.items()}

    def overlap(self, a: str, b: str) -> list[tuple[Prefix, Prefix]]:
        return [(p, q) for p in self._ranges[a] for q in self._ranges[b] if p.version == q.version and p.overlaps(q)]

    def crowd(self, a: str, b: str) -> list[str]:
        """`b` against what `a` routes to already: of two with one range, `a` can have a route to one."""
        name = self.draft.as_written
        others = (other for other in self.routed.get(a, ()) if other != b and self.overlap(b, other))
        return [f"{name(b)} overlaps {name(other)}, to which {name(a)} routes" for other in others]


def _advise(draft: Draft, view: _View, pair: Pair) -> Advice:
    networks, need = draft.topology.networks, view.needs.get(pair, _Need())
    a, b = pair
    name = view.linked.get(pair, "")
    shared = next((n for n in view.neighbours.get(a, ()) if n in view.neighbours.get(b, ())), "")
    facts = Facts(
        between=(draft.as_written(a), draft.as_written(b)),
        clouds=(_cloud(draft, a), _cloud(draft, b)),
        overlap=tuple((str(p), str(q)) for p, q in view.overlap(a, b)),
        crowd=tuple(dict.fromkeys((*view.crowd(a, b), *view.crowd(b, a)))),
        there=tuple(need.there), back=tuple(need.back), only_tcp=need.only_tcp,
        public=(_is_public(draft, a), _is_public(draft, b)), shut_in=tuple(need.shut_in),
        links=(view.degree[a], view.degree[b]),
        through="" if name else draft.as_written(shared),
    )  # fmt: skip
    providers = (networks[a].cloud.provider, networks[b].cloud.provider)
    judgments = tuple(judge(facts, providers) for judge in METHODS)
    advised = next((j.method for j in judgments if j.fits), "")
    written = draft.topology.links[name].method if name else ""
    return Advice(facts, _written_link(draft, name), written, advised, judgments)


def _cloud(draft: Draft, network: str) -> str:
    cloud = draft.topology.networks[network].cloud
    return f"{cloud.provider} {cloud.region}".strip()


def _is_public(draft: Draft, network: str) -> bool:
    return any(s.access == "public" for s in draft.topology.networks[network].subnets.values())


def _written_link(draft: Draft, name: str) -> str:
    """A link's name with the fleet's in place of the member's: the key that the file has."""
    return draft.document.written(draft.document.nearest(("links", name), key=True)).strip("\"'") if name else ""


# ---- judgments ----------------------------------------------------------------------------------------------------------

_OTHER = "for networks of another provider"
_AWS_PEERING = "https://docs.aws.amazon.com/vpc/latest/peering/vpc-peering-basics.html"
_AZURE_PEERING = "https://learn.microsoft.com/azure/virtual-network/virtual-network-peering-overview"
_AWS_PRIVATELINK = "https://docs.aws.amazon.com/vpc/latest/privatelink/concepts.html"
_AZURE_PRIVATE_LINK = "https://learn.microsoft.com/azure/private-link/private-link-service-overview"
_AWS_VPN = "https://docs.aws.amazon.com/vpn/latest/s2svpn/VPC_VPN.html"
_PUBLIC = "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html"

Providers = tuple[str, str]


def _apart(facts: Facts) -> str:
    """Why nothing can be routed between the two; empty where it can."""
    if facts.overlap:
        one, other = facts.overlap[0]
        return f"their addresses overlap ({one} and {other})"
    return facts.crowd[0] if facts.crowd else ""


def _peering(facts: Facts, providers: Providers) -> Judgment:
    source = _AZURE_PEERING if providers[0] == "azure" else _AWS_PEERING
    if providers[0] != providers[1]:
        return Judgment("vpc-peering", False, f"{providers[0]} and {providers[1]} are different clouds", source)
    if providers[0] not in QUOTAS:
        return Judgment("vpc-peering", False, f"{providers[0]} networks have no peering", source)
    if _apart(facts):
        return Judgment("vpc-peering", False, _apart(facts), source)
    usual, most = QUOTAS[providers[0]]
    count = max(facts.links)
    if count > most:
        return Judgment("vpc-peering", False, f"one of them would have {count} peerings, and {providers[0]} allows {most}", source)
    where = "one region" if facts.clouds[0] == facts.clouds[1] else "two regions, whose traffic is charged"
    why = f"one cloud, {where}, addresses that differ; no gateway to run, no charge by the hour; not transitive"
    return Judgment("vpc-peering", True, why + (f"; {count} links need a quota above {usual}" if count > usual else ""), source)


def _private(method: str, provider: str, source: str) -> Callable[[Facts, Providers], Judgment]:
    def judge(facts: Facts, providers: Providers) -> Judgment:
        if set(providers) != {provider}:
            return Judgment(method, False, _OTHER, source)
        if not facts.only_tcp:
            return Judgment(method, False, "a flow is not TCP", source)
        both = "flows go both ways: an endpoint service in each" if facts.there and facts.back else "flows go one way"
        return Judgment(
            method, True, f"carries one service at a time, so overlaps do not matter; {both}; charged by the hour and by volume", source
        )

    return judge


def _vpn(facts: Facts, providers: Providers) -> Judgment:
    if _apart(facts):
        return Judgment("vpn", False, _apart(facts), _AWS_VPN)
    return Judgment(
        "vpn", True, "routes between any two clouds or sites, encrypted; gateways at both ends to run, charged by the hour", _AWS_VPN
    )


def _public(facts: Facts, providers: Providers) -> Judgment:
    if not facts.only_tcp:
        return Judgment("public", False, "a flow is not TCP, and what is public is TLS", _PUBLIC)
    if facts.shut_in:
        return Judgment("public", False, f"{facts.shut_in[0]} is in an isolated subnet, which has no way out", _PUBLIC)
    for flows, home, at in ((facts.there, facts.public[1], 1), (facts.back, facts.public[0], 0)):
        if flows and not home:
            return Judgment("public", False, f"{facts.between[at]} has no public subnet", _PUBLIC)
    return Judgment(
        "public", True, "needs only the internet; open to everybody, so TLS and a key or client certificate with every request", _PUBLIC
    )


METHODS: tuple[Callable[[Facts, Providers], Judgment], ...] = (
    _peering,
    _private("aws-privatelink", "aws", _AWS_PRIVATELINK),
    _private("azure-private-link", "azure", _AZURE_PRIVATE_LINK),
    _vpn,
    _public,
)
"""In the order in which they are preferred."""
