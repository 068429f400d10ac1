"""From names to a certificate (RFC 8555, section 7): account, order, authorizations, challenges, CSR, chain."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from budnet.errors import OrderRefused
from budnet.pki import keys
from budnet.pki.acme.challenges import answer
from budnet.pki.acme.jws import Key, base64url
from budnet.pki.acme.wire import Answer, Wire, reason, text
from budnet.pki.issuer import Leaf, general_name

Present = Callable[[str, str], None]
"""Shows one answer to the validator: what `challenges.answer` returns."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is ordered, from whom."""

    directory: str
    names: Sequence[str]
    challenge: str
    account: bytes
    """The account's key, PEM; one on P-256."""
    key: str = "rsa-2048"
    trust: Path | None = None
    """Roots that the directory's own certificate is checked against; without, the machine's."""
    pace: float = 1.0
    """Seconds between looks at whether something has been done, where the server says nothing. Be kind to a public one."""
    patience: float = 60.0
    """Seconds until an order is given up."""


def account() -> bytes:
    """A new account key."""
    return keys.pem(keys.generate("ec-p256"))


def order(request: Request, present: Present) -> Leaf:
    """A certificate for the names, with a new key. Raises OrderRefused with the server's own reason."""
    key = Key(request.account)
    wire = Wire(request.directory, key, request.trust, request.patience)
    try:
        return _Order(request, key, wire).run(present)
    finally:
        wire.close()


class _Order:
    def __init__(self, request: Request, key: Key, wire: Wire) -> None:
        self.request, self.key, self.wire = request, key, wire

    def run(self, present: Present) -> Leaf:
        self.register()
        made = self.wire.post(self.wire.resource("newOrder"), {"identifiers": [_identifier(n) for n in self.request.names]})  # section 7.4
        where, found = made.location(), made.json()
        self.authorize(_urls(found, "authorizations"), present)
        ready = self.settled(where, ("pending",))
        private = keys.generate(self.request.key)
        if ready["status"] == "ready":
            self.wire.post(text(ready, "finalize"), {"csr": base64url(_csr(private, self.request.names))})
        done = self.settled(where, ("pending", "ready", "processing"))
        if done["status"] != "valid":
            raise OrderRefused(f"the order was refused: {reason(done.get('error')) or 'the server gives no reason'}")
        chain = self.wire.get(text(done, "certificate")).body
        _check(chain, private)
        return Leaf(chain, keys.pem(private))

    def register(self) -> None:
        """The account of this key, made if need be: a server that knows it says where (sections 7.3 and 7.3.1)."""
        meta = self.wire.directory.get("meta")
        if isinstance(meta, dict) and meta.get("externalAccountRequired"):
            raise OrderRefused("the server takes only accounts that it was told of (externalAccountRequired): choose another directory")
        made = self.wire.post(self.wire.resource("newAccount"), {"termsOfServiceAgreed": True})
        self.wire.account = made.location()

    def authorize(self, urls: Sequence[str], present: Present) -> None:
        """All answers are shown before the first is to be looked at, so that one change of a zone serves them all."""
        waiting, ready = [], []
        for url in urls:
            found = self.wire.get(url).json()
            if found.get("status") == "valid":  # of an earlier order
                continue
            host = _host(found)
            challenge = self.offered(found, host)
            present(*answer(self.request.challenge, host, text(challenge, "token"), self.key))
            waiting.append(url)
            ready.append(text(challenge, "url"))
        for url in ready:
            self.wire.post(url, {})  # section 7.5.1
        failed = [f for url in waiting if (f := self.settled(url, ("pending", "processing")))["status"] != "valid"]
        if failed:
            raise OrderRefused(f"the challenge failed for {'; '.join(map(_why, failed))}")

    def offered(self, authorization: Mapping[str, Any], host: str) -> Mapping[str, Any]:
        """The challenge that we answer. Raises OrderRefused where it is not offered."""
        offered = {str(c.get("type")): c for c in _challenges(authorization)}
        if self.request.challenge not in offered:
            raise OrderRefused(f"the server offers no {self.request.challenge} for {host}, only {', '.join(sorted(offered)) or 'nothing'}")
        return offered[self.request.challenge]

    def settled(self, url: str, unfinished: Collection[str]) -> dict[str, Any]:
        """An object once its status is another one; asked for as often as the server likes (section 7.5.1)."""
        while True:
            got: Answer = self.wire.get(url)
            found = got.json()
            if text(found, "status") not in unfinished:
                return found
            wait = got.wait()
            self.wire.pause(self.request.pace if wait is None else wait)


def _identifier(name: str) -> dict[str, str]:
    """RFC 8555, section 7.1.3; addresses by RFC 8738."""
    try:
        return {"type": "ip", "value": str(ip_address(name))}
    except ValueError:
        return {"type": "dns", "value": name}


def _csr(key: keys.PrivateKey, names: Sequence[str]) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName([general_name(n) for n in names]), critical=False)
    return builder.sign(key, keys.signing_hash(key)).public_bytes(Encoding.DER)


def _check(chain: bytes, key: keys.PrivateKey) -> None:
    """What came is a chain, and its first certificate is of our key (section 7.4.2)."""
    try:
        leaf = x509.load_pem_x509_certificates(chain)[0]
    except ValueError as unread:
        raise OrderRefused("the server's answer makes no sense: there is no certificate in it") from unread
    if leaf.public_key() != key.public_key():
        raise OrderRefused("the server's answer makes no sense: the certificate is of another key")


def _urls(found: Mapping[str, Any], member: str) -> list[str]:
    value = found.get(member)
    return [str(v) for v in value] if isinstance(value, list) else []


def _challenges(authorization: Mapping[str, Any]) -> list[dict[str, Any]]:
    value = authorization.get("challenges")
    return [c for c in value if isinstance(c, dict)] if isinstance(value, list) else []


def _host(authorization: Mapping[str, Any]) -> str:
    identifier = authorization.get("identifier")
    return text(identifier if isinstance(identifier, dict) else {}, "value")


def _why(authorization: Mapping[str, Any]) -> str:
    reasons = [r for c in _challenges(authorization) if (r := reason(c.get("error")))]
    return f"{_host(authorization)}: {'; '.join(reasons) or authorization['status']}"
