"""A picture as DOT text: names of our own making, every user's text quoted in a label or a tooltip, nothing else.

Of Graphviz's language only what is in this file is written: no HTML-like labels, no record shapes, no ports, no
attribute whose value a user chose (TRUST: a font name or a URL goes into the SVG unescaped). Sizes of boxes come from
the widths of our own font, so text is inside its box whatever Graphviz believes of Arial.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

from archdsl.drawing.font import FONT, text_width
from archdsl.drawing.palette import ARROW, FRAME_LINE, INK, PLAIN, QUIET, SKIP, fill, frame_fill, legend
from archdsl.drawing.picture import Box, Cluster, Edge, Picture
from archdsl.drawing.ushape import u_shape

Direction = Literal["down", "up", "right", "left"]
RANKDIR: dict[Direction, str] = {"down": "TB", "up": "BT", "right": "LR", "left": "RL"}

LABEL_LIMIT = 200
FONT_SIZE = 12.0
SMALL_SIZE = 10.0
_LINE = 1.25
_SIDE = 10.0
_SYMBOL = 22.0
_JUNCTION = 4.0


def to_dot(picture: Picture, *, direction: Direction = "down", with_legend: bool = True) -> str:
    """The whole graph; equal pictures give equal bytes."""
    return "".join(f"{line}\n" for line in _lines(picture, RANKDIR[direction], with_legend))


def quoted(text: str) -> str:
    """One line of a user's text as a DOT string: nothing in it is an escape, an entity or a line's end for Graphviz."""
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return shown(text).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;").replace("<", "&lt;")


def shown(text: str) -> str:
    """What of a user's text a drawing shows: printable characters, not more than fit on a line."""
    if len(text) > LABEL_LIMIT:
        text = text[: LABEL_LIMIT - 1] + "…"
    return "".join(c if c.isprintable() else " " for c in text)


def _block(lines: list[str], end: str) -> str:
    """Several lines as one DOT string; ``end`` says how each is set: ``\\n`` centred, ``\\l`` to the left."""
    joined = end.join(map(_escaped, lines)) + (end if end == "\\l" else "")
    return f'"{joined}"'


def _lines(picture: Picture, rankdir: str, with_legend: bool) -> Iterator[str]:
    yield "digraph picture {"
    font = f'fontname="{FONT}"'
    yield (
        f'  graph [rankdir={rankdir}, bgcolor="transparent", nodesep=0.3, ranksep=0.25, pad=0.1, '
        f'{font}, fontsize={SMALL_SIZE:g}, fontcolor="{QUIET}"];'
    )
    yield (
        f'  node [shape=box, style="rounded,filled", fixedsize=true, penwidth=1, color="{INK}", {font}, '
        f'fontsize={FONT_SIZE:g}, fontcolor="{INK}"];'
    )
    yield (
        f'  edge [color="{ARROW}", arrowsize=0.6, weight=100, {font}, fontsize={SMALL_SIZE:g}, '
        f'fontcolor="{QUIET}"];'
    )
    yield from _inside(picture, None, "  ")
    shape = u_shape(picture)
    kinds = {box.id: box.kind for box in picture.boxes}
    junctions = frozenset(box.id for box in picture.boxes if box.kind == "junction")
    for number, edge in enumerate(picture.edges):
        light = edge.skip or kinds[edge.source] == "weight"
        yield "  " + _edge(edge, number, light, junctions, (edge.source, edge.target) in shape.upward)
    for left, right in shape.levels:
        yield f"  {{ rank=same; {left}; {right}; }}"
    if with_legend:
        yield from _legend(picture)
    yield "}"


def _inside(picture: Picture, cluster: str | None, indent: str) -> Iterator[str]:
    for box in picture.boxes:
        if box.cluster == cluster:
            yield indent + _node(box)
    for inner in picture.clusters:
        if inner.parent == cluster:
            yield from _frame(picture, inner, indent)


def _frame(picture: Picture, cluster: Cluster, indent: str) -> Iterator[str]:
    depth = len(indent) // 2
    repeated = "×" in cluster.title
    line, width = (INK, 1.4) if repeated else (FRAME_LINE, 0.8)
    label = _block([text for text in (cluster.title, cluster.detail) if text], "\\l")
    tip = quoted(", ".join(part for part in (cluster.path, cluster.place) if part))
    yield f"{indent}subgraph {cluster.id} {{"
    yield (
        f'{indent}  graph [label={label}, tooltip={tip}, id="{cluster.id}", labeljust=l, style="rounded,filled", '
        f'fillcolor="{frame_fill(depth)}", color="{line}", penwidth={width:g}, margin=10];'
    )
    yield from _inside(picture, cluster.id, indent + "  ")
    yield f"{indent}}}"


def box_lines(box: Box) -> list[str]:
    """All that the box says, its title first."""
    return ([box.title] if box.title else []) + list(box.lines)


def _width(text: str, bold: bool) -> float:
    size = text_width(text, FONT_SIZE, bold=bold)
    # A character we have no glyph for is as wide as it is high, at most.
    return FONT_SIZE * len(text) if size is None else size


def box_size(box: Box) -> tuple[float, float]:
    """Width and height in points."""
    if box.kind in ("symbol", "junction"):
        size = _SYMBOL if box.kind == "symbol" else _JUNCTION
        return (size, size)
    lines = [line[:LABEL_LIMIT] for line in box_lines(box)]
    widest = max((_width(line, bold=bool(box.title) and i == 0) for i, line in enumerate(lines)), default=0)
    return (max(48.0, round(widest + 2 * _SIDE)), len(lines) * FONT_SIZE * _LINE + 9)


def _node(box: Box) -> str:
    width, height = box_size(box)
    tip = quoted(", ".join(part for part in (box.path, box.shape, box.place) if part))
    parts = [f"label={_block(box_lines(box), chr(92) + 'n')}", f"tooltip={tip}", f'id="{box.id}"']
    parts += [f"width={width / 72:.4f}", f"height={height / 72:.4f}"]
    if box.kind == "junction":
        parts += ["shape=circle", f'fillcolor="{ARROW}"', f'color="{ARROW}"']
    elif box.kind == "symbol":
        parts += ["shape=circle", f'fillcolor="{PLAIN}"']
    elif box.kind == "weight":
        parts += ['style="rounded,filled,dashed"', f'fillcolor="{fill(box.role)}"']
    else:
        parts += [f'fillcolor="{fill(box.role)}"']
    if box.kind == "block":
        parts += ["penwidth=1.6"]
    elif box.kind in ("input", "output"):
        parts += ["shape=box", 'style="filled"', f'color="{FRAME_LINE}"']
    return f"{box.id} [{', '.join(parts)}];"


def _edge(edge: Edge, number: int, light: bool, ends: frozenset[str], upward: bool) -> str:
    parts = [f'id="e{number}"']
    if edge.label:
        parts += [f"label={quoted(' ' + edge.label)}"]
    if edge.skip:
        parts += [f'color="{SKIP}"']
    if light:
        parts += ["weight=1"]
    if edge.side:
        parts += ["constraint=false"]
    if edge.target in ends:
        parts += ["arrowhead=none"]
    if upward:
        parts += ["dir=back"]
    first, second = (edge.target, edge.source) if upward else (edge.source, edge.target)
    return f"{first} -> {second} [{', '.join(parts)}];"


def _legend(picture: Picture) -> Iterator[str]:
    """A frame of its own, for whoever lays out the DOT text; our own SVG has the legend as a strip instead."""
    yield "  subgraph cluster_legend {"
    yield f'    graph [label="legend", style="rounded", color="{FRAME_LINE}", labeljust=l];'
    names = []
    for number, (name, colour) in enumerate(legend(picture.roles)):
        names.append(f"legend{number}")
        width = (_width(name, bold=False) + 2 * _SIDE) / 72
        yield f'    legend{number} [label="{name}", fillcolor="{colour}", width={width:.4f}, height=0.3];'
    for before, after in pairwise(names):
        yield f"    {before} -> {after} [style=invis];"
    yield "  }"
