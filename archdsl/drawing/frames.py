"""What a frame shows besides what is in it: the lines of its title, and the arrow of a loop."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.drawing.geometry import Rectangle
from archdsl.drawing.measures import SMALL_SIZE, Measure
from archdsl.drawing.pieces import Laid
from archdsl.drawing.placed import Point

TITLE_LINE = 12.5
LOOP_ROOM = 16.0

TitleLine = tuple[str, bool, float]


@dataclass
class FrameSize:
    """A frame about its spine: how far it reaches, what its title takes, and what is in it."""

    content: Laid
    left: float
    right: float
    height: float
    band: float
    lines: list[TitleLine]
    title_x: float  # from the frame's left side
    beside: float = 0.0  # room on its left for the arrow of a loop


def title_spots(
    size: FrameSize, measure: Measure, turned: Rectangle
) -> list[tuple[str, bool, float, float, float]]:
    """Text, weight, width, left end and baseline of a title's lines, in the turned drawing."""
    left = turned.left + (8.0 if measure.sideways or measure.direction != "down" else size.title_x)
    if measure.direction == "up":
        left = turned.left + size.title_x
        top = turned.bottom - TITLE_LINE * len(size.lines) - 4
    else:
        top = turned.top + 3
    return [
        (text, bold, width, left, top + SMALL_SIZE + i * TITLE_LINE - 1)
        for i, (text, bold, width) in enumerate(size.lines)
    ]


def loop_arrow(place: Rectangle) -> list[Point]:
    """The way back of what goes around: from the lower to the upper end of a frame's left side."""
    out, end = place.left - LOOP_ROOM + 6, min(16.0, (place.bottom - place.top) / 4)
    low, high = place.bottom - end, place.top + end
    return [(place.left, low), (out, low), (out, high), (place.left, high)]
