"""NETWORK -> PICTURES. See the README in this folder."""

from __future__ import annotations

from collections.abc import Callable

from budnet.ir.network import Network
from budnet.render.diagram.dot import dot
from budnet.render.diagram.layout import lay_out
from budnet.render.diagram.mermaid import mermaid
from budnet.render.diagram.plain import text
from budnet.render.diagram.png import png
from budnet.render.diagram.scene import Scene
from budnet.render.diagram.svg import svg
from budnet.render.diagram.views.architecture import architecture
from budnet.render.diagram.views.crossing import crossing
from budnet.render.diagram.views.service import service

SERVICE = "service:"
VIEWS = ("architecture", "cross-cluster", f"{SERVICE}NAME")
_WRITERS: dict[str, Callable[[Scene], bytes]] = {
    "svg": lambda scene: svg(lay_out(scene)).encode(),
    "png": lambda scene: png(svg(lay_out(scene))),
    "mmd": lambda scene: mermaid(scene).encode(),
    "dot": lambda scene: dot(scene).encode(),
    "txt": lambda scene: text(scene).encode(),
}
FORMATS = tuple(_WRITERS)


class NoSuchPicture(ValueError):
    """A view, a service or a format that is not there. The message says which there are."""


def draw(network: Network, view: str = "architecture", format: str = "svg") -> bytes:
    """The picture as the content of a file. The same network gives the same bytes."""
    return written(scene_of(network, view), format)


def written(scene: Scene, format: str) -> bytes:
    """A scene that somebody else made, such as one of `views/reach.py`."""
    if format not in _WRITERS:
        raise NoSuchPicture(f"there is no picture format '{format}'; there are {', '.join(FORMATS)}")
    return _WRITERS[format](scene)


def scene_of(network: Network, view: str) -> Scene:
    """What the picture shows, before it is drawn."""
    if view == "architecture":
        return architecture(network)
    if view == "cross-cluster":
        return crossing(network)
    if not view.startswith(SERVICE):
        raise NoSuchPicture(f"there is no view '{view}'; there are {', '.join(VIEWS)}")
    name = view.removeprefix(SERVICE)
    scene = service(network, name)
    if scene is None:
        from budnet.render.diagram.views.facts import read

        known = sorted({u.service for u in read(network).units.values()})
        raise NoSuchPicture(f"there is no service '{name}'; there are {', '.join(known) or 'none'}")
    return scene
