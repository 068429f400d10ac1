"""The tables of `budnet show certificates`: what the file plans, and what a twin that is up presents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from budnet.cli.which_twin import running
from budnet.errors import OtherTwin
from budnet.ir.names import Certificate
from budnet.ir.network import Network
from budnet.pki import expiry
from budnet.pki.plan import presented

Rows = list[tuple[str, ...]]
PLANNED = ["name", "issuer", "key", "lifetime", "renewed after", "presented by", "covers", "line"]
PRESENTED = ["endpoint", "asked as", "key", "signed by", "serial", "from", "until", "renewed from", "state"]


def planned(network: Network) -> Rows:
    """Every row of the certificate table with who presents it, what no row covers, and the TLS profiles."""
    by_layer: dict[str, list[tuple[str, str]]] = {}
    for endpoint in network.inside:
        for one in presented(network, endpoint):
            by_layer.setdefault(one.layer, []).append((endpoint.service, one.key))
    rows: Rows = [_row(c, by_layer.pop(c.id, [])) for c in network.certificates]
    for layer, uses in by_layer.items():
        time = expiry.lifetime("internal-ca", 0)
        rows.append((layer, "internal-ca", _keys(uses), *_times(time), _who(uses), "what no row covers", ""))
    for p in network.tls_profiles:
        suites = ", ".join((*p.ciphers, *p.ciphersuites)) or p.managed_by
        rows.append((p.id, f"TLS {p.minimum} or later", p.key, "", "", "", suites, str(p.origin)))
    return rows


def now(network: Network, file: str | None, name: str) -> Rows | None:
    """What the servers of the twin of this network present; None where it is not up, or not of this."""
    from budnet.probe.certificates import found

    try:
        twin = running(network, file, name)
    except OtherTwin as other:
        click.echo(f"budnet: {other}", err=True)
        return None
    if twin is None:
        return None
    return [
        (f.endpoint, f.name, f.key, f.issuer, f.serial, _date(f.begins), _date(f.ends),
         _date(expiry.due(f.begins, f.ends) if f.begins and f.ends else None), f.state)
        for f in found(network, twin)
    ]  # fmt: skip


def _row(row: Certificate, uses: list[tuple[str, str]]) -> tuple[str, ...]:
    issuer = f"{row.issuer} {row.challenge}".strip() if row.issuer != "acme" else f"{row.directory} {row.challenge}"
    if row.issuer == "files":
        return (row.id, issuer, "as the file", "as the file", "as the file", _who(uses), _covers(row), str(row.origin))
    time = expiry.lifetime(row.issuer, row.lifetime)
    key = row.key or _keys(uses)
    return (row.id, issuer, key, *_times(time), _who(uses) or ", ".join(row.services), _covers(row), str(row.origin))


def _covers(row: Certificate) -> str:
    """A Service has four forms of its name: the first form stands for them."""
    if row.issuer == "dapr-sentry":
        return "an identity for each"
    own = [n for n in row.names if not any(n == s or n.startswith(f"{s}.") for s in row.services)]
    return ", ".join([*own, *(f"{s} in every form" for s in row.services)])


def _times(time: timedelta) -> tuple[str, str]:
    start = datetime(2000, 1, 1, tzinfo=UTC)
    return expiry.words(time), expiry.words(expiry.due(start, start + time) - start)


def _keys(uses: list[tuple[str, str]]) -> str:
    return ", ".join(dict.fromkeys(key for _, key in uses))


def _who(uses: list[tuple[str, str]]) -> str:
    return ", ".join(dict.fromkeys(endpoint for endpoint, _ in uses))


def _date(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M}" if when else ""
