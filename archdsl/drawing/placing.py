"""From a picture to places, bottom-up: each frame on its own, then as one box of the frame around it.

Everything is laid out as if it ran downwards (a drawing to the side is turned at the very end).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from archdsl.drawing.columns import in_columns
from archdsl.drawing.frames import LOOP_ROOM, TITLE_LINE, FrameSize
from archdsl.drawing.geometry import Rectangle
from archdsl.drawing.layered import lay_tangle
from archdsl.drawing.levels import Level, Levels, components, ribbon_wires
from archdsl.drawing.loosening import loosened
from archdsl.drawing.measures import Measure, title_lines
from archdsl.drawing.picture import Picture
from archdsl.drawing.pieces import Context, Ends, Laid, NodeSize
from archdsl.drawing.placed import Point
from archdsl.drawing.ribbons import END, START, reduced

_PAD = 12.0
_BESIDE_GAP = 16.0
_COMPONENT_GAP = 40.0
_INNER_LIMIT = 900.0


@dataclass
class Places:
    """Absolute places: rectangles by id, wires by level and ends, labels' rectangles by the same."""

    boxes: dict[str, Rectangle] = field(default_factory=dict)
    frames: dict[str, Rectangle] = field(default_factory=dict)
    titles: dict[str, Rectangle] = field(default_factory=dict)
    sizes: dict[str, FrameSize] = field(default_factory=dict)
    doors: dict[tuple[str, str], Point] = field(default_factory=dict)  # (frame, START or END)
    paths: dict[tuple[str | None, str, str], list[Point]] = field(default_factory=dict)
    labels: dict[tuple[str | None, str, str], Rectangle] = field(default_factory=dict)
    unrouted: list[tuple[str | None, str, str]] = field(default_factory=list)
    whole: Rectangle = field(default_factory=lambda: Rectangle(0, 0, 0, 0))


class Placer:
    """Places the boxes of one picture; what does not depend on how high the whole may be is found once."""

    def __init__(self, picture: Picture, levels: Levels, measure: Measure) -> None:
        self.picture = picture
        self.levels = levels
        self.measure = measure
        self.boxes = {box.id: box for box in picture.boxes}
        self.clusters = {cluster.id: cluster for cluster in picture.clusters}
        self.rank = {box.id: i for i, box in enumerate(picture.boxes)}
        for cluster in reversed(picture.clusters):
            inner = [self.rank[n] for n in levels.levels[cluster.id].nodes if n in self.rank]
            self.rank[cluster.id] = min(inner, default=0)
        self.frames: dict[str, FrameSize] = {}
        self.box_sizes = {box.id: measure.box(box) for box in picture.boxes}
        self.parts: dict[str | None, tuple[list[Level], list[Ends]]] = {}

    def run(self, limit: float) -> Places:
        """Places for all boxes, frames and composed wires; what is higher than ``limit`` is broken into columns."""
        self.frames = {}
        for cluster in reversed(self.picture.clusters):
            self.frames[cluster.id] = self._frame(cluster.id, min(limit, _INNER_LIMIT))
        whole = self._level(self.levels.levels[None], limit)
        places = Places(sizes=self.frames)
        self._put(None, whole, 0.0, 0.0, places)
        places.whole = Rectangle(-whole.left, 0.0, whole.right, whole.height)
        return places

    def _level(self, level: Level, limit: float) -> Laid:
        """The components of a level next to one another, tops aligned."""
        piece = Laid()
        pieces = []
        if level.frame not in self.parts:
            self.parts[level.frame] = self._parts(level)
        parts, loose = self.parts[level.frame]
        parts = _together(parts)
        piece.unrouted += loose
        for part in parts:
            sizes = {node: self._size(node, part) for node in part.nodes}
            labels = {ends: self.measure.label(text) for ends, text in part.wires.items() if text}
            context = Context(
                sizes, labels, self.rank, lay_tangle, lambda ribbon, inner: in_columns(ribbon, inner, limit)
            )
            pieces.append((part, in_columns(reduced(part.nodes, ribbon_wires(part)), context, limit)))
        height = max((inner.height for _, inner in pieces), default=0.0)
        edge = 0.0
        for number, (part, inner) in enumerate(pieces):
            x = 0.0 if number == 0 else edge + _COMPONENT_GAP + inner.left
            piece.take(inner, x, 0.0)
            edge = x + inner.right
            piece.starts += [(w, at + x) for w, at in inner.starts if w[0] == START]
            for wire, at in inner.ends:
                if wire[1] == END and wire not in loose:
                    piece.paths[wire].append((at + x, height))
                    piece.ends.append((wire, at + x))
            for target, beside in part.beside.items():
                self._put_beside(piece, target, beside, part)
        piece.height = height
        return piece

    def _parts(self, level: Level) -> tuple[list[Level], list[Ends]]:
        """The connected parts of a level, its tangles loosened; and the wires left out for that."""
        loose: list[Ends] = []
        for part in components(level):
            heights = {node: self._size(node, part).height for node in part.nodes}
            loose += loosened(part, heights, any(node in self.frames for node in part.nodes))
        if not loose:
            return components(level), []
        wires = {ends: label for ends, label in level.wires.items() if ends not in loose}
        return components(Level(level.frame, level.nodes, wires, level.beside)), loose

    def _size(self, node: str, level: Level) -> NodeSize:
        if node in self.frames:
            frame = self.frames[node]
            out = frame.content.ends[0][1] if frame.content.ends else frame.content.out
            into = frame.content.starts[0][1] if frame.content.starts else 0.0
            return NodeSize(
                "frame",
                frame.left + into + frame.beside,
                frame.right - into,
                frame.height,
                0.0,
                frame.height,
                out - into,
            )
        box = self.boxes[node]
        width, height = self.box_sizes[box.id]
        kind = box.kind if box.kind in ("symbol", "junction") else "box"
        left = right = width / 2
        tall = height
        for number, other in enumerate(level.beside.get(node, [])):
            reach, other_height = self._reach(other, node, level)
            if number % 2 == 0:
                left += reach
            else:
                right += reach
            tall = max(tall, other_height)
        return NodeSize(kind, left, right, tall, width / 2, height)

    def _reach(self, other: str, node: str, level: Level) -> tuple[float, float]:
        width, height = self.box_sizes[other]
        label = level.wires.get((other, node), "")
        wide, high = self.measure.label(label) if label else (0.0, 0.0)
        return max(_BESIDE_GAP, wide + 12) + width, max(height, 2 * high + 8)

    def _put_beside(self, piece: Laid, target: str, beside: list[str], level: Level) -> None:
        x, y = piece.spots[target]
        size = self._size(target, level)
        middle = y + size.height / 2
        for number, other in enumerate(beside):
            sign = -1 if number % 2 == 0 else 1
            width, height = self.box_sizes[other]
            reach, _ = self._reach(other, target, level)
            centre = x + sign * (size.half + reach - width / 2)
            piece.spots[other] = (centre, middle - height / 2)
            ends = (other, target)
            if (target, other) in level.wires:
                piece.paths[target, other] = [
                    (x + sign * size.half, middle), (centre - sign * width / 2, middle),
                ]  # fmt: skip
            if ends not in level.wires:
                continue
            inner = centre - sign * width / 2
            piece.paths[ends] = [(inner, middle), (x + sign * size.half, middle)]
            if level.wires.get(ends):
                wide, high = self.measure.label(level.wires[ends])
                left = inner + 3 if sign < 0 else inner - wide - 3
                piece.labels[ends] = (left, middle - high - 3)

    def _frame(self, name: str, limit: float) -> FrameSize:
        found = self._titled(name, limit)
        if self.clusters[name].again:
            found.beside = LOOP_ROOM
        return found

    def _titled(self, name: str, limit: float) -> FrameSize:
        content = self._level(self.levels.levels[name], limit)
        cluster = self.clusters[name]
        left, right = content.left + _PAD, content.right + _PAD
        bottom = _PAD if not content.ends else _PAD - 4
        if self.measure.sideways:
            lines = title_lines(cluster, 1e9)
            long = max((w for _, _, w in lines), default=0.0) + 2 * _PAD
            left += TITLE_LINE * len(lines) + 2
            height = max(content.height + _PAD + bottom, long)
            return FrameSize(content, left, right, height, _PAD, lines, 0.0)
        entered = any(source == START for source, _ in self.levels.levels[name].wires)
        spine = content.starts[0][1] if content.starts else 0.0 if entered else None
        sides = (left + right, 0.0) if spine is None else (left + spine - 16, right - spine - 14)
        lines = title_lines(cluster, 1e9)
        widest = max((w for _, _, w in lines), default=0.0)
        if widest <= sides[0]:
            title_x = 8.0
        elif widest <= sides[1]:
            title_x = left + (spine or 0.0) + 8
        else:
            lines = title_lines(cluster, max(sides))
            widest = max((w for _, _, w in lines), default=0.0)
            if sides[0] >= sides[1] - 20:
                title_x = 8.0
                left += max(0.0, widest - sides[0])
            else:
                title_x = left + (spine or 0.0) + 8
                right += max(0.0, widest - sides[1])
        band = TITLE_LINE * len(lines) + 6
        return FrameSize(content, left, right, band + content.height + bottom, band, lines, title_x)

    def _put(self, frame: str | None, laid: Laid, dx: float, dy: float, places: Places) -> None:
        for (source, target), points in laid.paths.items():
            places.paths[frame, source, target] = [(x + dx, y + dy) for x, y in points]
        for (source, target), (x, y) in laid.labels.items():
            width, height = self.measure.label(self.levels.levels[frame].wires[source, target])
            places.labels[frame, source, target] = Rectangle(x + dx, y + dy, x + dx + width, y + dy + height)
        places.unrouted += [(frame, source, target) for source, target in laid.unrouted]
        for node, (spot_x, spot_y) in laid.spots.items():
            x, y = spot_x + dx, spot_y + dy
            if node in self.boxes:
                self._put_box(node, x, y, frame, places)
                continue
            size = self.frames[node]
            into = size.content.starts[0][1] if size.content.starts else 0.0
            origin = x - into
            place = Rectangle(origin - size.left, y, origin + size.right, y + size.height)
            places.frames[node] = place
            self._put(node, size.content, origin, y + size.band, places)
            self._ends(node, size, origin, place, places)

    def _ends(self, node: str, size: FrameSize, origin: float, place: Rectangle, places: Places) -> None:
        """The wires through the frame's top and bottom reach its sides."""
        wide = max((w for _, _, w in size.lines), default=0.0)
        if self.measure.sideways:
            places.titles[node] = Rectangle(
                place.left,
                place.top + 4,
                place.left + TITLE_LINE * len(size.lines) + 4,
                place.top + 8 + wide,
            )
        else:
            left = place.left + size.title_x
            places.titles[node] = Rectangle(
                left, place.top + 2, left + wide, place.top + 4 + TITLE_LINE * len(size.lines)
            )
        into = origin + (size.content.starts[0][1] if size.content.starts else 0.0)
        out = origin + (size.content.ends[0][1] if size.content.ends else size.content.out)
        places.doors[node, START] = (into, place.top)
        places.doors[node, END] = (out, place.bottom)
        for (wire_frame, source, target), points in places.paths.items():
            if wire_frame == node and source == START:
                points.insert(0, (points[0][0], place.top))
            if wire_frame == node and target == END:
                points.append((points[-1][0], place.bottom))

    def _put_box(self, node: str, x: float, y: float, frame: str | None, places: Places) -> None:
        width, height = self.box_sizes[node]
        beside = self.levels.levels[frame].beside.get(node)
        if beside:
            high = self._size(node, self.levels.levels[frame]).height
            y += (high - height) / 2
        places.boxes[node] = Rectangle(x - width / 2, y, x + width / 2, y + height)


def _together(parts: list[Level]) -> list[Level]:
    """Boxes that no wire touches, as one part at the end: they stand below one another."""
    alone = [part for part in parts if len(part.nodes) == 1 and not part.wires and not part.beside]
    if len(alone) < 2:
        return parts
    nodes = [part.nodes[0] for part in alone]
    stack = Level(alone[0].frame, nodes, dict.fromkeys(pairwise(nodes), ""))
    return [part for part in parts if part not in alone] + [stack]
