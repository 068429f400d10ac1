"""Profiles in the schema of Mozilla's Server Side TLS guidelines (https://ssl-config.mozilla.org/guidelines/6.0.json).

A file has `configurations` by name, or is one configuration; of one, these keys are read: `tls_versions`, `ciphers`
(`openssl`, else `iana`), `ciphersuites`, `tls_curves`, `certificate_types`, `certificate_curves`, `rsa_key_size`. The others
(HSTS, stapling, life times, oldest clients) are about other things than a connection's keys, and are left.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from budnet.catalog import tls_profiles

LARGEST = 1 << 20
_VERSIONS = {"SSLv3": "", "TLSv1": "", "TLSv1.1": "", "TLSv1.2": "1.2", "TLSv1.3": "1.3"}
_CURVES = {"prime256v1": "ec-p256", "secp256r1": "ec-p256", "secp384r1": "ec-p384"}
_RSA = {2048: "rsa-2048", 3072: "rsa-3072", 4096: "rsa-4096"}


class NotInSchema(ValueError):
    """What is wrong with a configuration, and what to do."""

    def __init__(self, summary: str, help: str) -> None:
        super().__init__(summary)
        self.help = help


@dataclass(frozen=True, slots=True)
class Published:
    """A profile as it was published: names of suites and groups as they stand there."""

    minimum: str
    ciphers: tuple[str, ...]
    ciphersuites: tuple[str, ...]
    groups: tuple[str, ...]
    key: str
    """Empty where several kinds are allowed."""


def shipped() -> Mapping[str, Any]:
    """The configurations that come with budnet, by name."""
    found: Mapping[str, Any] = tls_profiles()["configurations"]
    return found


def from_file(path: Path, name: str) -> Published:
    """A configuration of a user's own file; `name` may be empty where there is only one. Raises OSError, NotInSchema."""
    with path.open("rb") as file:
        text = file.read(LARGEST + 1)
    if len(text) > LARGEST:
        raise NotInSchema("it is larger than 1 MiB", "point to a file in the schema of Mozilla's guidelines")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise NotInSchema("it is not JSON", f"{wrong}") from None
    if not isinstance(data, dict):
        raise NotInSchema("it is not a JSON object", "write a configuration in the schema of Mozilla's guidelines")
    several = data.get("configurations", {name: data} if not name else {})
    if not isinstance(several, dict) or not several:
        raise NotInSchema("it has no `configurations`", "write a configuration in the schema of Mozilla's guidelines")
    if not name and len(several) > 1:
        raise NotInSchema("it has several configurations", f"add the name of one: {path.name}#{next(iter(several))}")
    chosen = name or next(iter(several))
    if chosen not in several:
        raise NotInSchema(f"it has no configuration '{chosen}'", f"choose from {', '.join(several)}")
    return read(several[chosen])


def read(data: object) -> Published:
    """One configuration. Raises NotInSchema."""
    if not isinstance(data, dict):
        raise NotInSchema("a configuration is not a JSON object", "write it in the schema of Mozilla's guidelines")
    ciphers = data.get("ciphers", {})
    below = ciphers.get("openssl", ciphers.get("iana", [])) if isinstance(ciphers, dict) else ciphers
    types, curves = _texts(data, "certificate_types"), _texts(data, "certificate_curves")
    return Published(
        _minimum(_texts(data, "tls_versions")),
        _texts({"ciphers": below}, "ciphers"),
        _texts(data, "ciphersuites"),
        _texts(data, "tls_curves"),
        _key(types, curves, data.get("rsa_key_size")),
    )


def _texts(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = [] if data.get(key) is None else data[key]
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        raise NotInSchema(f"`{key}` is not a list of names", f'write "{key}": ["..."]')
    return tuple(found)


def _minimum(versions: tuple[str, ...]) -> str:
    unknown = [v for v in versions if v not in _VERSIONS]
    if unknown or not versions:
        raise NotInSchema(
            f"`tls_versions` {f'has {unknown[0]!r}' if unknown else 'is missing'}", 'write "tls_versions": ["TLSv1.2", "TLSv1.3"]'
        )
    old = [v for v in versions if not _VERSIONS[v]]
    if old:
        raise NotInSchema(f"it allows {old[0]}", "RFC 8996 forbids TLS 1.0 and 1.1: begin at TLSv1.2")
    if "TLSv1.3" not in versions:
        raise NotInSchema("it does not allow TLSv1.3", "a profile has a minimum and no maximum: add TLSv1.3")
    return min(_VERSIONS[v] for v in versions)


def _key(types: tuple[str, ...], curves: tuple[str, ...], size: object) -> str:
    if types == ("rsa",):
        return _RSA.get(size, "rsa-2048") if isinstance(size, int) else "rsa-2048"
    if types == ("ecdsa",):
        return next((_CURVES[c] for c in curves if c in _CURVES), "ec-p256")
    return ""
