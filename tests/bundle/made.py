"""Small real artefacts: an image of one layer, one for two architectures, a chart, a model."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from budnet.bundle import oci
from budnet.bundle.oci import Descriptor

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"

TOPOLOGY = """\
budnet: 1
name: vault
airgapped: true
networks:
  main:
    cidr: 10.0.0.0/16
    cluster: {services: 172.20.0.0/16}
    subnets:
      back: {cidr: 10.0.2.0/24, access: private}
tls:
  internal: {minimum: "1.2"}
services:
  mirror: {subnet: main/back, namespace: registry, software: registry, tls: internal, ports: {https: 5000/tcp}}
  clock:  {subnet: main/back, software: chrony, ports: {ntp: 123/udp}}
  nodes:  {subnet: main/back}
  web:    {subnet: main/back, namespace: shop, image: ghcr.io/shop/web:1.2, ports: {http: 80/tcp}}
flows:
  - {from: nodes, to: mirror, port: https}
bundle:
  images:
    - {name: "ghcr.io/shop/web:1.2", from: web}
    - {name: "shop/api:7", from: api.tar, purpose: what web asks}
    - {name: "shop/both:1", from: both}
  charts:
    - {name: "charts/shop:0.1.0", from: shop-0.1.0.tgz}
  models:
    - {name: "models/tiny:1", from: tiny}
  files:
    - {name: notes, from: notes.txt}
"""


def packed(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0)


def image(text: str, architecture: str = "amd64") -> dict[str, tuple[Descriptor, bytes]]:
    """Blobs of an image with one file in it; the manifest is the last."""
    layer = packed({"etc/motd": text.encode()})
    config = oci.as_json({"architecture": architecture, "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}})
    parts = [(oci.of(layer, LAYER), layer), (oci.of(config, CONFIG), config)]
    body = {"schemaVersion": 2, "mediaType": oci.MANIFEST, "config": parts[1][0].json(), "layers": [parts[0][0].json()]}
    manifest = oci.as_json(body)
    return {d.digest: (d, data) for d, data in [*parts, (oci.of(manifest, oci.MANIFEST), manifest)]}


def top(blobs: dict[str, tuple[Descriptor, bytes]]) -> Descriptor:
    return list(blobs.values())[-1][0]


def layout(path: Path, *images: dict[str, tuple[Descriptor, bytes]], index: bool = False) -> str:
    """An OCI layout with images in it, or with one index of them; the digest of the first entry."""
    store = path / "blobs" / "sha256"
    store.mkdir(parents=True)
    for blobs in images:
        for each, data in blobs.values():
            (store / each.digest[7:]).write_bytes(data)
    entries = [top(blobs).json() for blobs in images]
    if index:
        data = oci.as_json({"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": entries})
        whole = oci.of(data, oci.INDEX)
        (store / whole.digest[7:]).write_bytes(data)
        entries = [whole.json()]
    (path / "index.json").write_bytes(oci.as_json({"schemaVersion": 2, "manifests": entries}))
    (path / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    return str(entries[0]["digest"])


def everything(folder: Path) -> Path:
    """A topology with a bundle, and all that it lists; the file."""
    layout(folder / "web", image("web"))
    layout(folder / "api", image("api"))
    with tarfile.open(folder / "api.tar", "w") as archive:
        archive.add(folder / "api", ".")
    layout(folder / "both", image("one", "amd64"), image("other", "arm64"), index=True)
    about = b"name: shop\nversion: 0.1.0\napiVersion: v2\nannotations:\n  artifacthub.io/images: |\n    - {name: web, image: 'ghcr.io/shop/web:1.2'}\n"
    (folder / "shop-0.1.0.tgz").write_bytes(packed({"shop/Chart.yaml": about, "shop/values.yaml": b"{}\n"}))
    (folder / "tiny").mkdir()
    (folder / "tiny" / "config.json").write_text("{}")
    (folder / "tiny" / "model.safetensors").write_bytes(bytes(range(256)) * 64)
    (folder / "notes.txt").write_text("read me\n")
    (folder / "budnet.yaml").write_text(TOPOLOGY)
    return folder / "budnet.yaml"
