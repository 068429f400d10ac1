"""DNS records, certificates and TLS rows."""

from __future__ import annotations

from dataclasses import dataclass

from budnet.ir.origin import Origin

PUBLIC_VIEW = "public"
"""The view that the internet sees. Every other view is a VPC's id."""


@dataclass(frozen=True, slots=True)
class Record:
    """A DNS record in one view. `kind` is A, AAAA, CNAME or SRV; SRV data is `priority weight port target`."""

    view: str
    name: str
    kind: str
    data: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Certificate:
    """A row of the certificate table: what a layer presents, and who signs it."""

    id: str
    layer: str
    issuer: str
    names: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class TlsProfile:
    """A row of the TLS table. Suites below 1.3 and suites of 1.3 are separate lists, as servers configure them."""

    id: str
    minimum: str
    ciphers: tuple[str, ...]
    ciphersuites: tuple[str, ...]
    managed_by: str
    origin: Origin
