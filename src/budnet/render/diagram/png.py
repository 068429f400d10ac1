"""SVG -> PNG, by resvg: no browser and no system library, and the same pixels everywhere, as the font comes with budnet."""

from __future__ import annotations

from importlib.resources import as_file, files

SCALE = 2.0
_LATIN = 0x0460
"""The first character that the font that comes with budnet has not; beyond it the machine's own fonts are asked."""


def png(svg: str) -> bytes:
    """The picture at twice its size, which prints well on A3."""
    import resvg_py  # the only format that needs more than the standard library

    with as_file(files("budnet.render.diagram") / "fonts") as folder:
        fonts = [str(folder / "Roboto-Regular.ttf"), str(folder / "Roboto-Bold.ttf")]
        return resvg_py.svg_to_bytes(
            svg_string=svg,
            zoom=SCALE,
            font_files=fonts,
            skip_system_fonts=not _foreign(svg),
            font_family="Roboto",
            sans_serif_family="Roboto",
        )


def _foreign(svg: str) -> bool:
    return any(ord(c) >= _LATIN and c not in "–—‘’“”•…" for c in svg)
