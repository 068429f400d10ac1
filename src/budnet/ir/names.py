"""DNS records, certificates and TLS rows."""

from __future__ import annotations

from msgspec import Struct

from budnet.ir.origin import Origin

PUBLIC_VIEW = "public"
"""The view that the internet sees. Every other view is a VPC's id."""
CLUSTERSET = "clusterset.local"
"""The zone of Services that clusters share (Kubernetes, KEP-1645: Multi-Cluster Services API)."""
TTL = 30
"""Seconds, where nothing else is written: what Kubernetes' own DNS server is deployed with."""


class Record(Struct, frozen=True):
    """A DNS record in one view. `kind` is A, AAAA, CNAME, PTR, SRV or TXT; SRV data is `priority weight port target`."""

    view: str
    name: str
    """In small letters, without the final dot."""
    kind: str
    data: str
    origin: Origin
    ttl: int = TTL


class Zone(Struct, frozen=True):
    """A domain of which a view knows all there is: what it has no record for does not exist.

    In a VPC such a zone covers the public one of the same name completely, as private zones of Route 53 and Azure do.
    """

    view: str
    name: str
    origin: Origin


class Certificate(Struct, frozen=True):
    """A row of the certificate table: what a layer presents, and who signs it."""

    id: str
    layer: str
    issuer: str
    names: tuple[str, ...]
    services: tuple[str, ...]
    """The services that present it; empty where it is for public names."""
    directory: str
    """The address of an ACME issuer's directory; empty for the others."""
    challenge: str
    """How an ACME issuer is shown the names; empty for the others."""
    files: tuple[str, ...]
    """Where a user's own chain and key are, as paths; empty for the others."""
    key: str
    """Such as `rsa-2048`; empty where the TLS profile of who presents it decides."""
    lifetime: int
    """In seconds; 0 means the issuer's own."""
    origin: Origin


class TlsProfile(Struct, frozen=True):
    """A row of the TLS table. Suites below 1.3 and suites of 1.3 are separate lists, as servers configure them."""

    id: str
    minimum: str
    ciphers: tuple[str, ...]
    ciphersuites: tuple[str, ...]
    groups: tuple[str, ...]
    key: str
    """The kind of key that certificates under this profile have, such as `rsa-2048`; empty where it says nothing."""
    managed_by: str
    origin: Origin
    clients: bool = False
    """Whether clients have to prove themselves by a certificate, too."""
