"""Wires led around boxes: the shortest way of straight pieces, with few bends, that crosses no box.

A* over the lines that run beside the boxes. Other wires may be crossed, at a price; running along one costs more,
unless both carry the same value.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from archdsl.drawing.geometry import Rectangle
from archdsl.drawing.placed import Point

_MARGIN = 4.0
_TRACKS = (7.0, 13.0, 19.0)
_BEND = 14.0
_CROSSING = 18.0
_ALONG = 4.0
_APART = 4.5
ROUTING_STEPS = 150_000  # points looked at for one drawing; what finds no way by then is told by a tag
_NEARBY = 110.0
_CROWDED = 30
# Right, down, left, up.
_MOVES = ((1, 0), (0, 1), (-1, 0), (0, -1))


@dataclass(frozen=True)
class Door:
    """A point where a wire may begin or end, and the way (0 right, 1 down, 2 left, 3 up) that it runs there."""

    point: Point
    way: int
    cost: float = 0.0


@dataclass
class Wires:
    """The straight pieces drawn so far, with whose value they carry."""

    level: list[tuple[float, float, float, str]] = field(default_factory=list)  # y, from x, to x
    upright: list[tuple[float, float, float, str]] = field(default_factory=list)  # x, from y, to y
    borders: list[Rectangle] = field(default_factory=list)  # of frames: to be crossed, not to be followed
    steps: int = ROUTING_STEPS

    def add(self, points: Sequence[Point], owner: str) -> None:
        """A path that is drawn."""
        for (x1, y1), (x2, y2) in pairwise(points):
            if abs(y1 - y2) < 0.01 and abs(x1 - x2) > 0.01:
                self.level.append((y1, min(x1, x2), max(x1, x2), owner))
            elif abs(x1 - x2) < 0.01 and abs(y1 - y2) > 0.01:
                self.upright.append((x1, min(y1, y2), max(y1, y2), owner))


def doors_of(place: Rectangle, *, leaving: bool, other: Rectangle | None = None) -> list[Door]:
    """Where a wire may touch a box: the middle of each side first, then beside it, then level with ``other``."""
    x, y = (place.left + place.right) / 2, place.middle
    usual = 1 if leaving else 3  # down out of the bottom; into the top
    found: list[Door] = []
    if other is not None and place.right - place.left >= 36:
        # One straight piece, where the two stand above each other.
        low, high = max(place.left, other.left) + 8, min(place.right, other.right) - 8
        if low <= high:
            middle = min(max((x + (other.left + other.right) / 2) / 2, low), high)
            for way, py in ((1, place.bottom), (3, place.top)):
                found.append(
                    Door((middle, py), way if leaving else (way + 2) % 4, 2.0 if way == usual else 60.0)
                )
    for way, (px, py) in (
        (0, (place.right, y)),
        (1, (x, place.bottom)),
        (2, (place.left, y)),
        (3, (x, place.top)),
    ):
        length = place.bottom - place.top if way in (0, 2) else place.right - place.left
        steps = (0.0, 0.25, -0.25) if length >= 36 else (0.0,)
        for step in steps:
            shift = step * length
            point = (px, py + shift) if way in (0, 2) else (px + shift, py)
            price = (0.0 if way == usual else 6.0 if way in (0, 2) else 60.0) + (4.0 if step else 0.0)
            found.append(Door(point, way if leaving else (way + 2) % 4, price))
    return found


def route(
    starts: Sequence[Door],
    goals: Sequence[Door],
    region: Rectangle,
    obstacles: Sequence[Rectangle],
    own: Sequence[Rectangle],
    wires: Wires,
    owner: str,
) -> tuple[list[Point], float] | None:
    """The best way from one of ``starts`` to one of ``goals`` inside ``region``, with its cost, if there is one.

    ``own`` are the boxes that the wire may touch but not cross.
    """
    near = _near([*starts, *goals], own, region)
    close = [o for o in obstacles if o.crosses(near, _MARGIN)]
    if len(close) < len(obstacles):
        found = route(starts, goals, near, close, own, wires, owner)
        if found is not None:
            return found
    blocked = [
        Rectangle(o.left - _MARGIN, o.top - _MARGIN, o.right + _MARGIN, o.bottom + _MARGIN) for o in obstacles
    ]
    blocked += own
    grid = _Grid(region, [*obstacles, *own], [*starts, *goals])
    grid.block(blocked)
    grid.charge(wires, owner)
    return grid.search(starts, goals, wires)


def _near(doors: Sequence[Door], own: Sequence[Rectangle], region: Rectangle) -> Rectangle:
    """The part of the region about the two ends: most ways need no more."""
    xs = [d.point[0] for d in doors] + [x for o in own for x in (o.left, o.right)]
    ys = [d.point[1] for d in doors] + [y for o in own for y in (o.top, o.bottom)]
    return Rectangle(
        max(region.left, min(xs) - _NEARBY),
        max(region.top, min(ys) - _NEARBY),
        min(region.right, max(xs) + _NEARBY),
        min(region.bottom, max(ys) + _NEARBY),
    )


class _Grid:
    def __init__(self, region: Rectangle, boxes: Sequence[Rectangle], doors: Sequence[Door]) -> None:
        xs, ys = {region.left, region.right}, {region.top, region.bottom}
        for box in boxes:
            for track in _TRACKS[: 2 if len(boxes) > _CROWDED else 3]:
                xs |= {box.left - track, box.right + track}
                ys |= {box.top - track, box.bottom + track}
        self.xs = _thinned(xs, {d.point[0] for d in doors}, region.left, region.right)
        self.ys = _thinned(ys, {d.point[1] for d in doors}, region.top, region.bottom)
        columns, rows = len(self.xs), len(self.ys)
        # By line: what it costs more than its length to go from one point to the next one; below 0 it is barred.
        self.level = [[0.0] * columns for _ in range(rows)]
        self.upright = [[0.0] * rows for _ in range(columns)]

    def block(self, blocked: Sequence[Rectangle]) -> None:
        """Bar every piece that enters a rectangle."""
        for box in blocked:
            low_y, high_y = bisect_right(self.ys, box.top), bisect_left(self.ys, box.bottom)
            low_x, high_x = bisect_right(self.xs, box.left), bisect_left(self.xs, box.right)
            for j in range(low_y, high_y):
                line = self.level[j]
                for i in range(max(low_x - 1, 0), min(high_x, len(self.xs) - 1)):
                    line[i] = -1.0
            for i in range(low_x, high_x):
                line = self.upright[i]
                for j in range(max(low_y - 1, 0), min(high_y, len(self.ys) - 1)):
                    line[j] = -1.0

    def charge(self, wires: Wires, owner: str) -> None:
        """Prices of crossing what is drawn, and of running along it."""
        for box in wires.borders:
            for y in (box.top, box.bottom):
                self._follow(self.level, self.ys, self.xs, y, box.left, box.right)
            for x in (box.left, box.right):
                self._follow(self.upright, self.xs, self.ys, x, box.top, box.bottom)
        self._charge(self.level, self.upright, self.ys, self.xs, wires.level, owner)
        self._charge(self.upright, self.level, self.xs, self.ys, wires.upright, owner)

    def _charge(
        self,
        along: list[list[float]],
        across: list[list[float]],
        lines: list[float],
        stops: list[float],
        drawn: list[tuple[float, float, float, str]],
        owner: str,
    ) -> None:
        for at, start, end, other in drawn:
            if other == owner:
                continue
            self._follow(along, lines, stops, at, start, end)
            j = bisect_left(lines, at)
            if 0 < j < len(lines):
                for i in range(bisect_left(stops, start), bisect_right(stops, end)):
                    if across[i][j - 1] >= 0:
                        across[i][j - 1] += _CROSSING

    def _follow(
        self,
        along: list[list[float]],
        lines: list[float],
        stops: list[float],
        at: float,
        start: float,
        end: float,
    ) -> None:
        """The price of running along a line that is there already."""
        first, last = max(bisect_right(stops, start) - 1, 0), min(bisect_left(stops, end), len(stops) - 1)
        for j in range(bisect_left(lines, at - _APART), bisect_right(lines, at + _APART)):
            line = along[j]
            for i in range(first, last):
                if line[i] >= 0:
                    line[i] += _ALONG * (stops[i + 1] - stops[i])

    def search(
        self, starts: Sequence[Door], goals: Sequence[Door], wires: Wires
    ) -> tuple[list[Point], float] | None:
        xs, ys = self.xs, self.ys
        ends: dict[tuple[int, int, int], float] = {}
        for door in goals:
            i, j = bisect_left(xs, door.point[0]), bisect_left(ys, door.point[1])
            ends[i, j, door.way] = min(door.cost, ends.get((i, j, door.way), door.cost))
        goal_xs, goal_ys = [xs[i] for i, _, _ in ends], [ys[j] for _, j, _ in ends]
        box = (min(goal_xs), max(goal_xs), min(goal_ys), max(goal_ys))
        best: dict[tuple[int, int, int], float] = {}
        came: dict[tuple[int, int, int], tuple[int, int, int]] = {}
        waiting: list[tuple[float, int, float, tuple[int, int, int]]] = []
        count = 0
        for door in starts:
            state = (bisect_left(xs, door.point[0]), bisect_left(ys, door.point[1]), door.way)
            if door.cost < best.get(state, float("inf")):
                best[state] = door.cost
                waiting.append((door.cost, count, door.cost, state))
                count += 1
        heapq.heapify(waiting)
        done: set[tuple[int, int, int]] = set()
        while waiting and wires.steps > 0:
            wires.steps -= 1
            _, _, cost, state = heapq.heappop(waiting)
            if state in done:
                continue
            done.add(state)
            i, j, way = state
            if way == -1:
                return self._path(came, state), cost
            if state in ends:
                final = (i, j, -1)
                total = cost + ends[state]
                if total < best.get(final, float("inf")):
                    best[final] = total
                    came[final] = state
                    heapq.heappush(waiting, (total, count, total, final))
                    count += 1
            for turn, (dx, dy) in enumerate(_MOVES):
                if (turn + 2) % 4 == way or (turn != way and state not in came):
                    continue
                a, b = i + dx, j + dy
                if not (0 <= a < len(xs) and 0 <= b < len(ys)):
                    continue
                price = self.level[j][min(i, a)] if dx else self.upright[i][min(j, b)]
                if price < 0:
                    continue
                total = (
                    cost + price + abs(xs[a] - xs[i]) + abs(ys[b] - ys[j]) + (_BEND if turn != way else 0.0)
                )
                after = (a, b, turn)
                if total >= best.get(after, float("inf")):
                    continue
                best[after] = total
                came[after] = state
                left = max(box[0] - xs[a], xs[a] - box[1], 0.0) + max(box[2] - ys[b], ys[b] - box[3], 0.0)
                heapq.heappush(waiting, (total + left, count, total, after))
                count += 1
        return None

    def _path(
        self, came: dict[tuple[int, int, int], tuple[int, int, int]], state: tuple[int, int, int]
    ) -> list[Point]:
        points = []
        while state in came:
            state = came[state]
            points.append((self.xs[state[0]], self.ys[state[1]]))
        return straightened(points[::-1])


def straightened(points: Sequence[Point]) -> list[Point]:
    """A path without the points that its straight pieces pass through."""
    found: list[Point] = []
    for point in points:
        if found and abs(found[-1][0] - point[0]) < 0.01 and abs(found[-1][1] - point[1]) < 0.01:
            continue
        if len(found) > 1:
            (x1, y1), (x2, y2) = found[-2:]
            if (abs(x1 - x2) < 0.01 and abs(x2 - point[0]) < 0.01) or (
                abs(y1 - y2) < 0.01 and abs(y2 - point[1]) < 0.01
            ):
                found[-1] = point
                continue
        found.append(point)
    return found


def _thinned(lines: set[float], kept: set[float], low: float, high: float) -> list[float]:
    """Lines in order, those of doors all of them, others not nearer than a little to the one before."""
    found: list[float] = []
    for line in sorted(lines | kept):
        if line not in kept and (line < low or line > high):
            continue
        if line in kept or not found or line - found[-1] >= 2.0:
            found.append(line)
    return found
