"""The authority of a twin as text: what a rotation reads, changes and writes back. It has private keys in it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import timedelta

from budnet.pki import keys
from budnet.pki.authority import Authority
from budnet.pki.issuer import Issuer, Template

INTERNAL, ACME, FILES = "internal", "acme", "files"
"""Who signed what a server presents: our authority, an ACME server, or whoever the user asked."""

CLIENTS = "clients"
"""The layer, and the `software`, of certificates that clients show; there the server is the file that has it."""


@dataclass
class Issued:
    """One certificate that a server presents, or a client, and what is needed to make the next one."""

    server: str
    """The endpoint's id."""
    software: str
    """What speaks TLS there: `postgresql`, `redis`, `haproxy`, `front`, `registry`."""
    number: int
    """Which of the server's certificates; most have one."""
    process: str
    """The process's name: the endpoint's id, or that of a front before several."""
    files: tuple[int, ...]
    """The numbers of its files there, which HAProxy's have."""
    port: int
    layer: str
    names: tuple[str, ...]
    key: str
    seconds: float
    """Its lifetime."""
    signed: str
    origin: str

    def template(self) -> Template:
        """What its issuer is asked for."""
        client = self.software == CLIENTS
        return Template(self.names, timedelta(seconds=self.seconds), self.key, server=not client, client=client)


@dataclass
class Vault:
    """The authority and what it signed."""

    authority: Authority
    issued: list[Issued] = field(default_factory=list)

    def text(self) -> bytes:
        """As JSON."""
        root = self.authority.top
        body = {
            "name": self.authority.name,
            "root": _text(root),
            "issuers": {layer: _text(issuer) for layer, issuer in self.authority.issuers.items()},
            "issued": [asdict(i) for i in self.issued],
        }
        return json.dumps(body).encode()

    @staticmethod
    def read(text: bytes) -> Vault:
        """What `text` wrote."""
        body = json.loads(text)
        authority = Authority(body["name"])
        authority.top = _issuer(body["root"])
        authority.issuers = {layer: _issuer(issuer) for layer, issuer in body["issuers"].items()}
        return Vault(authority, [Issued(**i | {"names": tuple(i["names"]), "files": tuple(i["files"])}) for i in body["issued"]])


def _text(issuer: Issuer) -> list[str]:
    return [issuer.pem.decode(), keys.pem(issuer.key).decode(), issuer.chain.decode()]


def _issuer(text: list[str]) -> Issuer:
    certificate, key, chain = (x.encode() for x in text)
    return Issuer.load(certificate, key, chain)
