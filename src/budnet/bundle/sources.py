"""Where artefacts come from. A source says which blobs an artefact has, and hands them out one after the other."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from budnet.bundle import oci
from budnet.bundle.oci import BadBundle, Descriptor
from budnet.bundle.push import split
from budnet.bundle.registry import Registry
from budnet.ir.bundle import Item

PIECE = 1 << 20
_HELM_CONFIG, _HELM_CHART = "application/vnd.cncf.helm.config.v1+json", "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_FILE = "application/octet-stream"
CHART_IMAGES = "artifacthub.io/images"
"""The annotation of Chart.yaml in which charts say what images they run (artifacthub.io/docs/topics/annotations/helm)."""

Pieces = Iterator[bytes]


@dataclass
class Source:
    """One artefact: its top manifest, and each blob below it with the bytes when they are wanted."""

    top: Descriptor
    blobs: list[tuple[Descriptor, Callable[[], Pieces]]]
    images: tuple[str, ...] = ()
    """Of a chart: the images that it says it runs."""
    files: list[Descriptor] = field(default_factory=list)


def open_source(item: Item, base: Path, authority: Path | None = None) -> Source:
    """The source of an item of the file; `base` is where the file lies. BadBundle or OSError where it cannot be read."""
    if item.kind == "image":
        return _image(item, base, authority)
    path = base / item.source
    if item.kind == "chart":
        return _chart(path)
    return _folder(item.kind, path)


# ---- images -------------------------------------------------------------------------------------------------------------------


def _image(item: Item, base: Path, authority: Path | None) -> Source:
    if "://" in item.source:
        where = urlsplit(item.source)
        registry = Registry(where.hostname or "", where.port or 443, authority, tls=where.scheme == "https")
        name, tag = split(where.path.lstrip("/"))
        top, data = registry.manifest(name, item.digest or tag)
        held = {top.digest: data}

        def manifest(each: Descriptor) -> bytes:
            if each.digest not in held:
                held[each.digest] = registry.manifest(name, each.digest)[1]
            return held[each.digest]

        def pieces(each: Descriptor) -> Pieces:
            return registry.blob(name, each)

        return _whole(item, top, manifest, pieces)
    path = base / item.source
    return _archive(item, path) if path.is_file() else _layout(item, path)


def _layout(item: Item, path: Path) -> Source:
    def pieces(each: Descriptor) -> Pieces:
        return _of_file(path / "blobs" / "sha256" / each.digest[7:])

    index = oci.read_json((path / "index.json").read_bytes(), f"{item.source}/index.json")
    return _whole(item, _top(item, index), lambda each: b"".join(pieces(each)), pieces)


def _archive(item: Item, path: Path) -> Source:
    """A layout in a tar file, as `skopeo copy ... oci-archive:` and `docker buildx` write it."""
    try:
        archive = tarfile.open(path)  # noqa: SIM115 its members are read as long as the source is used
        members = {m.name.removeprefix("./"): m for m in archive if m.isfile()}
    except tarfile.TarError as wrong:
        raise BadBundle(f"{item.source} is neither an OCI layout nor an archive of one: {wrong}") from None

    def pieces(each: Descriptor) -> Pieces:
        name = f"blobs/sha256/{each.digest[7:]}"
        content = archive.extractfile(members[name]) if name in members else None
        if content is None:
            raise BadBundle(f"{item.source} has no {name}")
        return _of_stream(content)

    found = archive.extractfile(members["index.json"]) if "index.json" in members else None
    if found is None:
        raise BadBundle(f"{item.source} has no index.json: it is no OCI archive (what `docker save` wrote before Docker 25 is none)")
    return _whole(item, _top(item, oci.read_json(found.read(), f"{item.source}: index.json")), lambda each: b"".join(pieces(each)), pieces)


def _top(item: Item, index: dict[str, Any]) -> Descriptor:
    """The manifest that is meant: by digest; else by the name's tag; else the only one."""
    entries = index.get("manifests")
    if not isinstance(entries, list) or not entries:
        raise BadBundle(f"{item.source} has no manifest in its index")
    found = [(oci.descriptor(e), (e.get("annotations") or {}).get(oci.NAME, "")) for e in entries]
    if item.digest:
        found = [f for f in found if f[0].digest == item.digest]
    elif len(found) > 1:
        found = [f for f in found if f[1] in (item.name, split(item.name)[1])]
    if not found:
        raise BadBundle(f"{item.source} has no {item.digest or item.name}")
    return found[0][0]


def _whole(item: Item, top: Descriptor, manifest: Callable[[Descriptor], bytes], pieces: Callable[[Descriptor], Pieces]) -> Source:
    if item.digest and top.digest != item.digest:
        raise BadBundle(f"{item.name} is {top.digest}, and the file says {item.digest}")
    blobs: list[tuple[Descriptor, Callable[[], Pieces]]] = []
    for each in oci.leads_to(top, manifest):
        if each.media_type in (*oci.MANIFESTS, *oci.INDEXES):
            data = manifest(each)
            blobs.append((each, lambda data=data: iter([data])))  # type: ignore[misc]
        else:
            blobs.append((each, lambda each=each: pieces(each)))  # type: ignore[misc]
    return Source(top, blobs)


# ---- charts, models, packages, files ----------------------------------------------------------------------------------------


def _chart(path: Path) -> Source:
    """A packaged chart (`helm package`)."""
    about = _chart_yaml(path)
    config = oci.as_json({k: v for k, v in about.items() if isinstance(v, str | bool | int)})
    layer = _described(path, _HELM_CHART, path.name)
    top_config = oci.of(config, _HELM_CONFIG)
    body = oci.artefact("chart", [layer], top_config)
    return Source(
        oci.of(body, oci.MANIFEST), [*_made(body, config, _HELM_CONFIG), (layer, lambda: _of_file(path))], _images(about), [layer]
    )


def _chart_yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        with tarfile.open(path) as archive:
            member = next((m for m in archive if m.isfile() and m.name.count("/") == 1 and m.name.endswith("/Chart.yaml")), None)
            content = archive.extractfile(member) if member else None
            found = yaml.safe_load(content.read()) if content else None
    except (tarfile.TarError, yaml.YAMLError, EOFError) as wrong:
        raise BadBundle(f"{path.name} is no packaged chart: {wrong}") from None
    if not isinstance(found, dict) or "name" not in found:
        raise BadBundle(f"{path.name} has no Chart.yaml")
    return found


def _images(about: dict[str, Any]) -> tuple[str, ...]:
    import yaml

    notes = about.get("annotations")
    said = notes.get(CHART_IMAGES, "") if isinstance(notes, dict) else ""
    try:
        rows = yaml.safe_load(said) or []
    except yaml.YAMLError:
        raise BadBundle(f"annotation {CHART_IMAGES} of chart '{about['name']}' is not YAML") from None
    return tuple(str(row["image"]) for row in rows if isinstance(row, dict) and "image" in row)


def _folder(kind: str, path: Path) -> Source:
    """A layer for each file, by its path below the folder."""
    found = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    if not found:
        raise BadBundle(f"{path.name} has no files")
    layers = [(_described(p, _FILE, str(p.relative_to(path)) if path.is_dir() else p.name), p) for p in found]
    body = oci.artefact(kind, [layer for layer, _ in layers])
    pieces = [(layer, lambda p=p: _of_file(p)) for layer, p in layers]
    return Source(oci.of(body, oci.MANIFEST), [*_made(body, oci.EMPTY, oci.EMPTY_TYPE), *pieces], (), [layer for layer, _ in layers])


def _made(body: bytes, config: bytes, config_type: str) -> list[tuple[Descriptor, Callable[[], Pieces]]]:
    return [(oci.of(body, oci.MANIFEST), lambda: iter([body])), (oci.of(config, config_type), lambda: iter([config]))]


# ---- bytes ------------------------------------------------------------------------------------------------------------------


def _described(path: Path, media_type: str, title: str) -> Descriptor:
    digest, size = hashlib.sha256(), 0
    for piece in _of_file(path):
        digest.update(piece)
        size += len(piece)
    return Descriptor(media_type, f"sha256:{digest.hexdigest()}", size, title)


def _of_file(path: Path) -> Pieces:
    with path.open("rb") as content:
        yield from _of_stream(content)


def _of_stream(content: IO[bytes]) -> Pieces:
    while piece := content.read(PIECE):
        yield piece
