"""A picture laid out: where every box, frame, arrow, label and tag stands, in points, y growing downwards.

Every writer (SVG, PDF, TikZ, HTML, DOT with positions) starts from this and decides nothing about places. It knows no
colours: a role, a depth or a kind says what a thing is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from archdsl.drawing.geometry import Rectangle
from archdsl.drawing.picture import Box, Cluster

Point = tuple[float, float]
Direction = Literal["down", "up", "right", "left"]
TextStyle = Literal["title", "body", "detail", "label", "tag", "legend"]


@dataclass(frozen=True)
class Text:
    """One line of text. ``x`` is its middle where ``anchor`` is "middle", else its left end; ``y`` its baseline.

    ``width`` is what it takes in our font at ``size``; ``text`` is fit to be shown (printable, not too long).
    """

    text: str
    x: float
    y: float
    size: float
    width: float
    anchor: Literal["start", "middle"] = "start"
    bold: bool = False
    style: TextStyle = "body"

    @property
    def place(self) -> Rectangle:
        """The ink's rectangle: capitals above the baseline, descenders below."""
        left = self.x - self.width / 2 if self.anchor == "middle" else self.x
        return Rectangle(left, self.y - 0.75 * self.size, left + self.width, self.y + 0.2 * self.size)


@dataclass(frozen=True)
class PlacedBox:
    """A box of the picture; ``box.kind`` says its shape (a symbol or a junction is a circle), ``box.role`` its fill."""

    box: Box
    place: Rectangle
    texts: tuple[Text, ...]


@dataclass(frozen=True)
class PlacedFrame:
    """A frame; ``depth`` 1 is an outermost one, ``repeated`` that it stands for several rounds.

    ``return_arrow`` is the way back of a loop's carry, where there is one.
    """

    cluster: Cluster
    place: Rectangle
    texts: tuple[Text, ...]
    depth: int
    repeated: bool
    return_arrow: tuple[Point, ...] = ()


@dataclass(frozen=True)
class PlacedEdge:
    """An arrow along ``points``, straight from one to the next, its corners to be rounded by ``radius`` at most.

    ``number`` is its place in ``Picture.edges``. ``head`` is whether an arrow head stands at the last point (there is
    none at a junction). ``source`` and ``target`` are ids of boxes; ``home`` is the frame that it must not leave.
    """

    number: int
    source: str
    target: str
    points: tuple[Point, ...]
    head: bool
    skip: bool
    home: str | None
    label: Text | None = None
    radius: float = 6.0


@dataclass(frozen=True)
class PlacedTag:
    """A name in place of an arrow: at the box that gives the value (``gives``) or at one that takes it.

    ``points`` is the short arrow between the tag and the box.
    """

    text: Text
    place: Rectangle
    box: str
    gives: bool
    points: tuple[Point, ...]


@dataclass(frozen=True)
class LegendEntry:
    """A line of the legend: a role's swatch (``colour``), a sample of a skip's line, or a note alone."""

    kind: Literal["role", "skip", "tag", "note"]
    text: Text
    colour: str = ""
    swatch: Rectangle | None = None


@dataclass(frozen=True)
class Placed:
    """The whole drawing: outer frames before inner ones, boxes in the order of the program."""

    name: str
    docstring: str
    width: float
    height: float
    boxes: tuple[PlacedBox, ...]
    frames: tuple[PlacedFrame, ...]
    edges: tuple[PlacedEdge, ...]
    tags: tuple[PlacedTag, ...]
    legend: tuple[LegendEntry, ...]
    direction: Direction = "down"
