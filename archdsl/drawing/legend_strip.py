"""The legend below a drawing, in as many rows as its width asks for."""

from __future__ import annotations

from archdsl.drawing.geometry import Rectangle
from archdsl.drawing.measures import SMALL_SIZE, shown, width_of
from archdsl.drawing.palette import legend
from archdsl.drawing.picture import Picture
from archdsl.drawing.placed import LegendEntry, Text

_MARGIN = 8.0
_ROW = 18.0
_SWATCH = 12.0
_NARROWEST = 240.0


def legend_strip(
    picture: Picture, width: float, height: float, *, tags: bool = False
) -> tuple[tuple[LegendEntry, ...], float, float]:
    """The entries in their places under a drawing of that size, and the size with them."""
    entries: list[tuple[str, str, str]] = [("role", name, colour) for name, colour in legend(picture.roles)]
    if any(edge.skip for edge in picture.edges):
        entries.append(("skip", "skip connection", ""))
    if tags:
        entries.append(("tag", "value used elsewhere", ""))
    entries += [("note", shown(note), "") for note in picture.notes]
    wide = max(width, _NARROWEST)
    placed: list[LegendEntry] = []
    x, y = _MARGIN, height + _ROW / 2
    for kind, name, colour in entries:
        words = width_of(name, SMALL_SIZE)
        before = 0.0 if kind == "note" else _SWATCH + 5
        if x > _MARGIN and x + before + words > wide - _MARGIN:
            x, y = _MARGIN, y + _ROW
        swatch = None if kind == "note" else Rectangle(x, y, x + _SWATCH, y + _SWATCH)
        text = Text(name, round(x + before, 2), y + _SWATCH - 2.5, SMALL_SIZE, words, style="legend")
        placed.append(LegendEntry(kind, text, colour, swatch))  # type: ignore[arg-type]
        wide = max(wide, x + before + words + _MARGIN)
        x += before + words + 14
    return tuple(placed), round(wide, 2), round(y + _ROW + 2 if entries else height, 2)
