"""Certificates: whether somebody signs them, and whether they are good for the names that clients use."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from budnet.lint.design import Design, covers
from budnet.lint.rule import ERROR, NOTE, WARNING, Hit, changed, of_row, rule
from budnet.model.topology import Topology

_DAY = 86400
_PUBLIC = "lets-encrypt"
# RFC 6761, RFC 6762, RFC 8244 and ICANN's reservation of .internal: nobody can own a name there
_NOBODYS = ("local", "internal", "test", "localhost", "invalid", "home.arpa")


@rule(
    "D201", ERROR, "a wildcard by a challenge that cannot show it",
    why="A challenge by HTTP or ALPN shows that one host is one's own. For a wildcard the whole zone must be, which only its DNS shows: the "
    "directory offers no other challenge, and the order fails.",
    source="RFC 8555, section 7.1.3; Let's Encrypt, Challenge Types", url="https://letsencrypt.org/docs/challenge-types/",
    help="write `challenge: dns-01`; the issuer then needs a way to the DNS provider's API",
)  # fmt: skip
def wildcard_challenge(design: Design) -> Iterator[Hit]:
    """A certificate by ACME has a wildcard, and a challenge other than dns-01."""
    for name, row in design.topology.certificates.items():
        wild = next((n for n in row.names if n.startswith("*.")), None)
        if row.issuer == _PUBLIC and wild and row.challenge not in (None, "dns-01"):
            summary = f"{wild} cannot be had by {row.challenge}"
            yield of_row("certificates", name, "challenge", summary, str(row.challenge), "dns-01", challenge="dns-01")


@rule(
    "D202", ERROR, "a public name that no certificate covers",
    why="A wildcard stands for exactly one label: *.example.com is good for api.example.com, and neither for example.com nor for "
    "ws.api.example.com. Clients refuse the connection.",
    source="RFC 6125, section 6.4.3; RFC 9525, section 6.3", url="https://www.rfc-editor.org/rfc/rfc9525#section-6.3",
    help="add the name, or a wildcard one label above it, to a certificate's `names`",
)  # fmt: skip
def uncovered(design: Design) -> Iterator[Hit]:
    """There are certificates with names, and an external name is covered by none of them."""
    rows = {name: row for name, row in design.topology.certificates.items() if row.names}
    added: dict[str, str] = {}
    for host in design.hosts if design.topology.certificates else ():
        label = host.removesuffix(f".{design.topology.domain}")
        if any(covers(n, host) for row in rows.values() for n in row.names):
            continue
        written = ", ".join(n for row in rows.values() for n in row.names) or "no certificate with names"
        home = next(iter(rows), None)
        new = added.setdefault(f"*.{host.partition('.')[2]}", host)
        if home is None or new != host:
            effective = f"covered by the name added for {new}" if home else "as written"
            yield Hit(("names", "external", label), label, f"no certificate covers {host}", written, effective, key=True)
        else:
            wild = f"*.{host.partition('.')[2]}"
            yield Hit(("names", "external", label), label, f"no certificate covers {host}", written, f"'{home}' is for {wild} as well", key=True,
                      repair=partial(_with, certificate=home, name=wild))  # fmt: skip


@rule(
    "D203", WARNING, "a lifetime that the issuer does not give",
    why="Let's Encrypt decides: 90 days, 64 from 2027-02-10 and 45 from 2028-02-16. What renews or warns by a fixed number of days "
    "will be too late; judge by the fraction that is left, or ask the directory (ARI, RFC 9773).",
    source="Let's Encrypt, Decreasing Certificate Lifetimes to 45 Days",
    url="https://letsencrypt.org/2025/12/02/from-90-to-45",
    help="leave `lifetime` out",
)  # fmt: skip
def too_long(design: Design) -> Iterator[Hit]:
    """A certificate by Let's Encrypt has a lifetime of more than 90 days."""
    for name, row in design.topology.certificates.items():
        if row.issuer == _PUBLIC and row.lifetime and row.lifetime > 90 * _DAY:
            summary = f"Let's Encrypt gives no certificate for {row.lifetime // _DAY} days"
            yield of_row("certificates", name, "lifetime", summary, f"{row.lifetime // _DAY}d", "90d", lifetime=90 * _DAY)


@rule(
    "D204", ERROR, "a public issuer for names of a cluster",
    why="A public authority signs only names that can be owned in the public DNS. `postgresql.NAMESPACE.svc.cluster.local` cannot.",
    source="CA/Browser Forum, Baseline Requirements, section 7.1.2.7.12 (no internal names)",
    url="https://cabforum.org/working-groups/server/baseline-requirements/documents/",
    help="write `issuer: internal-ca`",
)  # fmt: skip
def public_for_cluster(design: Design) -> Iterator[Hit]:
    """A certificate by Let's Encrypt is `for` services that run as pods."""
    for name, row in design.topology.certificates.items():
        pods = [s for s in design.services(row.for_) if design.is_pod(s)]
        if row.issuer == _PUBLIC and pods:
            summary = f"no public authority signs the cluster's names of '{pods[0]}'"
            yield of_row("certificates", name, "issuer", summary, _PUBLIC, "internal-ca", issuer="internal-ca", challenge=None)


@rule(
    "D205", WARNING, "a private issuer for what the internet sees",
    why="Browsers and other companies' clients do not know the internal authority: they refuse, or learn to click warnings away.",
    source="CA/Browser Forum, Baseline Requirements, section 1.1 (publicly trusted certificates)",
    url="https://cabforum.org/working-groups/server/baseline-requirements/documents/",
    help="write `issuer: lets-encrypt`, or let only address sets that trust your authority reach the load balancer",
)  # fmt: skip
def private_for_public(design: Design) -> Iterator[Hit]:
    """An external name at a load balancer that the internet may reach is covered by the internal authority alone."""
    open_to_all = {edge.target for edge in design.edges if edge.source == "internet"}
    for name, row in design.topology.certificates.items():
        hosts = [h for h, at in design.hosts.items() if at in open_to_all and any(covers(n, h) for n in row.names)]
        if row.issuer == "internal-ca" and hosts:
            yield of_row(
                "certificates", name, "issuer", f"{hosts[0]} is open to the internet, which does not know this issuer", "internal-ca"
            )


@rule(
    "D206", ERROR, "a public certificate for a name that nobody can own",
    why="The domain is reserved: it is in no public DNS, so no challenge can be answered and no public authority may sign it.",
    source="RFC 6761, section 6; RFC 6762, section 3", url="https://www.rfc-editor.org/rfc/rfc6761#section-6",
    help="take a domain that is registered to you, or `issuer: internal-ca`",
)  # fmt: skip
def unownable(design: Design) -> Iterator[Hit]:
    """A certificate by Let's Encrypt has a name under .local, .internal, .test, .localhost, .invalid or .home.arpa."""
    for name, row in design.topology.certificates.items():
        bad = [(i, n) for i, n in enumerate(row.names) if n.endswith(tuple(f".{end}" for end in _NOBODYS))]
        good = [n for n in row.names if n not in [host for _, host in bad]]
        for i, host in bad if row.issuer == _PUBLIC else []:
            yield Hit(("certificates", name, "names", i), name, f"no public authority signs {host}", host,
                      f"'{name}' is ordered without it" if good else "as written: the order fails",
                      partial(_without, certificate=name, host=host) if good else None)  # fmt: skip


def _with(topology: Topology, certificate: str, name: str) -> Topology:
    names = [*topology.certificates[certificate].names, name]
    return changed(topology, path=("certificates", certificate), names=names)  # type: ignore[no-any-return]


def _without(topology: Topology, certificate: str, host: str) -> Topology:
    names = [name for name in topology.certificates[certificate].names if name != host]
    return changed(topology, path=("certificates", certificate), names=names)  # type: ignore[no-any-return]


@rule(
    "D207", NOTE, "identities that live for long",
    why="An identity cannot be revoked: it is good until it expires. Sentry gives 24 hours, and sidecars renew by themselves; its root and "
    "issuer, of a year, do not.",
    source="Dapr, Setup & configure mTLS certificates; dapr/dapr issue 5958",
    url="https://docs.dapr.io/operations/security/mtls/",
    help="leave `lifetime` out, or write 24h",
)  # fmt: skip
def long_identity(design: Design) -> Iterator[Hit]:
    """A certificate by Dapr's Sentry has a lifetime of more than 24 hours."""
    for name, row in design.topology.certificates.items():
        if row.issuer == "dapr-sentry" and row.lifetime and row.lifetime > _DAY:
            summary = f"a stolen identity of '{name}' is good for up to {row.lifetime // _DAY} days"
            yield of_row("certificates", name, "lifetime", summary, f"{row.lifetime // 3600}h")
