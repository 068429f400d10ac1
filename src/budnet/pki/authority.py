"""The internal CA: one root, and below it an issuer for every layer, made when it is first asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

from budnet.pki.issuer import ANYTHING, Issuer, Scope

ROOT_LIFETIME = timedelta(days=3650)
ISSUER_LIFETIME = timedelta(days=365)


class Authority:
    """A root and its issuers by layer. A layer is the id of a row of the file's certificate table.

    Separate issuers, so that one layer can be rotated, or its key lost, without the others.
    """

    def __init__(self, name: str, now: datetime | None = None) -> None:
        self.name, self.now = name, now
        self.top = Issuer.root(f"{name} root CA", ROOT_LIFETIME, now=now)
        self.issuers: dict[str, Issuer] = {}

    @property
    def root(self) -> bytes:
        """The root certificate in PEM: what clients trust."""
        return self.top.pem

    def issuer(self, layer: str, scope: Scope = ANYTHING, kind: str = "ec-p256", lifetime: timedelta = ISSUER_LIFETIME) -> Issuer:
        """The issuer of a layer; scope, kind and lifetime are those of the first call."""
        if layer not in self.issuers:
            self.issuers[layer] = self.top.subordinate(f"{self.name} {layer} CA", lifetime, kind, scope, self.now)
        return self.issuers[layer]
