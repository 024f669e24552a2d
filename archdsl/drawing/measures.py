"""How large things are, in points: boxes by their text in our own font, labels, titles of frames.

Layouts are made as if everything ran downwards; for a drawing that runs to the side the two sizes change places.
"""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.drawing.font import text_width
from archdsl.drawing.picture import Box, Cluster
from archdsl.drawing.placed import Direction

LABEL_LIMIT = 200
FONT_SIZE = 12.0
SMALL_SIZE = 10.0
LINE = 1.25
SIDE = 10.0
SYMBOL = 20.0
JUNCTION = 4.0
_NARROWEST_TITLE = 120.0


def shown(text: str) -> str:
    """What of a user's text a drawing shows: printable characters, not more than fit on a line."""
    if len(text) > LABEL_LIMIT:
        text = text[: LABEL_LIMIT - 1] + "…"
    return "".join(c if c.isprintable() else " " for c in text)


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """A line's width; a character we have no glyph for is as wide as it is high, at most."""
    found = text_width(text, size, bold=bold)
    return size * len(text) if found is None else found


def box_lines(box: Box) -> list[str]:
    """All that the box says, its title first."""
    return ([box.title] if box.title else []) + list(box.lines)


def box_size(box: Box) -> tuple[float, float]:
    """Width and height."""
    if box.kind in ("symbol", "junction"):
        size = SYMBOL if box.kind == "symbol" else JUNCTION
        return (size, size)
    lines = [shown(line) for line in box_lines(box)]
    if box.kind == "tag":
        return (round(width_of(lines[0], SMALL_SIZE)) + 12.0, 17.0)
    widest = max(
        (width_of(line, FONT_SIZE, bold=bool(box.title) and i == 0) for i, line in enumerate(lines)),
        default=0.0,
    )
    return (max(44.0, float(round(widest + 2 * SIDE))), len(lines) * FONT_SIZE * LINE + 8)


def title_lines(cluster: Cluster, room: float) -> list[tuple[str, bool, float]]:
    """The lines of a frame's title (text, bold, width), its detail broken after commas where there is no room."""
    lines = []
    for text, bold in ((cluster.title, True), (cluster.detail, False)):
        for line in _broken(shown(text), max(room, _NARROWEST_TITLE), bold) if text else []:
            lines.append((line, bold, width_of(line, SMALL_SIZE, bold=bold)))
    return lines


def _broken(text: str, room: float, bold: bool) -> list[str]:
    lines: list[str] = []
    for part in text.split(", "):
        joined = f"{lines[-1]}, {part}" if lines else part
        if lines and width_of(joined + ",", SMALL_SIZE, bold=bold) > room:
            lines[-1] += ","
            lines.append(part)
        else:
            lines[-1:] = [joined]
    return lines


@dataclass(frozen=True)
class Measure:
    """Sizes as the layout sees them: turned where the drawing runs to the side."""

    direction: Direction = "down"

    @property
    def sideways(self) -> bool:
        """Whether the drawing runs to the left or to the right."""
        return self.direction in ("right", "left")

    def turned(self, size: tuple[float, float]) -> tuple[float, float]:
        """A width and a height as the layout sees them, or back."""
        return (size[1], size[0]) if self.sideways else size

    def box(self, box: Box) -> tuple[float, float]:
        """A box's extent across the flow and along it."""
        return self.turned(box_size(box))

    def label(self, text: str) -> tuple[float, float]:
        """A label's extent across the flow and along it."""
        return self.turned((width_of(shown(text), SMALL_SIZE), SMALL_SIZE * 1.1))
