"""Whether a bundle is whole and what its maker signed. Reads files only: it works where there is no network, before anything is changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from budnet.bundle import lock, oci
from budnet.bundle.oci import BadBundle, Descriptor
from budnet.bundle.push import split
from budnet.bundle.write import blob

_FILES = ("oci-layout", "index.json", lock.LOCK, lock.SIGNATURE, lock.PUBLIC)


class Fault(NamedTuple):
    """`artefact` is empty where it is about the bundle as a whole; `file` is below the bundle."""

    artefact: str
    file: str
    what: str


def verify(bundle: Path, key: Path, needed: tuple[tuple[str, str], ...] = ()) -> tuple[dict[str, Any], list[Fault]]:
    """The lock, and all that is wrong. `needed`: (image, service) that have to be there beside those that the lock says.

    OSError or BadBundle where there is no bundle or no key to begin with.
    """
    trusted = lock.public_key(key)
    text = (bundle / lock.LOCK).read_bytes()
    said = lock.read(text)
    found = list(_signature(bundle, trusted, text))
    if found:
        return said, found  # whatever else the lock says is nobody's word
    sizes = {str(digest): int(size) for digest, size in said["blobs"].items()}
    found += _blobs(bundle, sizes, _owners(bundle, said))
    found += _extra(bundle, sizes)
    found += _index(bundle, said)
    for row in said["artefacts"]:
        found += _whole(bundle, row, sizes)
    found += _missing(said, needed)
    return said, list(dict.fromkeys(found))


def _signature(bundle: Path, trusted: Any, text: bytes) -> Iterator[Fault]:
    try:
        signature = (bundle / lock.SIGNATURE).read_bytes()
    except OSError:
        yield Fault("", lock.SIGNATURE, "the signature is missing")
        return
    if lock.is_signed(trusted, text, signature):
        return
    try:
        other = lock.public_key(bundle / lock.PUBLIC)
        theirs = lock.public_text(other) != lock.public_text(trusted) and lock.is_signed(other, text, signature)
    except (BadBundle, OSError):
        theirs = False
    yield Fault("", lock.SIGNATURE, "it is signed with another key than yours" if theirs else "the lock was changed after it was signed")


def _owners(bundle: Path, said: dict[str, Any]) -> dict[str, str]:
    """Which artefact a blob belongs to, as far as manifests can be read."""
    owners: dict[str, str] = {}
    for row in said["artefacts"]:
        try:
            for each in oci.leads_to(_top(bundle, row), lambda d: _read(bundle, d)):
                owners.setdefault(each.digest, row["name"])
        except (BadBundle, OSError):
            owners.setdefault(row["digest"], row["name"])
    return owners


def _blobs(bundle: Path, sizes: dict[str, int], owners: dict[str, str]) -> Iterator[Fault]:
    for digest, size in sorted(sizes.items()):
        path, owner = blob(bundle, digest), owners.get(digest, "")
        name = str(path.relative_to(bundle))
        try:
            with path.open("rb") as content:
                found, there = hashlib.file_digest(content, "sha256").hexdigest(), path.stat().st_size
        except OSError:
            yield Fault(owner, name, "the blob is missing")
            continue
        if there != size:
            yield Fault(owner, name, f"the blob has {there} bytes and not {size}")
        elif f"sha256:{found}" != digest:
            yield Fault(owner, name, f"the blob was changed: it is sha256:{found}")


def _extra(bundle: Path, sizes: dict[str, int]) -> Iterator[Fault]:
    wanted = {*_FILES, *(str(blob(bundle, d).relative_to(bundle)) for d in sizes)}
    for path in sorted(p for p in bundle.rglob("*") if not p.is_dir() or p.is_symlink()):
        name = str(path.relative_to(bundle))
        if name not in wanted:
            yield Fault("", name, "the lock does not have this file")
        elif path.is_symlink():
            yield Fault("", name, "a link to somewhere else")


def _index(bundle: Path, said: dict[str, Any]) -> Iterator[Fault]:
    """What other programs read has to be what was signed."""
    for name in ("oci-layout", "index.json"):
        if not (bundle / name).is_file():
            yield Fault("", name, "the file is missing")
            return
    if oci.of((bundle / "index.json").read_bytes(), oci.INDEX).digest != said.get("index"):
        yield Fault("", "index.json", "the index was changed after it was signed")
    if oci.read_json((bundle / "oci-layout").read_bytes(), "oci-layout").get("imageLayoutVersion") != "1.0.0":
        yield Fault("", "oci-layout", "this is not version 1.0.0 of the OCI image layout")


def _whole(bundle: Path, row: dict[str, Any], sizes: dict[str, int]) -> Iterator[Fault]:
    """Everything that a manifest leads to is in the lock, and a model's files are its layers."""
    try:
        below = list(oci.leads_to(_top(bundle, row), lambda d: _read(bundle, d)))
    except BadBundle as wrong:
        yield Fault(row["name"], "", str(wrong))
        return
    except OSError:
        return  # the blob is missing, which is said already
    for each in below:
        if each.digest not in sizes:
            yield Fault(
                row["name"], str(blob(bundle, each.digest).relative_to(bundle)), "a manifest needs this blob, and the lock does not have it"
            )
    titles = {e.title: e.digest for e in below if e.title}
    for file in row.get("files", ()):
        if titles.get(file["path"]) != file["digest"]:
            yield Fault(row["name"], file["path"], f"the artefact's manifest does not have it as {file['digest']}")


def _missing(said: dict[str, Any], needed: tuple[tuple[str, str], ...]) -> Iterator[Fault]:
    """What the topology's services and the charts run is a part of what is carried."""
    there = {split(row["name"]) for row in said["artefacts"] if row["kind"] == "image"}
    by_digest = {row["digest"] for row in said["artefacts"] if row["kind"] == "image"}
    wanted = [(n["image"], f"service '{n['for']}'") for n in said.get("needed", ())] + [(i, f"service '{s}'") for i, s in needed]
    wanted += [(i, f"chart '{row['name']}'") for row in said["artefacts"] for i in row.get("images", ())]
    for image, by in wanted:
        pinned = image.partition("@")[2]
        if (pinned not in by_digest) if pinned else (split(image) not in there):
            yield Fault(image, "", f"the image is not in the bundle, and {by} runs it")


def _top(bundle: Path, row: dict[str, Any]) -> Descriptor:
    digest = oci.descriptor({"digest": row["digest"], "size": 0}).digest
    return Descriptor(row["mediaType"], digest, blob(bundle, digest).stat().st_size)


def _read(bundle: Path, each: Descriptor) -> bytes:
    return blob(bundle, each.digest).read_bytes()
