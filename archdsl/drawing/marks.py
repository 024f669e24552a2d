"""A finished SVG as a list of marks on a page: outlines and lines of text in points, colours as numbers.

What is drawn is decided once, where the SVG is written; formats that are not SVG translate these marks, so all show
the same picture, whoever laid it out. Only the part of SVG is understood that :mod:`archdsl.drawing.svg` lets through.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass, replace

from archdsl.drawing.errors import EngineError

Colour = tuple[int, int, int]
Point = tuple[float, float]
Matrix = tuple[float, float, float, float, float, float]

_SVG = "{http://www.w3.org/2000/svg}"
_TOKEN = re.compile(r"[MLHVCQZmlhvcqz]|-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?")
_TRANSFORM = re.compile(r"(translate|scale|rotate|matrix)\(([^)]*)\)")
_LENGTH = re.compile(r"([\d.]+)(pt|px)?")
_NAMED: dict[str, Colour] = {"black": (0, 0, 0), "white": (255, 255, 255)}
_ROUND = 0.5523  # how far a cubic's handles reach to look like a quarter of a circle


@dataclass(frozen=True)
class Step:
    """A piece of an outline: ``M`` and ``L`` with one point, ``C`` with three, ``Z`` with none."""

    command: str
    points: tuple[Point, ...] = ()


@dataclass(frozen=True)
class Outline:
    """A line or an area; ``fill`` or ``stroke`` None: there is none. ``corner``: a rectangle's radius."""

    steps: tuple[Step, ...]
    fill: Colour | None
    stroke: Colour | None
    width: float
    dash: tuple[float, ...] = ()
    opacity: float = 1.0
    box: tuple[float, float, float, float] | None = None  # left, top, right, bottom of what is a rectangle
    corner: float = 0.0


@dataclass(frozen=True)
class Words:
    """One line of text; ``x`` is its start, middle or end, ``y`` its base line, ``length`` how wide it has to be."""

    text: str
    x: float
    y: float
    size: float
    colour: Colour
    bold: bool = False
    anchor: str = "start"
    length: float | None = None


Mark = Outline | Words


@dataclass(frozen=True)
class Page:
    """All marks, back to front; y grows downwards from the top left corner."""

    title: str
    description: str
    width: float
    height: float
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class _Style:
    """What elements inherit."""

    matrix: Matrix = (1, 0, 0, 1, 0, 0)
    fill: str = "black"
    stroke: str = "none"
    width: float = 1.0
    dash: str = "none"
    opacity: float = 1.0
    size: float = 14.0
    weight: str = "normal"
    anchor: str = "start"


def read_marks(svg: str) -> Page:
    """The marks of a finished SVG. EngineError for what no drawing of ours has."""
    root = ElementTree.fromstring(svg.encode("utf-8"))
    try:
        left, top, wide, high = (float(part) for part in root.get("viewBox", "").split())
    except ValueError as error:
        raise EngineError("failed", "the drawing does not say how large it is") from error
    width, height = _points(root.get("width", f"{wide}")), _points(root.get("height", f"{high}"))
    scale = (width / wide if wide else 1.0, height / high if high else 1.0)
    start = _Style(matrix=(scale[0], 0, 0, scale[1], -left * scale[0], -top * scale[1]))
    title, description = root.find(_SVG + "title"), root.find(_SVG + "desc")
    return Page(
        (title.text or "") if title is not None else "",
        (description.text or "") if description is not None else "",
        width,
        height,
        tuple(_walk(root, start)),
    )


def _points(text: str) -> float:
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise EngineError("failed", f"the drawing's size {text!r} is no length")
    return float(match[1]) * (1.0 if match[2] == "pt" else 0.75)


def _walk(element: ElementTree.Element, style: _Style) -> Iterator[Mark]:
    name = element.tag.removeprefix(_SVG)
    if name in ("title", "desc", "defs", "style"):
        return
    style = _inherit(element, style)
    if name == "text":
        yield from _text(element, style)
        return
    outline = _outline(name, element)
    if outline is not None:
        yield _painted(*outline, style)
    for child in element:
        yield from _walk(child, style)


def _inherit(element: ElementTree.Element, style: _Style) -> _Style:
    get = element.get
    matrix = style.matrix
    for kind, arguments in _TRANSFORM.findall(get("transform", "")):
        matrix = _times(matrix, _matrix(kind, [float(n) for n in re.split(r"[\s,]+", arguments.strip())]))
    return replace(
        style,
        matrix=matrix,
        fill=get("fill", style.fill),
        stroke=get("stroke", style.stroke),
        width=float(get("stroke-width", style.width)),
        dash=get("stroke-dasharray", style.dash),
        opacity=style.opacity * float(get("fill-opacity", "1")) * float(get("opacity", "1")),
        size=float(get("font-size", f"{style.size}").removesuffix("px")),
        weight=get("font-weight", style.weight),
        anchor=get("text-anchor", style.anchor),
    )


def _matrix(kind: str, n: list[float]) -> Matrix:
    match kind, n:
        case "translate", [x, *rest]:
            return (1, 0, 0, 1, x, rest[0] if rest else 0)
        case "scale", [x, *rest]:
            return (x, 0, 0, rest[0] if rest else x, 0, 0)
        case "matrix", [a, b, c, d, e, f]:
            return (a, b, c, d, e, f)
        case "rotate", [angle, *_] if angle == 0:
            return (1, 0, 0, 1, 0, 0)
    raise EngineError("failed", f"the drawing has a transform {kind}{n}")


def _times(m: Matrix, n: Matrix) -> Matrix:
    a, b, c, d, e, f = m
    return (
        a * n[0] + c * n[1], b * n[0] + d * n[1], a * n[2] + c * n[3], b * n[2] + d * n[3],
        a * n[4] + c * n[5] + e, b * n[4] + d * n[5] + f,
    )  # fmt: skip


def _at(matrix: Matrix, point: Point) -> Point:
    a, b, c, d, e, f = matrix
    x, y = point
    return (a * x + c * y + e, b * x + d * y + f)


def _colour(text: str) -> Colour | None:
    if text in ("none", "transparent"):
        return None
    if re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        return (int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16))
    if text in _NAMED:
        return _NAMED[text]
    raise EngineError("failed", f"the drawing has a colour {text!r}")


def _painted(steps: tuple[Step, ...], box: tuple[Point, Point] | None, corner: float, style: _Style) -> Mark:
    moved = tuple(Step(s.command, tuple(_at(style.matrix, p) for p in s.points)) for s in steps)
    unit = abs(style.matrix[0])
    dash = (
        () if style.dash in ("none", "") else tuple(float(n) * unit for n in re.split(r"[\s,]+", style.dash))
    )
    corners = [_at(style.matrix, point) for point in box] if box is not None else []
    return Outline(
        moved, _colour(style.fill), _colour(style.stroke), style.width * unit, dash, style.opacity,
        (*corners[0], *corners[1]) if corners else None, corner * unit,
    )  # fmt: skip


def _outline(
    name: str, element: ElementTree.Element
) -> tuple[tuple[Step, ...], tuple[Point, Point] | None, float] | None:
    def number(key: str) -> float:
        return float(element.get(key, "0"))

    if name == "path":
        return tuple(_path(element.get("d", ""))), None, 0.0
    if name in ("polygon", "polyline"):
        values = [float(n) for n in re.split(r"[\s,]+", element.get("points", "").strip()) if n]
        points = list(zip(values[::2], values[1::2], strict=True))
        steps = [Step("L" if i else "M", (point,)) for i, point in enumerate(points)]
        return (*steps, *([Step("Z")] if name == "polygon" else [])), None, 0.0
    if name == "line":
        ends = (number("x1"), number("y1")), (number("x2"), number("y2"))
        return (Step("M", ends[:1]), Step("L", ends[1:])), None, 0.0
    if name in ("circle", "ellipse"):
        rx, ry = (number("r"), number("r")) if name == "circle" else (number("rx"), number("ry"))
        x, y = number("cx"), number("cy")
        return _rounded(x - rx, y - ry, x + rx, y + ry, rx, ry), None, 0.0
    if name == "rect":
        left, top = number("x"), number("y")
        right, bottom = left + number("width"), top + number("height")
        corner = min(number("rx") or number("ry"), (right - left) / 2, (bottom - top) / 2)
        return _rounded(left, top, right, bottom, corner, corner), ((left, top), (right, bottom)), corner
    return None


def _rounded(left: float, top: float, right: float, bottom: float, rx: float, ry: float) -> tuple[Step, ...]:
    """A rectangle, clockwise from the end of its top left corner; an ellipse is one whose corners are all of it."""
    if not rx or not ry:
        line = ((left, top), (right, top), (right, bottom), (left, bottom))
        return (*(Step("L" if i else "M", (p,)) for i, p in enumerate(line)), Step("Z"))
    x, y = rx * (1 - _ROUND), ry * (1 - _ROUND)
    return (
        Step("M", ((left + rx, top),)),
        Step("L", ((right - rx, top),)),
        Step("C", ((right - x, top), (right, top + y), (right, top + ry))),
        Step("L", ((right, bottom - ry),)),
        Step("C", ((right, bottom - y), (right - x, bottom), (right - rx, bottom))),
        Step("L", ((left + rx, bottom),)),
        Step("C", ((left + x, bottom), (left, bottom - y), (left, bottom - ry))),
        Step("L", ((left, top + ry),)),
        Step("C", ((left, top + y), (left + x, top), (left + rx, top))),
        Step("Z"),
    )


def _path(d: str) -> Iterator[Step]:
    """The steps of a path, in absolute points."""
    tokens = _TOKEN.findall(d)
    if "".join(tokens) != re.sub(r"[\s,]+", "", d):
        raise EngineError("failed", f"the drawing has a path that is not understood: {d[:40]}")
    here, start, at, command = (0.0, 0.0), (0.0, 0.0), 0, ""
    while at < len(tokens):
        if tokens[at].isalpha():
            command, at = tokens[at], at + 1
            if command in "Zz":
                here = start
                yield Step("Z")
                continue
        count = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "Q": 4}[command.upper()]
        values, at = [float(n) for n in tokens[at : at + count]], at + count
        base = here if command.islower() else (0.0, 0.0)
        if command in "Hh":
            values = [values[0], here[1] - base[1]]
        elif command in "Vv":
            values = [here[0] - base[0], values[0]]
        points = [(base[0] + x, base[1] + y) for x, y in zip(values[::2], values[1::2], strict=True)]
        if command in "Qq":  # a quadratic curve is a cubic whose handles go two thirds of the way
            points = [
                _between(here, points[0], 2 / 3), _between(points[1], points[0], 2 / 3), points[1],
            ]  # fmt: skip
        here = points[-1]
        yield Step({6: "C", 4: "C"}.get(count, "M" if command in "Mm" else "L"), tuple(points))
        if command in "Mm":
            start, command = here, "L" if command == "M" else "l"


def _between(a: Point, b: Point, share: float) -> Point:
    return (a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share)


def _text(element: ElementTree.Element, style: _Style) -> Iterator[Words]:
    if len(element):
        raise EngineError("failed", "the drawing has a text in parts")
    colour, words = _colour(style.fill), element.text or ""
    if colour is None or not words.strip():
        return
    x, y = _at(style.matrix, (float(element.get("x", "0")), float(element.get("y", "0"))))
    unit = abs(style.matrix[0])
    length = element.get("textLength")
    bold = style.weight in ("bold", "600", "700", "800", "900")
    fixed = float(length) * unit if length is not None else None
    yield Words(words, x, y, style.size * unit, colour, bold, style.anchor, fixed)
