"""The authorities of a twin as text, and what they signed: what a rotation reads, changes and writes back. It has private keys in it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

from budnet.pki import keys
from budnet.pki.authority import Authority
from budnet.pki.issuer import Issuer, Leaf, Template

INTERNAL, MESH, ACME, FILES = "internal", "mesh", "acme", "files"
"""Who signs: the internal CA, the Sentry of the mesh, an ACME server, or whoever the user asked. The first two are a vault's authorities."""

CLIENTS = "clients"
"""The layer, and the `software`, of certificates that clients show; there the server is the file that has it."""

SIDECAR = "sidecar"
"""The `software` of who presents an identity of the mesh; there the server is the app, `cluster/namespace/app`."""


@dataclass
class Issued:
    """One certificate that a server presents, or a client, and what is needed to make the next one."""

    server: str
    """The endpoint's id."""
    software: str
    """What speaks TLS there: `postgresql`, `redis`, `haproxy`, `front`, `registry`, SIDECAR, or CLIENTS."""
    number: int
    """Which of the server's certificates; most have one."""
    process: str
    """The process's name: the endpoint's id, or that of a front before several."""
    files: tuple[str, ...]
    """In the process's directory: `.crt` has the chain, `.key` the key, `.pem` both."""
    port: int
    layer: str
    names: tuple[str, ...]
    key: str
    seconds: float
    """Its lifetime."""
    signed: str
    origin: str
    age: float = 0.0
    """Seconds ago at which it is to be dated: what shall have expired."""

    def template(self) -> Template:
        """What its issuer is asked for. An identity of the mesh is for both ends of a connection."""
        client, both = self.software == CLIENTS, self.signed == MESH
        return Template(self.names, timedelta(seconds=self.seconds), self.key, server=both or not client, client=both or client)

    def leaf(self, issuer: Issuer) -> Leaf:
        """The next certificate, with a new key."""
        return issuer.issue(self.template(), now=datetime.now(UTC) - timedelta(seconds=self.age))


@dataclass
class Vault:
    """The authorities, INTERNAL first, and what they signed."""

    authorities: dict[str, Authority]
    issued: list[Issued] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    """What signs in the twin and is no authority of this vault: sentences for a user."""

    @property
    def authority(self) -> Authority:
        """The internal CA."""
        return self.authorities[INTERNAL]

    def sign(self, one: Issued) -> Leaf:
        """The next certificate for one of these. Raises KeyError where no authority of ours signs it."""
        return one.leaf(self.authorities[one.signed].issuers[one.layer])

    def text(self) -> bytes:
        """As JSON."""
        body = {
            "authorities": {
                name: {"name": a.name, "root": _text(a.top), "issuers": {layer: _text(issuer) for layer, issuer in a.issuers.items()}}
                for name, a in self.authorities.items()
            },
            "issued": [asdict(i) for i in self.issued],
            "others": self.others,
        }
        return json.dumps(body).encode()

    @staticmethod
    def read(text: bytes) -> Vault:
        """What `text` wrote."""
        body = json.loads(text)
        authorities = {}
        for name, found in body["authorities"].items():
            authorities[name] = authority = Authority(found["name"])
            authority.top = _issuer(found["root"])
            authority.issuers = {layer: _issuer(issuer) for layer, issuer in found["issuers"].items()}
        issued = [Issued(**i | {"names": tuple(i["names"]), "files": tuple(i["files"])}) for i in body["issued"]]
        return Vault(authorities, issued, body["others"])


def _text(issuer: Issuer) -> list[str]:
    return [issuer.pem.decode(), keys.pem(issuer.key).decode(), issuer.chain.decode()]


def _issuer(text: list[str]) -> Issuer:
    certificate, key, chain = (x.encode() for x in text)
    return Issuer.load(certificate, key, chain)
