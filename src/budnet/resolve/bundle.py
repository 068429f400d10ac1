"""What is carried into an air gap, and whether every image that services and charts run is in it."""

from __future__ import annotations

from budnet.ir.bundle import Bundle, Item
from budnet.resolve.draft import Draft

TWICE, NOT_CARRIED = "R677", "R678"
_KINDS = {"images": "image", "charts": "chart", "models": "model", "packages": "package", "certificates": "certificate", "files": "file"}


def bundle(draft: Draft) -> None:
    """The pass. A file without `bundle` and without images has none."""
    written = draft.topology.bundle
    running = {name: service.image for name, service in draft.topology.services.items() if service.image}
    if written is None and not running:
        return
    items: list[Item] = []
    places: dict[str, tuple[str | int, ...]] = {}
    for key, kind in _KINDS.items():
        for i, row in enumerate(getattr(written, key, ())):
            path = ("bundle", key, i)
            if row.name in places:
                draft.error(TWICE, f"'{row.name}' is carried already", (*path, "name"), "a registry has one thing of a name: choose another",
                            (("the other one", places[row.name]),))  # fmt: skip
            places.setdefault(row.name, path)
            images = tuple(getattr(row, "images", ()))
            items.append(Item(kind, row.name, row.from_, getattr(row, "digest", None) or "", row.purpose, images, draft.origin(*path)))
    carried = {i.name for i in items if i.kind == "image"} | {f"@{i.digest}" for i in items if i.digest}
    for name, image in running.items():
        _carried(draft, carried, image, ("services", name, "image"), f"'{name}' runs")
    for i, chart in enumerate(written.charts if written else ()):
        for j, image in enumerate(chart.images):
            _carried(draft, carried, image, ("bundle", "charts", i, "images", j), f"chart '{chart.name}' runs")
    draft.bundle = Bundle(tuple(items), tuple((image, name) for name, image in running.items()))


def _carried(draft: Draft, carried: set[str], image: str, path: tuple[str | int, ...], who: str) -> None:
    """In an air gap nobody can fetch it later."""
    at = image.find("@")
    if draft.topology.airgapped is not None and image not in carried and (at < 0 or image[at:] not in carried):
        draft.error(NOT_CARRIED, f"{who} {image}, which nobody carries in", path, "add it to `bundle: {images: [...]}`")
