"""A placed picture as SVG text, every user's words escaped; :mod:`archdsl.drawing.svg` checks and finishes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import hypot
from xml.sax.saxutils import escape, quoteattr

from archdsl.drawing.font import FONT
from archdsl.drawing.geometry import Rectangle
from archdsl.drawing.measures import shown
from archdsl.drawing.palette import ARROW, FRAME_LINE, INK, PLAIN, QUIET, SKIP, change_fill, fill, frame_fill
from archdsl.drawing.picture import Box, Cluster
from archdsl.drawing.placed import (
    LegendEntry,
    Placed,
    PlacedBox,
    PlacedEdge,
    PlacedFrame,
    PlacedTag,
    Point,
    Text,
)

_PATH = re.compile(r"[\w.]*")
_PLACE = re.compile(r"((?:(?:std|zoo):)?[\w./+-]+):(\d+)")
_HEAD = (6.5, 2.4)  # length and half the width of an arrow's head


def write_svg(placed: Placed) -> str:
    """The drawing's SVG: frames, then arrows, then boxes, then words that stand alone, then the legend."""
    return "".join(f"{line}\n" for line in _lines(placed))


def _lines(placed: Placed) -> Iterator[str]:
    width, height = _n(placed.width), _n(placed.height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="{height}pt" '
        f'viewBox="0 0 {width} {height}">'
    )
    yield '<g id="drawing" class="graph">'
    for frame in placed.frames:
        yield from _frame(frame)
    dashed = {box.box.id for box in placed.boxes if box.box.kind == "weight"}
    for edge in sorted(placed.edges, key=lambda e: e.skip):
        yield from _edge(edge, edge.source in dashed)
    for tag in placed.tags:
        yield from _tag(tag)
    for box in placed.boxes:
        yield from _box(box)
    yield "</g>"
    yield '<g id="legend">'
    for entry in placed.legend:
        yield from _legend(entry)
    yield "</g>"
    yield "</svg>"


def _n(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _group(name: str, kind: str, place: Box | Cluster, tip: str) -> Iterator[str]:
    """The group's beginning; where in the program it is, for whoever makes the drawing clickable."""
    marks = ""
    if _PATH.fullmatch(place.path):
        marks += f" data-path={quoteattr(place.path)}"
    source = _PLACE.fullmatch(place.place)
    if source is not None:
        marks += f' data-place="{source[1]}#{source[2]}"'
    yield f'<g id="{name}" class="{kind}"{marks}>'
    if tip:
        # The finisher keeps what an <a> says as the group's title.
        yield (f'<a xmlns:xlink="http://www.w3.org/1999/xlink" xlink:title={quoteattr(shown(tip))}>')


def _frame(frame: PlacedFrame) -> Iterator[str]:
    cluster = frame.cluster
    tip = ", ".join(part for part in (cluster.path, cluster.place) if part)
    yield from _group(cluster.id, "cluster", cluster, tip)
    line, width = (INK, 1.4) if frame.repeated else (FRAME_LINE, 0.8)
    yield _rounded(frame.place, 9, frame_fill(frame.depth), line, width)
    if frame.return_arrow:
        yield from _arrow(frame.return_arrow, True, INK, 1.2, 8.0)
    for text in frame.texts:
        yield _text(text, INK if text.bold else QUIET)
    yield ("</a>" if tip else "") + "</g>"


def _rounded(place: Rectangle, radius: float, colour: str, line: str, width: float, more: str = "") -> str:
    return (
        f'<rect x="{_n(place.left)}" y="{_n(place.top)}" width="{_n(place.right - place.left)}" '
        f'height="{_n(place.bottom - place.top)}" rx="{radius:g}" fill="{colour}" stroke="{line}" '
        f'stroke-width="{width:g}"{more}/>'
    )


def _box(box: PlacedBox) -> Iterator[str]:
    what, place = box.box, box.place
    tip = ", ".join(part for part in (what.path, what.shape, what.place) if part)
    yield from _group(what.id, "node", what, tip)
    x, y, radius = (place.left + place.right) / 2, place.middle, (place.right - place.left) / 2
    if what.kind == "junction":
        yield f'<ellipse cx="{_n(x)}" cy="{_n(y)}" rx="{_n(radius)}" ry="{_n(radius)}" fill="{ARROW}"/>'
    elif what.kind == "symbol":
        yield (
            f'<ellipse cx="{_n(x)}" cy="{_n(y)}" rx="{_n(radius)}" ry="{_n(radius)}" fill="{change_fill(what.role)}" '
            f'stroke="{INK}" stroke-width="1"/>'
        )
    elif what.kind in ("input", "output"):
        yield _rounded(place, 0, change_fill(what.role), FRAME_LINE, 1)
    elif what.kind == "weight":
        yield _rounded(place, 8, fill(what.role), INK, 1, ' stroke-dasharray="4,3"')
    else:
        yield _rounded(place, 8, fill(what.role), INK, 1.6 if what.kind == "block" else 1)
    for text in box.texts:
        yield _text(text, INK)
    yield ("</a>" if tip else "") + "</g>"


def _text(text: Text, colour: str) -> str:
    anchor = ' text-anchor="middle"' if text.anchor == "middle" else ""
    weight = ' font-weight="bold"' if text.bold else ""
    return (
        f'<text x="{_n(text.x)}" y="{_n(text.y)}"{anchor} font-family="{FONT}" font-size="{text.size:g}"{weight} '
        f'fill="{colour}">{escape(text.text)}</text>'
    )


def _edge(edge: PlacedEdge, light: bool) -> Iterator[str]:
    colour = SKIP if edge.skip else ARROW
    yield f'<g id="e{edge.number}" class="edge">'
    yield from _arrow(
        edge.points, edge.head, colour, 1.0, edge.radius, ' stroke-dasharray="4,3"' if light else ""
    )
    if edge.label is not None:
        yield _text(edge.label, QUIET)
    yield "</g>"


def _arrow(
    points: Sequence[Point], head: bool, colour: str, width: float, radius: float, more: str = ""
) -> Iterator[str]:
    line = list(points)
    if head and len(line) > 1:
        (x1, y1), (x2, y2) = line[-2:]
        length = hypot(x2 - x1, y2 - y1) or 1.0
        dx, dy = (x2 - x1) / length, (y2 - y1) / length
        back = (x2 - dx * _HEAD[0], y2 - dy * _HEAD[0])
        line[-1] = (x2 - dx * (_HEAD[0] - 1), y2 - dy * (_HEAD[0] - 1))
    yield (
        f'<path d="{_rounded_path(line, radius)}" fill="none" stroke="{colour}" stroke-width="{width:g}"{more}/>'
    )
    if head and len(points) > 1:
        corners = (
            (x2, y2),
            (back[0] - dy * _HEAD[1], back[1] + dx * _HEAD[1]),
            (back[0] + dy * _HEAD[1], back[1] - dx * _HEAD[1]),
        )
        yield f'<polygon points="{" ".join(f"{_n(x)},{_n(y)}" for x, y in corners)}" fill="{colour}"/>'


def _rounded_path(points: Sequence[Point], radius: float) -> str:
    """Straight pieces with rounded corners, a corner never taking more than half of a piece."""
    parts = [f"M{_n(points[0][0])},{_n(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        into = hypot(corner[0] - before[0], corner[1] - before[1])
        out = hypot(after[0] - corner[0], after[1] - corner[1])
        bend = min(radius, into / 2, out / 2)
        if bend < 0.1:
            parts.append(f"L{_n(corner[0])},{_n(corner[1])}")
            continue
        start = (
            corner[0] + (before[0] - corner[0]) * bend / into,
            corner[1] + (before[1] - corner[1]) * bend / into,
        )
        end = (
            corner[0] + (after[0] - corner[0]) * bend / out,
            corner[1] + (after[1] - corner[1]) * bend / out,
        )
        parts.append(f"L{_n(start[0])},{_n(start[1])}")
        parts.append(f"Q{_n(corner[0])},{_n(corner[1])} {_n(end[0])},{_n(end[1])}")
    parts.append(f"L{_n(points[-1][0])},{_n(points[-1][1])}")
    return "".join(parts)


def _tag(tag: PlacedTag) -> Iterator[str]:
    yield '<g class="tag">'
    yield from _arrow(tag.points, not tag.gives, ARROW, 1.0, 6.0)
    yield _rounded(tag.place, 7, PLAIN, QUIET, 0.8)
    yield _text(tag.text, INK)
    yield "</g>"


def _legend(entry: LegendEntry) -> Iterator[str]:
    swatch = entry.swatch
    if entry.kind == "role" and swatch is not None:
        yield _rounded(swatch, 3, entry.colour, INK, 0.7)
    elif entry.kind == "tag" and swatch is not None:
        yield _rounded(
            Rectangle(swatch.left, swatch.top + 2, swatch.right, swatch.bottom - 2), 4, PLAIN, QUIET, 0.8
        )
    elif swatch is not None:
        yield (
            f'<path d="M{_n(swatch.left)},{_n(swatch.middle)}L{_n(swatch.right)},{_n(swatch.middle)}" '
            f'stroke="{SKIP}" stroke-width="1.5"/>'
        )
    yield _text(entry.text, QUIET)
