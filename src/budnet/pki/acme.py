"""ACME (RFC 8555): a certificate from any directory, ordered, authorised and fetched.

The protocol is the `acme` package's (EFF); it is imported when an order is made, because it takes a tenth of a second.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from budnet.errors import OrderRefused
from budnet.pki import keys
from budnet.pki.issuer import Leaf, general_name

DNS, HTTP = "dns-01", "http-01"

Present = Callable[[str, str], None]
"""Shows one answer to the validator: (name, text). For dns-01 the name is `_acme-challenge.HOST` and the text its TXT record;
for http-01 the host, and the text of `/.well-known/acme-challenge/TOKEN`, which begins with the token."""


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
    """Seconds between looks at whether something has been done. Be kind to a public server."""
    patience: float = 60.0
    """Seconds until an order is given up."""


def account() -> bytes:
    """A new account key."""
    return keys.pem(keys.generate("ec-p256"))


def thumbprint(key: bytes) -> str:
    """What an HTTP-01 answer ends with (RFC 8555, section 8.1; RFC 7638): known before there is an order, so a web server can
    answer every challenge of an account by itself."""
    private = load_pem_private_key(key, None)
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    public = private.public_key().public_numbers()
    members = {"crv": "P-256", "kty": "EC", "x": _base64(public.x.to_bytes(32)), "y": _base64(public.y.to_bytes(32))}
    text = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return _base64(hashlib.sha256(text.encode()).digest())


def order(request: Request, present: Present) -> Leaf:
    """A certificate for the names, with a new key. Raises OrderRefused with the server's own reason."""
    import requests
    from acme import errors, messages

    try:
        return _order(request, present)
    except errors.ValidationError as failed:
        reasons = [
            f"{authorization.body.identifier.value}: {_reason(challenge.error)}"
            for authorization in failed.failed_authzrs
            for challenge in authorization.body.challenges
            if challenge.error is not None
        ]
        raise OrderRefused(f"the challenge failed for {'; '.join(reasons)}") from failed
    except errors.IssuanceError as failed:
        raise OrderRefused(f"the order was refused: {_reason(failed.error)}") from failed
    except messages.Error as failed:
        raise OrderRefused(f"the server refused: {_reason(failed)}") from failed
    except errors.TimeoutError as late:
        raise OrderRefused(f"the server has not answered for {request.patience:g} s") from late
    except requests.exceptions.SSLError as failed:
        raise OrderRefused(f"the directory's own certificate is not trusted: {_root_cause(failed)}") from failed
    except requests.exceptions.RequestException as failed:
        raise OrderRefused(f"{request.directory} cannot be reached: {_root_cause(failed)}") from failed
    except errors.Error as failed:
        raise OrderRefused(f"the server's answer makes no sense: {failed}") from failed


def _order(request: Request, present: Present) -> Leaf:
    from acme import challenges, client, messages
    from acme import errors as failures
    from josepy.jwa import ES256
    from josepy.jwk import JWKEC

    account_key = JWKEC(key=load_pem_private_key(request.account, None))
    trust = cast(bool, str(request.trust) if request.trust else True)  # it is handed on to a library that takes a path, too
    net = client.ClientNetwork(account_key, alg=ES256, user_agent="budnet", verify_ssl=trust)

    class Paced(client.ClientV2):
        """The library waits a second before it looks; we wait as long as we were told to."""

        def settled(self, url: str, until: float, what: Callable[[Any], bool]) -> Any:
            while True:
                answer = self._post_as_get(url).json()
                if what(answer["status"]):
                    return answer
                if time.monotonic() > until:
                    raise failures.TimeoutError
                time.sleep(request.pace)

        def text(self, url: str) -> str:
            return str(self._post_as_get(url).text)

    acme = Paced(Paced.get_directory(request.directory, net), net)
    try:
        acme.new_account(messages.NewRegistration.from_data(terms_of_service_agreed=True))
    except failures.ConflictError as known:  # this key has an account already
        net.account = messages.RegistrationResource(uri=known.location, body=messages.Registration())
    key = keys.generate(request.key)
    made = acme.new_order(_csr(key, request.names))
    until = time.monotonic() + request.patience
    wanted = challenges.DNS01 if request.challenge == DNS else challenges.HTTP01
    todo = []
    for authorization in made.authorizations:
        host = authorization.body.identifier.value
        offered = [c for c in authorization.body.challenges if isinstance(c.chall, wanted)]
        if not offered:
            kinds = ", ".join(sorted(c.chall.typ for c in authorization.body.challenges))
            raise OrderRefused(f"the server offers no {request.challenge} for {host}, only {kinds}")
        response, text = offered[0].response_and_validation(account_key)
        present(offered[0].chall.validation_domain_name(host) if request.challenge == DNS else host, text)
        todo.append((offered[0], response))
    for challenge, response in todo:
        acme.answer_challenge(challenge, response)
    for authorization in made.authorizations:
        acme.settled(authorization.uri, until, lambda status: status != "pending")
    made = acme.poll_authorizations(made, datetime.now() + timedelta(seconds=request.patience))
    acme.begin_finalization(made)
    body = acme.settled(made.uri, until, lambda status: status in ("valid", "invalid"))
    if body["status"] == "invalid":
        raise failures.IssuanceError(messages.Error.from_json(body.get("error", {"detail": "the server gives no reason"})))
    return Leaf(acme.text(body["certificate"]).encode(), keys.pem(key))


def _csr(key: keys.PrivateKey, names: Sequence[str]) -> bytes:
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    builder = builder.add_extension(x509.SubjectAlternativeName([general_name(n) for n in names]), critical=False)
    return builder.sign(key, keys.signing_hash(key)).public_bytes(Encoding.PEM)


def _reason(error: Any) -> str:
    """`rateLimited: too many certificates already issued`: the type's last word, and what the server says."""
    kind = str(error.typ or "").rpartition(":")[2]
    return ": ".join(x for x in (kind, str(error.detail or "")) if x)


def _root_cause(failed: BaseException) -> str:
    """The innermost reason: what the kernel or TLS said, without the layers of a library around it."""
    seen: list[BaseException] = [failed]
    while True:
        last = seen[-1]
        inner = getattr(last, "reason", None) or last.__cause__ or last.__context__
        inner = inner if isinstance(inner, BaseException) else next((a for a in last.args if isinstance(a, BaseException)), None)
        if inner is None or inner in seen:
            return str(last)
        seen.append(inner)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
