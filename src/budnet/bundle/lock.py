"""`bundle.lock`: what a bundle has in it, each thing by digest, with an Ed25519 signature (RFC 8032) over its bytes.

The bytes are canonical JSON (keys in order, no blanks), so equal bundles have equal locks and, signed with one key, equal signatures.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from budnet.bundle import oci
from budnet.bundle.oci import BadBundle

SCHEMA = "budnet.bundle-lock/1"
LOCK, SIGNATURE, PUBLIC = "bundle.lock", "bundle.lock.sig", "bundle.pub"


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key in a PEM file; where there is none, a new one is made and written there, for its owner's eyes only."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        import os

        key = Ed25519PrivateKey.generate()
        text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(text)
        return key
    try:
        found = serialization.load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadBundle(f"{path} has no private key that can be read") from None
    if not isinstance(found, Ed25519PrivateKey):
        raise BadBundle(f"{path} has a key of another kind than Ed25519")
    return found


def public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file, from whoever made the bundle and not from the bundle itself."""
    try:
        found = serialization.load_pem_public_key(path.read_bytes())
    except (ValueError, UnsupportedAlgorithm):
        raise BadBundle(f"{path} has no public key that can be read") from None
    if not isinstance(found, Ed25519PublicKey):
        raise BadBundle(f"{path} has a key of another kind than Ed25519")
    return found


def public_text(key: Ed25519PublicKey) -> bytes:
    """A public key as PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def sign(key: Ed25519PrivateKey, lock: bytes) -> bytes:
    """What is written to `bundle.lock.sig`."""
    return base64.b64encode(key.sign(lock)) + b"\n"


def is_signed(key: Ed25519PublicKey, lock: bytes, signature: bytes) -> bool:
    """Whether the key's owner signed exactly these bytes."""
    try:
        key.verify(base64.b64decode(signature, validate=False), lock)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def read(data: bytes) -> dict[str, Any]:
    """A lock. BadBundle where it is none of ours."""
    found = oci.read_json(data, LOCK)
    if found.get("schema") != SCHEMA or not isinstance(found.get("artefacts"), list) or not isinstance(found.get("blobs"), dict):
        raise BadBundle(f"{LOCK} is not of schema {SCHEMA}")
    return found
