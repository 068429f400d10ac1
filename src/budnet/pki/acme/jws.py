"""Signed requests: JSON Web Signature as RFC 8555, section 6.2 wants it: flattened, ES256, its nonce and URL signed too."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

CONTENT_TYPE = "application/jose+json"


class Key:
    """An account's key, on P-256."""

    def __init__(self, pem: bytes) -> None:
        private = load_pem_private_key(pem, None)
        if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name != "secp256r1":
            raise ValueError("an account's key is one on P-256: ES256 signs with no other")
        self._private = private

    @property
    def jwk(self) -> dict[str, str]:
        """The public key (RFC 7518, section 6.2.1)."""
        public = self._private.public_key().public_numbers()
        return {"crv": "P-256", "kty": "EC", "x": base64url(public.x.to_bytes(32)), "y": base64url(public.y.to_bytes(32))}

    @property
    def thumbprint(self) -> str:
        """The hash of the public key's members in lexical order, without white space (RFC 7638, section 3)."""
        return base64url(hashlib.sha256(_compact(self.jwk)).digest())

    def sign(self, url: str, nonce: str, account: str, payload: Mapping[str, Any] | None) -> bytes:
        """The body of one POST. Without `account` the key itself is sent, as only newAccount may; without a payload it is
        a POST-as-GET (section 6.3). The signature is r and s at their full width, not DER (RFC 7518, section 3.4)."""
        who = {"kid": account} if account else {"jwk": self.jwk}
        protected = base64url(_compact({"alg": "ES256", "nonce": nonce, "url": url, **who}))
        body = "" if payload is None else base64url(_compact(payload))
        r, s = decode_dss_signature(self._private.sign(f"{protected}.{body}".encode(), ec.ECDSA(hashes.SHA256())))
        signature = base64url(r.to_bytes(32) + s.to_bytes(32))
        return _compact({"protected": protected, "payload": body, "signature": signature})


def base64url(data: bytes) -> str:
    """Without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _compact(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
