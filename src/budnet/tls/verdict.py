"""A profile and what a server showed, side by side: one row for each thing that can be right or wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from budnet.ir.names import TlsProfile
from budnet.tls.enforce import Bounds, Server, demand
from budnet.tls.scan import Seen


@dataclass(frozen=True, slots=True)
class Row:
    """`wanted` and `seen` are equal where it is as it should be. `about` is `profile`, or `server` for what no profile says."""

    what: str
    wanted: str
    seen: str
    about: str = "profile"


def compare(profile: TlsProfile, server: Server, seen: Seen, names: Sequence[str] = ()) -> list[Row]:
    """All rows. `names` are what the certificate has to cover."""
    wanted = demand(profile, server, seen.key)
    versions = ", ".join(wanted.versions)
    if seen.trouble:
        return [Row("versions", versions, seen.trouble)]
    rows = [Row("versions", versions, ", ".join(v for v in seen.suites) or "none")]
    lists = (
        ("TLS 1.2", "suites", seen.suites.get("TLS 1.2"), wanted.ciphers),
        ("TLS 1.3", "suites", seen.suites.get("TLS 1.3"), wanted.ciphersuites),
        ("TLS 1.2", "groups", seen.groups.get("TLS 1.2"), wanted.groups12),
        ("TLS 1.3", "groups", seen.groups.get("TLS 1.3"), wanted.groups13),
    )
    # a version that is not there, or should not be, is a row already
    rows += [_list(f"{v} {what}", found, bounds) for v, what, found, bounds in lists if found is not None and v in wanted.versions]
    if wanted.key:
        rows.append(Row("key", wanted.key, seen.key))
    rows += [Row("name", name, name if covers(seen.names, name) else f"not in {', '.join(seen.names)}", "server") for name in names]
    rows.append(
        Row("plaintext", "refused", seen.plaintext.partition(":")[0] if seen.plaintext.startswith("refused") else seen.plaintext, "server")
    )
    rows += _clients(wanted.clients, seen)
    return rows


def _list(what: str, found: Sequence[str], bounds: Bounds) -> Row:
    seen = ", ".join(sorted(found)) or "none"
    return Row(what, seen if bounds.admits(tuple(found)) else bounds.text, seen)


def _clients(wanted: bool, seen: Seen) -> Iterator[Row]:
    """A refusal proves something only where the same way is open to who has a certificate."""
    refused = seen.clients if seen.clients == "admitted" else "refused"
    yield Row("client without a certificate", "refused" if wanted else "admitted", refused if wanted else seen.clients)
    if wanted and seen.with_certificate:
        yield Row("client with a certificate", "admitted", seen.with_certificate)


def covers(held: Sequence[str], name: str) -> bool:
    """Whether a certificate with these names is one for `name`: a wildcard stands for exactly one label (RFC 6125, 6.4.3)."""
    name = name.lower()
    return any(h.lower() == name or (h.startswith("*.") and h[2:].lower() == name.partition(".")[2]) for h in held)
