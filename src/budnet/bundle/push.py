"""From a bundle into a registry: blobs first, then manifests from the bottom up, then the tag."""

from __future__ import annotations

from pathlib import Path

from budnet.bundle import oci
from budnet.bundle.oci import BadBundle, Descriptor
from budnet.bundle.registry import Registry
from budnet.bundle.write import blob


def push_one(registry: Registry, bundle: Path, name: str, media_type: str, digest: str, size: int) -> str:
    """One artefact under its name; returns the digest that the registry has then."""
    repository, tag = split(name)
    top = Descriptor(media_type, digest, size)
    below = list(oci.leads_to(top, lambda each: _read(bundle, each)))
    for each in below:
        if each.media_type not in (*oci.MANIFESTS, *oci.INDEXES):
            with blob(bundle, each.digest).open("rb") as content:
                registry.push_blob(repository, each, content)
    for each in reversed([e for e in below if e.media_type in (*oci.MANIFESTS, *oci.INDEXES)]):
        registry.push_manifest(repository, tag if each is top else each.digest, each, _read(bundle, each))
    return registry.manifest(repository, tag)[0].digest


def split(name: str) -> tuple[str, str]:
    """(repository, tag): `a/b:1` is (`a/b`, `1`); a registry's own name in front goes, for a mirror has another one."""
    path, colon, tag = name.partition("@")[0].rpartition(":")
    if not colon or "/" in tag:
        path, tag = name.partition("@")[0], "latest"
    first, slash, rest = path.partition("/")
    return (rest if slash and ("." in first or ":" in first or first == "localhost") else path), tag


def _read(bundle: Path, each: Descriptor) -> bytes:
    try:
        return blob(bundle, each.digest).read_bytes()
    except OSError as refused:
        raise BadBundle(f"{each.digest}: {refused.strerror}") from None
