"""A picture as DOT text: names of our own making, every user's text quoted in a label or a tooltip, nothing else.

Of Graphviz's language only what is in this file is written: no HTML-like labels, no record shapes, no ports, no
attribute whose value a user chose (TRUST: a font name or a URL goes into the SVG unescaped). Everything has the place
that our own layout gave it (``layout=nop2``): Graphviz draws it and moves nothing, until somebody deletes that word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from archdsl.drawing.font import FONT
from archdsl.drawing.layout import lay_out
from archdsl.drawing.measures import FONT_SIZE, LABEL_LIMIT, SMALL_SIZE, box_lines, shown
from archdsl.drawing.palette import ARROW, FRAME_LINE, INK, PLAIN, QUIET, SKIP, change_fill, fill, frame_fill
from archdsl.drawing.picture import Box, Picture
from archdsl.drawing.placed import (
    Direction,
    LegendEntry,
    Placed,
    PlacedBox,
    PlacedEdge,
    PlacedFrame,
    PlacedTag,
    Point,
    Text,
)

__all__ = [
    "LABEL_LIMIT",
    "SMALL_SIZE",
    "Direction",
    "box_lines",
    "placed_as_dot",
    "quoted",
    "shown",
    "to_dot",
]

RANKDIR: dict[Direction, str] = {"down": "TB", "up": "BT", "right": "LR", "left": "RL"}
_HEAD = 6.0


def to_dot(picture: Picture, *, direction: Direction = "down", with_legend: bool = True) -> str:
    """The whole graph; equal pictures give equal bytes."""
    return placed_as_dot(lay_out(picture, direction), with_legend=with_legend)


def placed_as_dot(placed: Placed, *, with_legend: bool = True) -> str:
    """A layout as DOT text."""
    return "".join(f"{line}\n" for line in _lines(placed, with_legend))


def quoted(text: str) -> str:
    """One line of a user's text as a DOT string: nothing in it is an escape, an entity or a line's end for Graphviz."""
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return shown(text).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;").replace("<", "&lt;")


def _block(lines: Sequence[str], end: str) -> str:
    """Several lines as one DOT string; ``end`` says how each is set: ``\\n`` centred, ``\\l`` to the left."""
    joined = end.join(map(_escaped, lines)) + (end if end == "\\l" else "")
    return f'"{joined}"'


def _lines(placed: Placed, with_legend: bool) -> Iterator[str]:
    top = placed.height  # Graphviz counts from below
    yield "digraph picture {"
    font = f'fontname="{FONT}"'
    yield (
        f'  graph [layout=nop2, rankdir={RANKDIR[placed.direction]}, bb="0,0,{placed.width:.2f},{top:.2f}", '
        f'bgcolor="transparent", pad=0.1, {font}, fontsize={SMALL_SIZE:g}, fontcolor="{QUIET}"];'
    )
    yield (
        f'  node [shape=box, style="rounded,filled", fixedsize=true, penwidth=1, color="{INK}", {font}, '
        f'fontsize={FONT_SIZE:g}, fontcolor="{INK}"];'
    )
    yield (f'  edge [color="{ARROW}", arrowsize=0.6, {font}, fontsize={SMALL_SIZE:g}, fontcolor="{QUIET}"];')
    yield from _inside(placed, None, "  ")
    dashed = {box.box.id for box in placed.boxes if box.box.kind == "weight"}
    for edge in placed.edges:
        yield "  " + _edge(edge, edge.source in dashed, top)
    for number, tag in enumerate(placed.tags):
        yield from _tag(tag, number, top)
    if with_legend:
        for number, entry in enumerate(placed.legend):
            yield from _legend(entry, number, top)
    yield "}"


def _inside(placed: Placed, cluster: str | None, indent: str) -> Iterator[str]:
    for box in placed.boxes:
        if box.box.cluster == cluster:
            yield indent + _node(box, placed.height)
    for frame in placed.frames:
        if frame.cluster.parent == cluster:
            yield from _frame(placed, frame, indent)


def _frame(placed: Placed, frame: PlacedFrame, indent: str) -> Iterator[str]:
    cluster, place, top = frame.cluster, frame.place, placed.height
    line, width = (INK, 1.4) if frame.repeated else (FRAME_LINE, 0.8)
    label = _block([text.text for text in frame.texts], "\\l")
    tip = quoted(", ".join(part for part in (cluster.path, cluster.place) if part))
    box = f"{place.left:.2f},{top - place.bottom:.2f},{place.right:.2f},{top - place.top:.2f}"
    yield f"{indent}subgraph {cluster.id} {{"
    yield (
        f'{indent}  graph [label={label}, tooltip={tip}, id="{cluster.id}", labeljust=l, style="rounded,filled", '
        f'fillcolor="{frame_fill(frame.depth)}", color="{line}", penwidth={width:g}, bb="{box}"'
        f"{_label_place(frame.texts, top)}];"
    )
    yield from _inside(placed, cluster.id, indent + "  ")
    yield f"{indent}}}"


def _label_place(texts: Sequence[Text], top: float) -> str:
    if not texts:
        return ""
    widest = max(text.width for text in texts)
    middle = (texts[0].y + texts[-1].y) / 2 - SMALL_SIZE / 3
    return f', lp="{texts[0].x + widest / 2:.2f},{top - middle:.2f}"'


def _at(point: Point, top: float) -> str:
    return f"{point[0]:.2f},{top - point[1]:.2f}"


def _node(box: PlacedBox, top: float) -> str:
    what, place = box.box, box.place
    tip = quoted(", ".join(part for part in (what.path, what.shape, what.place) if part))
    width, height = place.right - place.left, place.bottom - place.top
    middle = ((place.left + place.right) / 2, place.middle)
    parts = [f"label={_block(box_lines(what), chr(92) + 'n')}", f"tooltip={tip}", f'id="{what.id}"']
    parts += [f'pos="{_at(middle, top)}"', f"width={width / 72:.4f}", f"height={height / 72:.4f}"]
    parts += _look(what)
    return f"{what.id} [{', '.join(parts)}];"


def _look(box: Box) -> list[str]:
    match box.kind:
        case "junction":
            return ["shape=circle", f'fillcolor="{ARROW}"', f'color="{ARROW}"']
        case "symbol":
            return ["shape=circle", f'fillcolor="{change_fill(box.role)}"']
        case "weight":
            return ['style="rounded,filled,dashed"', f'fillcolor="{fill(box.role)}"']
        case "input" | "output":
            return [f'fillcolor="{fill(box.role)}"', 'style="filled"', f'color="{FRAME_LINE}"']
        case "block":
            return [f'fillcolor="{fill(box.role)}"', "penwidth=1.6"]
    return [f'fillcolor="{fill(box.role)}"']


def _spline(points: Sequence[Point], head: bool, top: float) -> str:
    """Straight pieces as the Béziers that Graphviz knows, the arrow's head kept apart."""
    line = list(points)
    before = ""
    if head and len(line) > 1:
        (x1, y1), (x2, y2) = line[-2:]
        length = max(abs(x2 - x1), abs(y2 - y1)) or 1.0
        back = min(_HEAD, length / 2) / length
        before = f"e,{_at((x2, y2), top)} "
        line[-1] = (x2 + (x1 - x2) * back, y2 + (y1 - y2) * back)
    found = [_at(line[0], top)]
    for one, other in pairwise(line):
        thirds = [
            (one[0] + (other[0] - one[0]) * t, one[1] + (other[1] - one[1]) * t) for t in (1 / 3, 2 / 3)
        ]
        found += [_at(p, top) for p in (*thirds, other)]
    return before + " ".join(found)


def _edge(edge: PlacedEdge, dashed: bool, top: float) -> str:
    parts = [f'id="e{edge.number}"']
    if edge.label is not None:
        place = edge.label.place
        middle = ((place.left + place.right) / 2, place.middle)
        parts += [f"label={quoted(edge.label.text)}", f'lp="{_at(middle, top)}"']
    if edge.skip:
        parts += [f'color="{SKIP}"']
    if dashed:
        parts += ["style=dashed"]
    if not edge.head:
        parts += ["arrowhead=none"]
    parts += [f'pos="{_spline(edge.points, edge.head, top)}"']
    return f"{edge.source} -> {edge.target} [{', '.join(parts)}];"


def _tag(tag: PlacedTag, number: int, top: float) -> Iterator[str]:
    place, name = tag.place, f"tag{number}"
    middle = ((place.left + place.right) / 2, place.middle)
    yield (
        f'  {name} [label={quoted(tag.text.text)}, id="{name}", fillcolor="{PLAIN}", color="{QUIET}", '
        f'fontsize={SMALL_SIZE:g}, pos="{_at(middle, top)}", width={(place.right - place.left) / 72:.4f}, '
        f"height={(place.bottom - place.top) / 72:.4f}];"
    )
    ends = (tag.box, name) if tag.gives else (name, tag.box)
    yield f'  {ends[0]} -> {ends[1]} [pos="{_spline(tag.points, not tag.gives, top)}"{", arrowhead=none" * tag.gives}];'


def _legend(entry: LegendEntry, number: int, top: float) -> Iterator[str]:
    swatch, text = entry.swatch, entry.text
    if swatch is not None:
        middle = ((swatch.left + swatch.right) / 2, swatch.middle)
        high = 1.5 if entry.kind == "skip" else swatch.bottom - swatch.top
        colour = SKIP if entry.kind == "skip" else entry.colour or PLAIN
        line = SKIP if entry.kind == "skip" else INK
        yield (
            f'  swatch{number} [label="", fillcolor="{colour}", color="{line}", pos="{_at(middle, top)}", '
            f"width={(swatch.right - swatch.left) / 72:.4f}, height={high / 72:.4f}];"
        )
    middle = (text.x + text.width / 2, text.place.middle)
    yield (
        f'  legend{number} [label={quoted(text.text)}, shape=plaintext, style="", fontcolor="{QUIET}", '
        f'fontsize={SMALL_SIZE:g}, pos="{_at(middle, top)}", width={text.width / 72:.4f}, height=0.2];'
    )
