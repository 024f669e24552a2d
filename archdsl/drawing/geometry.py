"""Where things are in a laid-out SVG: rectangles of boxes and frames, in the coordinates of the drawing's group."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

SVG = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Rectangle:
    """Left, top, right, bottom; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def crosses(self, other: Rectangle, gap: float = 0.0) -> bool:
        """Whether the two share a point, or come nearer than ``gap``."""
        return (
            self.left < other.right + gap
            and other.left < self.right + gap
            and self.top < other.bottom + gap
            and other.top < self.bottom + gap
        )

    @property
    def middle(self) -> float:
        """Halfway between top and bottom."""
        return (self.top + self.bottom) / 2


def rectangle_of(group: ElementTree.Element) -> Rectangle | None:
    """The outline of what a group draws first: a node's or a frame's own shape."""
    for shape in group.iter():
        name = shape.tag.removeprefix(SVG)
        if name == "ellipse":
            x, y, rx, ry = (float(shape.get(key, "0")) for key in ("cx", "cy", "rx", "ry"))
            return Rectangle(x - rx, y - ry, x + rx, y + ry)
        if name == "rect":
            left, top, wide, high = (float(shape.get(key, "0")) for key in ("x", "y", "width", "height"))
            return Rectangle(left, top, left + wide, top + high)
        if name in ("path", "polygon"):
            numbers = [float(n) for n in _NUMBER.findall(shape.get("d") or shape.get("points") or "")]
            if numbers:
                return Rectangle(min(numbers[::2]), min(numbers[1::2]), max(numbers[::2]), max(numbers[1::2]))
    return None


def rectangles(root: ElementTree.Element) -> dict[str, Rectangle]:
    """Rectangles by the ids of nodes (``n0``) and frames (``cluster0``)."""
    found = {}
    for group in root.iter(SVG + "g"):
        if re.fullmatch(r"(n|cluster)\d+", group.get("id", "")):
            rectangle = rectangle_of(group)
            if rectangle is not None:
                found[group.get("id", "")] = rectangle
    return found
