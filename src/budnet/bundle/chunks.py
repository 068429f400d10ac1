"""A bundle as numbered pieces of a limited size, for media that take no more, and the way back.

The pieces are one tar file, cut: names in order, no times and no owners in it, so equal bundles have equal pieces. `pieces.json` has
the digest of each, so that a medium that was read badly is known by its number.
"""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from budnet.bundle import oci
from budnet.bundle.oci import BadBundle
from budnet.bundle.write import PARTIAL
from budnet.errors import OutputError

LIST = "pieces.json"
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = re.compile(r"([0-9]+)([KMGT]?)B?")
_SMALLEST = 1 << 10
_PIECE = 1 << 20


def size(text: str) -> int:
    """`4GB`, `700MB`, in bytes. ValueError where it is none, or too small to be meant."""
    found = _SIZE.fullmatch(text.strip().upper())
    if found is None or int(found[1]) * _UNITS[found[2]] < _SMALLEST:
        raise ValueError(f"'{text}' is no size: write 4GB or 700MB, at least 2KB")
    return int(found[1]) * _UNITS[found[2]]


def cut(bundle: Path, out: Path, limit: int) -> list[Path]:
    """The pieces of a bundle, in a folder of their own that did not exist."""
    if out.exists():
        raise OutputError(f"{out} is there already: choose another place")
    partial = out.with_name(out.name + PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    writer = _Cutter(partial, limit)
    with tarfile.open(fileobj=writer, mode="w|", format=tarfile.PAX_FORMAT) as archive:  # type: ignore[call-overload]
        for path in sorted(p for p in bundle.rglob("*") if p.is_file()):
            about = tarfile.TarInfo(str(path.relative_to(bundle)))
            about.size, about.mode = path.stat().st_size, 0o644
            with path.open("rb") as content:
                archive.addfile(about, content)
    writer.close()
    listed = [{"name": n, "digest": d, "size": s} for n, d, s in writer.done]
    (partial / LIST).write_bytes(oci.as_json({"schema": "budnet.pieces/1", "pieces": listed}))
    partial.rename(out)
    return [out / n for n, _, _ in writer.done]


def join(pieces: Path, out: Path) -> None:
    """The bundle of a folder of pieces, in a folder that did not exist. BadBundle names the piece that is not as it was."""
    if out.exists():
        raise OutputError(f"{out} is there already: choose another place")
    said = oci.read_json((pieces / LIST).read_bytes(), LIST).get("pieces")
    if not isinstance(said, list) or not all(isinstance(p, dict) and re.fullmatch(r"piece-[0-9]+", str(p.get("name"))) for p in said):
        raise BadBundle(f"{LIST} has no list of pieces")
    for piece in said:
        _check(pieces / piece["name"], piece)
    partial = out.with_name(out.name + PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    reader = io.BufferedReader(_Joined([pieces / p["name"] for p in said]), _PIECE)
    try:
        with tarfile.open(fileobj=reader, mode="r|") as archive:
            for member in archive:
                archive.extract(member, partial, filter="data")
    except tarfile.TarError as wrong:
        raise BadBundle(f"the pieces are no bundle: {wrong}") from None
    partial.rename(out)


def _check(path: Path, piece: dict[str, object]) -> None:
    try:
        with path.open("rb") as content:
            found = f"sha256:{hashlib.file_digest(content, 'sha256').hexdigest()}"
    except OSError:
        raise BadBundle(f"{path.name} is missing") from None
    if found != piece["digest"]:
        raise BadBundle(f"{path.name} was changed or read badly: it is {found}")


class _Cutter:
    """A file to write to, that is several."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self.done: list[tuple[str, str, int]] = []
        self._open: IO[bytes] | None = None
        self._digest, self._size = hashlib.sha256(), 0

    def write(self, data: bytes) -> int:
        rest = memoryview(data)
        while rest:
            if self._open is None:
                self._open = (self.folder / f"piece-{len(self.done) + 1:04}").open("wb")
                self._digest, self._size = hashlib.sha256(), 0
            part = rest[: self.limit - self._size]
            self._open.write(part)
            self._digest.update(part)
            self._size += len(part)
            rest = rest[len(part) :]
            if self._size == self.limit:
                self.close()
        return len(data)

    def close(self) -> None:
        if self._open is not None:
            name = Path(self._open.name).name
            self._open.close()
            self.done.append((name, f"sha256:{self._digest.hexdigest()}", self._size))
            self._open = None


class _Joined(io.RawIOBase):
    """Several files to read from, as one."""

    def __init__(self, paths: list[Path]) -> None:
        self._parts = self._read(paths)
        self._rest = memoryview(b"")

    @staticmethod
    def _read(paths: list[Path]) -> Iterator[bytes]:
        for path in paths:
            with path.open("rb") as content:
                while data := content.read(_PIECE):
                    yield data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        if not self._rest:
            self._rest = memoryview(next(self._parts, b""))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
