"""Ribbons laid out: spines, lanes beside them, branches side by side; a rectangle with open ends at top and bottom.

A piece has its spine at x = 0 and its top at y = 0. Whatever it holds lies between ``left`` and ``right``, so pieces
put beside or below each other cannot touch, and no wire of one can cross a box of another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from archdsl.drawing.placed import Point
from archdsl.drawing.ribbons import END, START, Parallel, Ribbon, Series, Tangle, Wire, nodes_of

Ends = tuple[str, str]
NodeKind = Literal["box", "symbol", "junction", "frame"]

GAP = 22.0
LABEL_GAP = 26.0
LANE = 14.0
BRANCH_GAP = 18.0
BUS = 9.0
_NEAR = 0.5
_MAIN = 3  # a branch of more nodes, and twice as many as the next, is what goes on; the others turn off


@dataclass(frozen=True)
class NodeSize:
    """A node with what stands beside it, about its spine: ``half`` is half the width of the box itself.

    ``into`` and ``out`` are where the wire from above and the one below touch it.
    """

    kind: NodeKind
    left: float
    right: float
    height: float
    half: float
    tall: float
    out: float = 0.0


@dataclass
class Laid:
    """A piece with places in it; ``starts`` and ``ends`` are wires left open, with their x."""

    left: float = 0.0
    right: float = 0.0
    height: float = 0.0
    spots: dict[str, Point] = field(default_factory=dict)
    paths: dict[Ends, list[Point]] = field(default_factory=dict)
    labels: dict[Ends, Point] = field(default_factory=dict)
    starts: list[tuple[Ends, float]] = field(default_factory=list)
    ends: list[tuple[Ends, float]] = field(default_factory=list)
    unrouted: list[Ends] = field(default_factory=list)
    out: float = 0.0

    def take(self, other: Laid, dx: float, dy: float) -> None:
        """Put another piece into this one; its open ends are the caller's business."""
        self.left = max(self.left, other.left - dx)
        self.right = max(self.right, other.right + dx)
        for node, (x, y) in other.spots.items():
            self.spots[node] = (x + dx, y + dy)
        for wire, points in other.paths.items():
            self.paths[wire] = [(x + dx, y + dy) for x, y in points]
        for wire, (x, y) in other.labels.items():
            self.labels[wire] = (x + dx, y + dy)
        self.unrouted += other.unrouted


@dataclass(frozen=True)
class Context:
    """What laying out needs: sizes of nodes, of labels by wire; who lays out tangles, who breaks what is long."""

    sizes: Mapping[str, NodeSize]
    labels: Mapping[Ends, tuple[float, float]]
    rank: Mapping[str, int]
    tangle: Callable[[Tangle, Context], Laid]
    columns: Callable[[Ribbon, Context], Laid]


def lay(ribbon: Ribbon, context: Context) -> Laid:
    """The piece for a ribbon."""
    match ribbon:
        case Wire():
            return _wire(ribbon, context)
        case Series():
            return _series(ribbon, context)
        case Parallel():
            return _parallel(ribbon, context)
        case Tangle():
            return context.tangle(ribbon, context)


def _wire(wire: Wire, context: Context) -> Laid:
    if not wire.drawn:
        return Laid()
    ends = (wire.source, wire.target)
    width, height = context.labels.get(ends, (0.0, 0.0))
    to_junction = wire.target in context.sizes and context.sizes[wire.target].kind == "junction"
    gap = 12.0 if wire.source == START or wire.target == END or to_junction else GAP
    piece = Laid(height=gap)
    if width:
        piece.height = gap = max(LABEL_GAP, height + 14)
        piece.right = width + 9
        # The arrow's head is at the lower end; the label keeps clear of it.
        piece.labels[ends] = (5.0, (gap - 6 - height) / 2)
    piece.paths[ends] = [(0.0, 0.0), (0.0, gap)]
    piece.starts = [(ends, 0.0)]
    piece.ends = [(ends, 0.0)]
    return piece


def _parallel(ribbon: Parallel, context: Context) -> Laid:
    bare = [b for b in ribbon.branches if isinstance(b, Wire)]
    solid = [b for b in ribbon.branches if not isinstance(b, Wire)]
    solid.sort(key=lambda b: min(context.rank[n] for n in nodes_of(b)))
    pieces = [context.columns(b, context) for b in solid]
    offsets = _columns(pieces, [len(nodes_of(b)) for b in solid])
    piece = Laid(height=max((p.height for p in pieces), default=0.0))
    for inner, x in zip(pieces, offsets, strict=True):
        piece.take(inner, x, 0.0)
        piece.starts += [(w, at + x) for w, at in inner.starts]
        for wire, at in inner.ends:
            if inner.height < piece.height:
                piece.paths[wire].append((at + x, piece.height))
            piece.ends.append((wire, at + x))
    lanes = [w for w in bare if w.drawn]
    sizes = [context.labels.get((w.source, w.target), (0.0, 0.0)) for w in lanes]
    if lanes and not pieces:
        piece.height = max(LABEL_GAP, *(h + 14 for _, h in sizes))
    x = piece.right + (LANE if pieces else 0.0)
    for lane, (width, height) in zip(lanes, sizes, strict=True):
        ends = (lane.source, lane.target)
        piece.paths[ends] = [(x, 0.0), (x, piece.height)]
        piece.starts.append((ends, x))
        piece.ends.append((ends, x))
        if width:
            piece.labels[ends] = (x + 5, (piece.height - height) / 2)
        piece.right = x + (width + 9 if width else 4.0)
        x = piece.right + LANE
    return piece


def _columns(pieces: list[Laid], counts: list[int]) -> list[float]:
    """The x of each branch's spine: the one that is much the longest, else the middle one, goes straight on."""
    offsets: list[float] = []
    edge = 0.0
    for piece in pieces:
        offsets.append(edge + piece.left)
        edge += piece.left + piece.right + BRANCH_GAP
    if not pieces:
        return []
    middle = (edge - BRANCH_GAP) / 2
    longest, *others = sorted(counts, reverse=True)
    if others and longest >= 2 * others[0] and (len(counts) == 2 or longest > _MAIN):
        middle = offsets[counts.index(longest)]
    elif len(pieces) % 2:
        middle = offsets[len(pieces) // 2]
    return [x - middle for x in offsets]


def _series(series: Series, context: Context) -> Laid:
    piece = Laid()
    x = y = 0.0
    before: tuple[str, float, float] | None = None  # the last node, the x of its way out, its top
    for i, ribbon in enumerate(series.ribbons):
        inner = lay(ribbon, context)
        spread = [at for _, at in inner.starts if abs(at) > _NEAR]
        if before is not None and spread and context.sizes[before[0]].kind != "junction":
            y += BUS
        piece.take(inner, x, y)
        if before is None:
            piece.starts = list(inner.starts)
        else:
            _begin(piece, inner, before, x, y, context)
        y += inner.height
        x += inner.out
        if i == len(series.nodes):
            piece.ends = [(w, at + x - inner.out) for w, at in inner.ends]
            piece.out = x
            break
        node = series.nodes[i]
        size = context.sizes[node]
        crooked = [at for _, at in inner.ends if abs(at) > _NEAR]
        if crooked and (
            size.kind == "frame" or any(_walled(size, at) or _grazes(size, at) for at in crooked)
        ):
            y += BUS
        shift = x - inner.out
        if len(inner.ends) == 1:
            x = shift + inner.ends[0][1] if size.kind == "frame" and not crooked else x
        piece.spots[node] = (x, y)
        piece.left = max(piece.left, size.left - x)
        piece.right = max(piece.right, size.right + x)
        _finish(piece, inner, node, (x, y), shift, context)
        before = (node, x + size.out, y)
        x += size.out
        y += size.height
    piece.height = y
    return piece


def _begin(
    piece: Laid, inner: Laid, before: tuple[str, float, float], x: float, y: float, context: Context
) -> None:
    """The wires of ``inner``, which stands at (x, y), from the node before it."""
    node, out, top = before
    size = context.sizes[node]
    for wire, at in inner.starts:
        points = piece.paths[wire]
        place = at + x
        if size.kind == "junction":
            middle = top + size.height / 2
            lead = [(out, middle)] if abs(place - out) <= _NEAR else [(out, middle), (place, middle)]
        else:
            bottom = top + size.height / 2 + size.tall / 2
            if abs(place - out) <= _NEAR:
                lead = [(out, bottom)]
            else:
                bus = top + size.height + BUS
                lead = [(out, bottom), (out, bus), (place, bus)]
        piece.paths[wire] = lead + points


def _walled(size: NodeSize, side: float) -> bool:
    """Whether something stands beside the node on that side, so that no wire can come from there."""
    return (size.left if side < 0 else size.right) > size.half + 1


def _grazes(size: NodeSize, side: float) -> bool:
    """Whether a wire there comes down on the node's corner: too far out for its top, not far enough for its side."""
    inner = size.half - 8 if size.kind == "box" else _NEAR
    return size.kind in ("box", "symbol") and inner < abs(side) < size.half + 8


def _finish(piece: Laid, inner: Laid, node: str, spot: Point, shift: float, context: Context) -> None:
    """The wires of ``inner`` to the node below it: straight where its top is above, else into its sides."""
    size = context.sizes[node]
    x, y = spot
    middle = y + size.height / 2
    top = middle - size.tall / 2
    reach = size.half - 8 if size.kind == "box" else _NEAR
    sides: dict[int, list[tuple[float, Ends]]] = {-1: [], 1: []}
    for wire, at in inner.ends:
        place = at + shift
        points = piece.paths[wire]
        if abs(place - x) <= max(reach, _NEAR) and (len(inner.ends) > 1 or abs(place - x) <= _NEAR):
            points.append((place, top))
        elif _grazes(size, place - x):
            corner = x + (size.half - 8 if size.kind == "box" else 0.0) * (1 if place > x else -1)
            points += [(place, y - BUS), (corner, y - BUS), (corner, top)]
        elif size.kind == "frame" or _walled(size, place - x):
            points += [(place, y - BUS), (x, y - BUS), (x, top)]
        else:
            sides[1 if place > x else -1].append((abs(place - x), wire))
    for sign, found in sides.items():
        found.sort()
        for i, (distance, wire) in enumerate(found):
            step = 0.0
            if (
                size.kind == "box"
            ):  # several into one side of a box: the outermost lowest, so that they do not cross
                step = (i - (len(found) - 1) / 2) * min(10.0, (size.tall - 8) / len(found))
            place = x + sign * distance
            side = x + sign * size.half
            piece.paths[wire] += [(place, middle + step), (side, middle + step)]
