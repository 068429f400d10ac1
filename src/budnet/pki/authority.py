"""An authority: one root, and below it an issuer for every layer, made when it is first asked for."""

from __future__ import annotations

from datetime import datetime, timedelta

from budnet.pki.issuer import ANYTHING, SKEW, Issuer, Scope

ROOT_LIFETIME = timedelta(days=3650)
ISSUER_LIFETIME = timedelta(days=365)


class Authority:
    """A root and its issuers by layer. A layer is the id of a row of the file's certificate table.

    Separate issuers, so that one layer can be rotated, or its key lost, without the others. `kind` is the root's kind of key.
    """

    def __init__(self, name: str, now: datetime | None = None, kind: str = "ec-p256", lifetime: timedelta = ROOT_LIFETIME) -> None:
        self.name, self.now = name, now
        self.top = Issuer.root(f"{name} root CA", lifetime, kind, now=now)
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

    def renew(self, layer: str) -> None:
        """A new key for a layer's issuer, below the root that is there now; name, scope and lifetime stay."""
        old = self.issuers[layer]
        self.issuers[layer] = self.top.subordinate(f"{self.name} {layer} CA", _lifetime(old), old.kind, old.scope)

    def successor(self) -> Authority:
        """The same with a new key for the root, and for every issuer below it."""
        new = Authority(self.name, kind=self.top.kind, lifetime=_lifetime(self.top))
        new.issuers = dict(self.issuers)
        for layer in self.issuers:
            new.renew(layer)
        return new


def _lifetime(issuer: Issuer) -> timedelta:
    return issuer.certificate.not_valid_after_utc - issuer.certificate.not_valid_before_utc - SKEW
