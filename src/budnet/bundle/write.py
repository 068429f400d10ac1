"""Writes a bundle: beside its place, blob by blob, and then in one step.

What is interrupted is gone on with: a blob that is there already with the right bytes is not copied again, whether the
last try left it or the bundle that is replaced has it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from budnet.bundle import lock, oci
from budnet.bundle.oci import BadBundle, Descriptor
from budnet.errors import OutputError
from budnet.ir.bundle import Bundle, Item


class NotCarried(BadBundle):
    """A source is not there, or not what it says."""

    def __init__(self, item: Item, reason: str) -> None:
        super().__init__(f"{item.kind} '{item.name}': {reason}")
        self.item = item


Progress = Callable[[str, int, bool], None]
"""(name of the artefact, bytes of a blob, whether it was there already)."""
PARTIAL, OLD = ".partial", ".old"
_LAYOUT = oci.as_json({"imageLayoutVersion": "1.0.0"})


def blob(bundle: Path, digest: str) -> Path:
    """Where a blob lies in an OCI layout."""
    return bundle / "blobs" / "sha256" / digest.removeprefix("sha256:")


def write(
    topology: str, bundle: Bundle, base: Path, out: Path, key: Ed25519PrivateKey, extra: Iterable[tuple[Item, Path]] = (),
    progress: Progress = lambda *_: None, authority: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Writes `out` and returns its lock. `extra`: items that lie elsewhere than beside the file.

    NotCarried where a source is not what it says; OutputError where `out` is something else.
    """
    if out.exists() and not (out / lock.LOCK).exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} is there and is no bundle: choose another place")
    partial = out.with_name(out.name + PARTIAL)
    blob(partial, "").mkdir(parents=True, exist_ok=True)
    rows, entries, blobs = [], [], dict[str, int]()
    for item, where in (*((i, base) for i in bundle.items), *extra):
        row, top, held = _artefact(item, where, partial, out, progress, authority)
        rows.append(row)
        entries.append(top.json() | {"annotations": {oci.NAME: item.name, "org.budnet.kind": item.kind}})
        blobs |= held
    for stranger in blob(partial, "").iterdir():
        if f"sha256:{stranger.name}" not in blobs:
            stranger.unlink()
    rows.sort(key=lambda r: (r["kind"], r["name"]))
    entries.sort(key=lambda e: (e["annotations"]["org.budnet.kind"], e["annotations"][oci.NAME]))
    index = oci.as_json({"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": entries})
    needed = [{"image": image, "for": service} for image, service in sorted(bundle.needed)]
    made = {"schema": lock.SCHEMA, "topology": topology, "artefacts": rows, "blobs": blobs, "needed": needed,
            "index": oci.of(index, oci.INDEX).digest}  # fmt: skip
    text = oci.as_json(made)
    files = {"oci-layout": _LAYOUT, "index.json": index, lock.LOCK: text, lock.SIGNATURE: lock.sign(key, text),
             lock.PUBLIC: lock.public_text(key.public_key())}  # fmt: skip
    for name, data in files.items():
        (partial / name).write_bytes(data)
    _into_place(partial, out)
    return made


def _artefact(
    item: Item, base: Path, partial: Path, out: Path, progress: Progress, authority: Path | None
) -> tuple[dict[str, Any], Descriptor, dict[str, int]]:
    from budnet.bundle.sources import open_source

    try:
        source = open_source(item, base, authority)
        for each, pieces in source.blobs:
            progress(item.name, each.size, _place(each, pieces, partial, out))
    except BadBundle as wrong:
        raise NotCarried(item, str(wrong)) from None
    except OSError as refused:
        raise NotCarried(item, f"cannot read {item.source}: {refused.strerror}") from None
    row = {"kind": item.kind, "name": item.name, "digest": source.top.digest, "mediaType": source.top.media_type, "source": item.source,
           "size": sum(d.size for d, _ in source.blobs), "purpose": item.purpose}  # fmt: skip
    if source.files:
        row["files"] = [{"path": f.title, "digest": f.digest, "size": f.size} for f in source.files]
    if item.kind == "chart":
        row["images"] = sorted({*source.images, *item.images})
    return row, source.top, {d.digest: d.size for d, _ in source.blobs}


def _place(wanted: Descriptor, pieces: Callable[[], Iterable[bytes]], partial: Path, out: Path) -> bool:
    """One blob; whether it was there. Its bytes count, not what the source calls it."""
    target = blob(partial, wanted.digest)
    if _is(target, wanted):
        return True
    if _is(blob(out, wanted.digest), wanted):
        target.unlink(missing_ok=True)
        os.link(blob(out, wanted.digest), target)
        return True
    digest, size = hashlib.sha256(), 0
    coming = target.with_name(target.name + ".coming")
    with coming.open("wb") as file:
        for piece in pieces():
            digest.update(piece)
            size += len(piece)
            file.write(piece)
    if f"sha256:{digest.hexdigest()}" != wanted.digest or size != wanted.size:
        coming.unlink()
        raise BadBundle(f"blob {wanted.digest} has other bytes than its digest says ({size} of {wanted.size} bytes)")
    coming.replace(target)
    return False


def _is(path: Path, wanted: Descriptor) -> bool:
    try:
        if path.stat().st_size != wanted.size:
            return False
        with path.open("rb") as content:
            return f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}" == wanted.digest
    except OSError:
        return False


def _into_place(partial: Path, out: Path) -> None:
    """Two renames, where a bundle is replaced: there is no moment in which half a bundle lies at its place."""
    old = out.with_name(out.name + OLD)
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        out.rename(old)
    partial.rename(out)
    shutil.rmtree(old, ignore_errors=True)
