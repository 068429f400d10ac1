"""Workload identities as Dapr's Sentry signs them: one SPIFFE ID for each app, whose replicas all have it.

What a certificate carries follows dapr/dapr `pkg/sentry`: the identity as a URI among its names, for both ends of a
connection, valid for a day and from a quarter of an hour before it was made, with the issuer behind it; root and issuer
last a year. Beside the URI ours carries one DNS name, `app.namespace.svc.cluster.local`, by which earlier
versions of Dapr knew a callee: HAProxy compares names and no URIs, and must know one before it sends anything.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from cryptography import x509

from budnet.ir.mesh import Identity
from budnet.pki.authority import Authority
from budnet.pki.issuer import Issuer, Leaf, Template, general_name

AUTHORITY_LIFETIME = timedelta(days=365)
"""Of root and issuer where Sentry makes them itself."""
LIFETIME = timedelta(days=1)
LAYER = "dapr-sentry"
"""What its issuer is called beside the layers of the internal CA: Sentry has one, for all of its rows in the certificate table."""
SUFFIX = "svc.cluster.local"


class Sentry:
    """A root, an issuer below it, and the identities that it signs. `kind` is the kind of key of both.

    Dapr signs ECDSA P-256 up to 1.17 and Ed25519 from 1.18 on.
    """

    def __init__(self, name: str, kind: str = "ec-p256", now: datetime | None = None) -> None:
        self.kind = kind
        self.authority = Authority(f"{name} mesh", now, kind, AUTHORITY_LIFETIME)

    @property
    def issuer(self) -> Issuer:
        """Who signs identities."""
        return self.authority.issuer(LAYER, kind=self.kind, lifetime=AUTHORITY_LIFETIME)

    @property
    def trust(self) -> bytes:
        """What every sidecar trusts, in PEM: Dapr's trust anchors."""
        return self.authority.root

    def sign(self, identity: Identity, lifetime: timedelta = LIFETIME, kind: str = "", now: datetime | None = None) -> Leaf:
        """A new key and its certificate."""
        return self.issuer.issue(Template(names_of(identity), lifetime, kind or self.kind, client=True), now=now)


def names_of(identity: Identity) -> tuple[str, str]:
    """What says whose a certificate is: these names, in this order, and no others."""
    return identity.uri, f"{identity.name}.{SUFFIX}"


def encoded_names(identity: Identity) -> bytes:
    """The same as they stand in a certificate (DER)."""
    return x509.SubjectAlternativeName([general_name(n) for n in names_of(identity)]).public_bytes()
