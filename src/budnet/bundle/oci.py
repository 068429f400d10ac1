"""Descriptors and manifests of the OCI image specification 1.1 (github.com/opencontainers/image-spec), as plain values."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from budnet.errors import BudnetError

MANIFEST, INDEX = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFESTS, INDEXES = (MANIFEST, DOCKER_MANIFEST), (INDEX, DOCKER_INDEX)
EMPTY_TYPE, EMPTY = "application/vnd.oci.empty.v1+json", b"{}"
NAME, TITLE = "org.opencontainers.image.ref.name", "org.opencontainers.image.title"
LARGEST_MANIFEST = 4 << 20
"""Bytes; what registries take (distribution specification, "Pushing Manifests")."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class BadBundle(BudnetError):
    """What was read is not what it says it is."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A blob: what it is, which bytes, how many."""

    media_type: str
    digest: str
    size: int
    title: str = ""

    def json(self) -> dict[str, Any]:
        """As manifests have it."""
        said: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        return said | ({"annotations": {TITLE: self.title}} if self.title else {})


def descriptor(said: object) -> Descriptor:
    """Reads one. BadBundle where it is none, or has a digest of another algorithm than SHA-256."""
    if not isinstance(said, Mapping) or not isinstance(said.get("size"), int) or said["size"] < 0:
        raise BadBundle("a descriptor without a size")
    digest = said.get("digest")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise BadBundle(f"{str(digest)[:80]!r} is no SHA-256 digest")
    notes = said.get("annotations")
    title = notes.get(TITLE, "") if isinstance(notes, Mapping) else ""
    return Descriptor(str(said.get("mediaType", "")), digest, said["size"], str(title))


def of(data: bytes, media_type: str, title: str = "") -> Descriptor:
    """The descriptor of bytes at hand."""
    return Descriptor(media_type, f"sha256:{hashlib.sha256(data).hexdigest()}", len(data), title)


def as_json(value: object) -> bytes:
    """The same bytes for the same value: keys in order, no blanks (RFC 8785 for values without fractions)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def read_json(data: bytes, what: str) -> dict[str, Any]:
    """An object. BadBundle where it is none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise BadBundle(f"{what} is not JSON") from None
    if not isinstance(found, dict):
        raise BadBundle(f"{what} is no JSON object")
    return found


def leads_to(top: Descriptor, read: Callable[[Descriptor], bytes]) -> Iterator[Descriptor]:
    """Everything below a manifest or index, itself first and each once for each title: manifests, configurations, layers.

    `read` gives the content of a manifest; what it raises goes on to the caller.
    """
    waiting, seen = [top], set[tuple[str, str]]()
    while waiting:
        here = waiting.pop(0)
        if (here.digest, here.title) in seen:
            continue
        seen.add((here.digest, here.title))
        yield here
        if here.media_type not in (*MANIFESTS, *INDEXES):
            continue
        body = read_json(read(here), f"manifest {here.digest}")
        below = body.get("manifests") if here.media_type in INDEXES else [body.get("config"), *(body.get("layers") or ())]
        if not isinstance(below, list):
            raise BadBundle(f"{here.digest} names nothing")
        waiting += [descriptor(each) for each in below]


def artefact(kind: str, layers: list[Descriptor], config: Descriptor | None = None) -> bytes:
    """The manifest of what is no image (image specification, "Guidelines for Artifact Usage")."""
    body: dict[str, Any] = {"schemaVersion": 2, "mediaType": MANIFEST}
    if config is None:
        body |= {"artifactType": f"application/vnd.budnet.{kind}.v1", "config": of(EMPTY, EMPTY_TYPE).json()}
    else:
        body["config"] = config.json()
    return as_json(body | {"layers": [layer.json() for layer in layers]})
