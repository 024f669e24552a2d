"""The layout of a picture: placed, wired, turned to its direction, with texts and legend, for every writer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archdsl.drawing.frames import loop_arrow, title_spots
from archdsl.drawing.geometry import Rectangle
from archdsl.drawing.legend_strip import legend_strip
from archdsl.drawing.levels import Levels, find_levels
from archdsl.drawing.measures import FONT_SIZE, LINE, SMALL_SIZE, Measure, box_lines, shown, width_of
from archdsl.drawing.picture import Box, Picture
from archdsl.drawing.placed import (
    Direction,
    Placed,
    PlacedBox,
    PlacedEdge,
    PlacedFrame,
    PlacedTag,
    Point,
    Text,
)
from archdsl.drawing.placing import Placer, Places
from archdsl.drawing.routing import ROUTING_STEPS
from archdsl.drawing.tags import scattered, with_tags
from archdsl.drawing.wiring import Wired, wire_up

MARGIN = 8.0
PAGE = (504.0, 684.0)  # the space for a figure on a page, in points: 7 by 9.5 inches
_LIMITS = (560.0, 680.0, 800.0, 920.0, 1050.0, 1e9)
_FARTHEST = 1500.0
_MOST_STEPS = 16 * ROUTING_STEPS
READABLE = 0.6  # the smallest text has 10 points: 6 on paper
_STRIP = 34.0  # about what the legend takes

Turn = Callable[[Rectangle], Rectangle]


def lay_out(picture: Picture, direction: Direction = "down") -> Placed:
    """The whole drawing; equal pictures give equal layouts."""
    measure = Measure(direction)
    tagged: frozenset[int] = frozenset()
    steps = ROUTING_STEPS
    while True:
        drawn, levels = _levels(picture, tagged)
        places = _best(drawn, levels, measure)
        wired = wire_up(drawn, levels, places, measure, steps)
        # What is told by tags already needs its short arrows all the same.
        while wired.failed and _too_far(picture, wired) <= tagged and steps <= _MOST_STEPS:
            steps *= 4
            wired = wire_up(drawn, levels, places, measure, steps)
        far = _too_far(picture, wired)
        if far <= tagged:
            return _placed(drawn, levels, places, wired, measure)
        tagged |= far


def _too_far(picture: Picture, wired: Wired) -> frozenset[int]:
    """The arrows of the picture (not those of tags) that lead too far, or found no way."""
    far = {number for number, cost in wired.costs.items() if cost > _FARTHEST}.union(wired.failed)
    return frozenset(number for number in far if number < len(picture.edges))


def _levels(picture: Picture, tagged: frozenset[int]) -> tuple[Picture, Levels]:
    """The picture with its tags, and its levels."""
    tagged |= scattered(picture, find_levels(picture))
    drawn = with_tags(picture, tagged)
    return drawn, find_levels(drawn)


def page_scale(width: float, height: float) -> float:
    """How much a figure of that size is made smaller (or larger) to fill a page."""
    return min(PAGE[0] / width, PAGE[1] / height)


def fits_page(picture: Picture, direction: Direction = "down") -> float:
    """How large a page, upright or on its side, can show the drawing: 1 is as it is. Boxes count, not loose arrows."""
    measure = Measure(direction)
    whole = _best(*_levels(picture, frozenset()), measure).whole
    width, height = measure.turned((whole.right - whole.left, whole.bottom - whole.top))
    width, height = width + 2 * MARGIN, height + 2 * MARGIN + _STRIP
    return max(page_scale(width, height), page_scale(height, width))


def _best(picture: Picture, levels: Levels, measure: Measure) -> Places:
    """The layout that is largest on a page; columns beyond the first have to earn it."""
    best: tuple[float, Places] | None = None
    placer = Placer(picture, levels, measure)
    for limit in reversed(_LIMITS):
        found = placer.run(limit)
        whole = found.whole
        across, along = whole.right - whole.left, whole.bottom - whole.top
        width, height = measure.turned((across, along))
        width, height = width + 2 * MARGIN, height + 2 * MARGIN + _STRIP
        # A page may be turned, but nobody likes to turn it.
        scale = min(max(page_scale(width, height), 0.85 * page_scale(height, width)), 0.9)
        if measure.sideways:  # a drawing asked to run to the side is for a screen or a slide
            scale = min(1.0, 900.0 / along)
        if best is None or scale > best[0] * 1.07:
            best = (scale, found)
    assert best is not None
    return best[1]


def _placed(picture: Picture, levels: Levels, places: Places, wired: Wired, measure: Measure) -> Placed:
    extent = _extent(places, wired, [c.id for c in picture.clusters if c.again])
    turn, turn_point, width, height = _turned(extent, measure.direction)
    boxes = tuple(_box(box, turn(places.boxes[box.id])) for box in picture.boxes if box.kind != "tag")
    tags = _tags(picture, places, wired, turn, turn_point)
    tag_ids = {box.id for box in picture.boxes if box.kind == "tag"}
    parents = {c.id: c.parent for c in picture.clusters}
    frames = []
    for cluster in picture.clusters:
        depth, around = 1, cluster.parent
        while around is not None:
            depth, around = depth + 1, parents[around]
        turned = turn(places.frames[cluster.id])
        spots = title_spots(places.sizes[cluster.id], measure, turned)
        texts = tuple(
            Text(text, x, y, SMALL_SIZE, wide, "start", bold, "title" if bold else "detail")
            for text, bold, wide, x, y in spots
        )
        back = loop_arrow(places.frames[cluster.id]) if cluster.again else []
        frames.append(
            PlacedFrame(cluster, turned, texts, depth, "×" in cluster.title, tuple(map(turn_point, back)))
        )
    junctions = {box.id for box in picture.boxes if box.kind == "junction"}
    edges = []
    for number, edge in enumerate(picture.edges):
        if number not in wired.points or edge.source in tag_ids or edge.target in tag_ids:
            continue
        label = None
        if edge.label and number in wired.labels:
            spot = turn(wired.labels[number])
            text = shown(edge.label)
            label = Text(
                text,
                spot.left,
                spot.top + 0.8 * SMALL_SIZE,
                SMALL_SIZE,
                width_of(text, SMALL_SIZE),
                style="label",
            )
        edges.append(
            PlacedEdge(
                number,
                edge.source,
                edge.target,
                tuple(turn_point(p) for p in wired.points[number]),
                edge.target not in junctions,
                edge.skip,
                levels.homes[number],
                label,
            )
        )
    legend, wide, high = legend_strip(picture, width, height, tags=bool(tags))
    return Placed(
        picture.name, picture.docstring, wide, high, boxes, tuple(frames), tuple(edges), tags, legend,
        measure.direction,
    )  # fmt: skip


def _tags(
    picture: Picture, places: Places, wired: Wired, turn: Turn, turn_point: Callable[[Point], Point]
) -> tuple[PlacedTag, ...]:
    boxes = {box.id: box for box in picture.boxes}
    found = []
    for number, edge in enumerate(picture.edges):
        gives = boxes[edge.target].kind == "tag"
        if number not in wired.points or not (gives or boxes[edge.source].kind == "tag"):
            continue
        tag, box = (edge.target, edge.source) if gives else (edge.source, edge.target)
        spot = turn(places.boxes[tag])
        words = shown(boxes[tag].lines[0])
        x, y = round((spot.left + spot.right) / 2, 2), round(spot.middle + SMALL_SIZE * 0.34, 2)
        text = Text(words, x, y, SMALL_SIZE, width_of(words, SMALL_SIZE), "middle", style="tag")
        points = tuple(turn_point(p) for p in wired.points[number])
        found.append(PlacedTag(text, spot, box, gives, points))
    return tuple(found)


def _extent(places: Places, wired: Wired, again: Sequence[str]) -> Rectangle:
    """All that is drawn, loose arrows outside of the frames too."""
    parts = [*places.boxes.values(), *places.frames.values(), *places.labels.values(), *wired.labels.values()]
    xs = [x for p in parts for x in (p.left, p.right)] + [x for ps in wired.points.values() for x, _ in ps]
    xs += [x for name in again for x, _ in loop_arrow(places.frames[name])]
    ys = [y for p in parts for y in (p.top, p.bottom)] + [y for ps in wired.points.values() for _, y in ps]
    return Rectangle(min(xs, default=0.0), min(ys, default=0.0), max(xs, default=0.0), max(ys, default=0.0))


def _turned(extent: Rectangle, direction: Direction) -> tuple[Turn, Callable[[Point], Point], float, float]:
    """From layout to drawing: for the rectangles, for the points; and how large the drawing is."""
    across, along = extent.right - extent.left, extent.bottom - extent.top
    sideways = direction in ("right", "left")
    width, height = (along, across) if sideways else (across, along)
    back = direction in ("up", "left")

    def point(p: Point) -> Point:
        x, y = p[0] - extent.left, p[1] - extent.top
        if back:
            y = along - y
        x, y = (y, x) if sideways else (x, y)
        return (round(x + MARGIN, 2), round(y + MARGIN, 2))

    def rectangle(r: Rectangle) -> Rectangle:
        (x1, y1), (x2, y2) = point((r.left, r.top)), point((r.right, r.bottom))
        return Rectangle(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))

    return rectangle, point, width + 2 * MARGIN, height + 2 * MARGIN


def _box(box: Box, spot: Rectangle) -> PlacedBox:
    lines = [shown(line) for line in box_lines(box)]
    if box.kind == "junction":
        return PlacedBox(box, spot, ())
    middle = (spot.left + spot.right) / 2
    step = FONT_SIZE * LINE
    # A line's middle is a third of its size above its baseline.
    first = spot.middle - step * (len(lines) - 1) / 2 + FONT_SIZE * 0.34
    texts = tuple(
        Text(
            line, round(middle, 2), round(first + i * step, 2), FONT_SIZE,
            width_of(line, FONT_SIZE, bold=bool(box.title) and i == 0), "middle", bool(box.title) and i == 0,
            "title" if box.title and i == 0 else "body",
        )
        for i, line in enumerate(lines)
    )  # fmt: skip
    return PlacedBox(box, spot, texts)
