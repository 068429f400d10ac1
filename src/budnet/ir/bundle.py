"""What is carried into an air gap, as the file lists it."""

from __future__ import annotations

from msgspec import Struct

from budnet.ir.origin import Origin


class Item(Struct, frozen=True):
    """One artefact. `kind` is image, chart, model, package, certificate or file."""

    kind: str
    name: str
    source: str
    """A path beside the file, or a registry's address."""
    digest: str
    """Of an image's top manifest, where the file pins it."""
    purpose: str
    images: tuple[str, ...]
    """Of a chart: images that it runs and does not say itself."""
    origin: Origin


class Bundle(Struct, frozen=True):
    """`needed` is (image, the service that runs it)."""

    items: tuple[Item, ...]
    needed: tuple[tuple[str, str], ...]
