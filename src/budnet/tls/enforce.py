"""A profile, as a server can be told, and what it cannot be told.

Servers differ in which knobs they have, not in what TLS is. Where one has no knob the answer is a value that `check` and
`show` print, and the prober accepts exactly what the server does instead. It is never satisfied by taking away TLS 1.3.
Sources: HAProxy configuration manual 2.6, section 5.1; PostgreSQL 15, "Connections and Authentication: SSL" (18 adds
`ssl_tls13_ciphers` and `ssl_groups`); redis.conf 7.0; the configuration reference of distribution 2.8; Go's crypto/tls.
"""

from __future__ import annotations

from dataclasses import dataclass

from budnet.ir.endpoint import Endpoint
from budnet.ir.names import TlsProfile
from budnet.ir.network import Network
from budnet.records import replace
from budnet.tls import groups as named
from budnet.tls import suites


@dataclass(frozen=True, slots=True)
class Server:
    """What a kind of server can be told. `groups` is `list`, `one` (of NIST's curves) or `none`."""

    name: str
    ciphersuites: bool = True
    groups: str = "list"
    finite: bool = True
    """Whether it exchanges keys by DHE where the profile has such suites: some need parameters that nobody gives them."""
    offers: tuple[str, ...] = named.USUAL + named.FINITE
    """The groups it has where it is told none."""


HAPROXY = Server("HAProxy")
POSTGRESQL = Server("PostgreSQL before 18", ciphersuites=False, groups="one", offers=("P-256",))
REDIS = Server("Redis", groups="none", finite=False)
REGISTRY = Server("Docker Registry (Go)", ciphersuites=False, groups="none", finite=False, offers=("X25519", "P-256", "P-384", "P-521"))
SERVERS = {"haproxy": HAPROXY, "postgresql": POSTGRESQL, "redis": REDIS, "registry": REGISTRY}
"""By the `software` of a service; what has none, or none that speaks TLS itself, stands behind an HAProxy."""


@dataclass(frozen=True, slots=True)
class NotEnforceable:
    """`what` of a profile that a server cannot be told: it shows at least `least` and at most `most` in its place."""

    server: str
    what: str
    instead: str
    least: tuple[str, ...]
    most: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a server is told. An empty list leaves it its own; names are OpenSSL's."""

    minimum: str = "1.2"
    ciphers: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    clients: bool = False
    """Whether it asks for a client's certificate and turns away who has none."""

    @property
    def protocols(self) -> tuple[str, ...]:
        """`TLSv1.2`, `TLSv1.3`."""
        return tuple(f"TLSv{v}" for v in ("1.2", "1.3") if v >= self.minimum)


DEFAULT = Setting(
    ciphers=("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"), suites=("TLS_AES_256_GCM_SHA384",),
)  # fmt: skip
"""For servers that are started without a profile."""


def key_for(profile: TlsProfile) -> str:
    """The kind of key for a certificate under a profile: as it says; else RSA where its suites want that, else a curve's."""
    rsa = any((s := suites.find(c)) is not None and s.signed_by("rsa") for c in profile.ciphers)
    return profile.key or ("rsa-2048" if rsa else "ec-p256")


def server_of(endpoint: Endpoint) -> Server:
    """What speaks TLS at an endpoint."""
    return SERVERS.get(endpoint.software, HAPROXY)


def enforce(profile: TlsProfile, server: Server) -> tuple[Setting, tuple[NotEnforceable, ...]]:
    """The knobs that there are, and what has none."""
    told = Setting(profile.minimum, profile.ciphers, profile.ciphersuites, profile.groups, profile.clients)
    gaps: list[NotEnforceable] = []
    if profile.ciphersuites and not server.ciphersuites:
        told = replace(told, suites=())
        if set(profile.ciphersuites) != set(suites.USUAL_13):
            gaps.append(NotEnforceable(server.name, "the suites of TLS 1.3", "all three usual ones", suites.USUAL_13, suites.USUAL_13))
    finite = tuple(c for c in profile.ciphers if _exchange(c) == "DHE")
    if finite and not server.finite:
        told = replace(told, ciphers=tuple(c for c in profile.ciphers if c not in finite))
        gaps.append(NotEnforceable(server.name, "DHE suites of TLS 1.2", "none: they need parameters", (), told.ciphers))
    if profile.groups:
        told, more = _groups(told, profile, server)
        gaps += more
    return told, tuple(gaps)


def _exchange(name: str) -> str:
    found = suites.find(name)
    return found.key_exchange if found else ""


def _groups(told: Setting, profile: TlsProfile, server: Server) -> tuple[Setting, list[NotEnforceable]]:
    wanted, what = profile.groups, "the groups"
    if server.groups == "none":
        instead = f"its own: {', '.join(server.offers)}"
        # a newer library offers hybrids of its own accord
        return replace(told, groups=()), [NotEnforceable(server.name, what, instead, server.offers, (*server.offers, *named.HYBRIDS))]
    if server.groups == "one":
        chosen = next((g for g in wanted if named.BY_NAME[g.upper()].nist), "P-256")
        gap = [NotEnforceable(server.name, what, f"one curve, {chosen}", (chosen,), (chosen,))] if wanted != (chosen,) else []
        return replace(told, groups=(chosen,)), gap
    # OpenSSL before 3.5 refuses a list with a name that it does not know
    kept = tuple(g for g in wanted if g not in named.HYBRIDS)
    if kept == wanted:
        return told, []
    left = kept or server.offers
    return replace(told, groups=kept), [NotEnforceable(server.name, what, f"no hybrids: {', '.join(left)}", left, left)]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What must be there, and what may. `most` is None where nothing is said."""

    least: frozenset[str]
    most: frozenset[str] | None

    def admits(self, seen: tuple[str, ...]) -> bool:
        """Neither too few nor too many."""
        return self.least <= set(seen) and (self.most is None or set(seen) <= self.most)

    @property
    def text(self) -> str:
        """`A, B`; what may be there beside it in brackets."""
        if self.most is None:
            return "any"
        more = sorted(self.most - self.least)
        return ", ".join([*sorted(self.least), *(f"({m})" for m in more)]) or "none"


ANY = Bounds(frozenset(), None)


@dataclass(frozen=True, slots=True)
class Demand:
    """What a server under a profile has to show."""

    versions: tuple[str, ...]
    ciphers: Bounds
    ciphersuites: Bounds
    groups12: Bounds
    groups13: Bounds
    key: str
    """Such as `rsa-2048`; empty where the profile says nothing."""
    clients: bool
    gaps: tuple[NotEnforceable, ...]


def demand(profile: TlsProfile, server: Server, key: str) -> Demand:
    """`key` is what the certificate has: of a list for both kinds, a server can offer what its own kind can sign."""
    told, gaps = enforce(profile, server)
    by_part = {gap.what: gap for gap in gaps}
    usable = frozenset(c for c in profile.ciphers if (s := suites.find(c)) is not None and s.signed_by(key))
    ciphers = Bounds(usable, usable) if profile.ciphers else ANY
    if "DHE suites of TLS 1.2" in by_part and profile.ciphers:
        ciphers = Bounds(usable & set(told.ciphers), usable & set(told.ciphers))
    groups13 = _bounds(profile.groups, by_part.get("the groups"))
    curves = frozenset(g.name for g in named.GROUPS if g.elliptic)
    groups12 = Bounds(groups13.least & curves, groups13.most & curves) if groups13.most is not None else ANY
    if profile.ciphers and not any(_exchange(c) == "ECDHE" for c in usable):
        groups12 = Bounds(frozenset(), frozenset())
    versions = tuple(f"TLS {v}" for v in ("1.2", "1.3") if v >= profile.minimum)
    return Demand(
        versions,
        ciphers,
        _bounds(profile.ciphersuites, by_part.get("the suites of TLS 1.3")),
        groups12,
        groups13,
        profile.key,
        profile.clients,
        gaps,
    )


def _bounds(names: tuple[str, ...], gap: NotEnforceable | None) -> Bounds:
    if gap:
        return Bounds(frozenset(gap.least), frozenset(gap.most))
    return Bounds(frozenset(names), frozenset(names)) if names else ANY


def gaps(network: Network) -> list[tuple[TlsProfile, Endpoint, NotEnforceable]]:
    """What the servers of a network cannot be told, once for each profile and service."""
    found: dict[tuple[str, str, str], tuple[TlsProfile, Endpoint, NotEnforceable]] = {}
    profiles = {p.id: p for p in network.tls_profiles}
    for endpoint in network.endpoints:
        for name in dict.fromkeys(x.profile for x in endpoint.listeners if x.profile):
            for gap in enforce(profiles[name], server_of(endpoint))[1]:
                found.setdefault((name, endpoint.service, gap.what), (profiles[name], endpoint, gap))
    return list(found.values())
