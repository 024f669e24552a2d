"""The arrows of a placed picture: composed wires joined to whole arrows, the loose ones led around the boxes."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from archdsl.drawing.frames import loop_arrow
from archdsl.drawing.geometry import Rectangle
from archdsl.drawing.levels import Levels
from archdsl.drawing.measures import Measure
from archdsl.drawing.picture import Picture
from archdsl.drawing.placed import Point
from archdsl.drawing.placing import Places
from archdsl.drawing.ribbons import END, START
from archdsl.drawing.routing import Door, Wires, doors_of, route, straightened

_AROUND = 26.0


@dataclass
class Wired:
    """Points and label's rectangle of each edge, what led ones cost; ``failed`` found no way."""

    points: dict[int, list[Point]] = field(default_factory=dict)
    labels: dict[int, Rectangle] = field(default_factory=dict)
    costs: dict[int, float] = field(default_factory=dict)
    failed: list[int] = field(default_factory=list)


def wire_up(picture: Picture, levels: Levels, places: Places, measure: Measure, steps: int) -> Wired:
    """All arrows of the picture, after looking at ``steps`` points at most."""
    return _Wirer(picture, levels, places, measure, steps).run()


class _Wirer:
    def __init__(
        self, picture: Picture, levels: Levels, places: Places, measure: Measure, steps: int
    ) -> None:
        self.picture, self.levels, self.places, self.measure = picture, levels, places, measure
        self.parents = {c.id: c.parent for c in picture.clusters}
        self.home = {b.id: b.cluster for b in picture.boxes}
        whole = places.whole
        self.page = Rectangle(
            whole.left - _AROUND, whole.top - _AROUND, whole.right + _AROUND, whole.bottom + _AROUND
        )
        self.wires = Wires(borders=list(places.frames.values()), steps=steps)
        for cluster in picture.clusters:
            if cluster.again:
                self.wires.add(loop_arrow(places.frames[cluster.id]), cluster.id)
        self.paths = dict(places.paths)  # with those that are led
        self.found = Wired()

    def run(self) -> Wired:
        places, levels = self.places, self.levels
        owners: dict[tuple[str | None, str, str], str] = {}
        for number, way in levels.ways.items():
            for step in way:
                owners[step] = self.picture.edges[number].source
        for step, points in self.paths.items():
            if step in owners:
                self.wires.add(points, owners[step])
        for step in sorted(set(places.unrouted), key=lambda s: (self._distance(s), s[1], s[2])):
            if step in owners:
                self._route_step(step, owners[step])
        for number, way in levels.ways.items():
            pieces = [self.paths.get(step) for step in way]
            if any(piece is None for piece in pieces):
                self.found.failed.append(number)
                continue
            self.found.points[number] = straightened([p for piece in pieces if piece for p in piece])
            for step in way:
                if step in places.labels and step[1] != START and step[2] != END:
                    self.found.labels[number] = places.labels[step]
        for number in sorted(levels.loose, key=self._length):
            self._route_loose(number)
        if self.wires.steps <= 0:  # too many for one drawing: the others are told by tags as well
            led = set(places.unrouted)
            self.found.failed += [n for n, way in levels.ways.items() if led.intersection(way)]
            self.found.failed += levels.loose
        self._label_routed()
        return self.found

    def _distance(self, step: tuple[str | None, str, str]) -> float:
        ends = [self.places.boxes.get(n) or self.places.frames.get(n) for n in step[1:]]
        if ends[0] is None or ends[1] is None:
            return 0.0
        return abs(ends[0].middle - ends[1].middle) + abs(ends[0].left - ends[1].left)

    def _length(self, number: int) -> tuple[float, int]:
        edge = self.picture.edges[number]
        return self._distance((None, edge.source, edge.target)), number

    def _route_step(self, step: tuple[str | None, str, str], owner: str) -> None:
        frame, source, target = step
        starts = self._doors(frame, source, target, leaving=True)
        goals = self._doors(frame, target, source, leaving=False)
        own = [
            self.places.boxes.get(n) or self.places.frames[n]
            for n in (source, target)
            if n not in (START, END)
        ]
        found = self._search(starts, goals, frame, {source, target}, own, owner)
        if found is not None:
            self.paths[step] = found[0]
            self.wires.add(found[0], owner)

    def _doors(self, frame: str | None, node: str, other: str, *, leaving: bool) -> list[Door]:
        if node in (START, END):
            assert frame is not None
            return [Door(self.places.doors[frame, node], 1)]
        if node in self.places.boxes:
            return doors_of(self.places.boxes[node], leaving=leaving, other=self.places.boxes.get(other))
        return [Door(self.places.doors[node, END if leaving else START], 1)]

    def _route_loose(self, number: int) -> None:
        edge = self.picture.edges[number]
        boxes = self.places.boxes
        own = [boxes[edge.source], boxes[edge.target]]
        found = self._search(
            doors_of(own[0], leaving=True),
            doors_of(own[1], leaving=False),
            self.levels.homes[number],
            {edge.source, edge.target},
            own,
            edge.source,
        )
        if found is None:
            self.found.failed.append(number)
            return
        self.found.points[number], self.found.costs[number] = found
        self.wires.add(found[0], edge.source)

    def _search(
        self,
        starts: list[Door],
        goals: list[Door],
        frame: str | None,
        ends: set[str],
        own: list[Rectangle],
        owner: str,
    ) -> tuple[list[Point], float] | None:
        open_frames = set()
        for end in ends:
            at = self.home.get(end, self.parents.get(end))
            while at is not None:
                open_frames.add(at)
                at = self.parents[at]
        if frame is None:
            region = self.page
        else:
            place = self.places.frames[frame]
            region = Rectangle(place.left + 2, place.top + 1, place.right - 2, place.bottom - 1)
        obstacles = [
            place
            for name, place in self.places.boxes.items()
            if name not in ends and self._shown(name, open_frames)
        ]
        obstacles += [
            place
            for name, place in self.places.frames.items()
            if name not in open_frames and name not in ends and self._shown(name, open_frames)
        ]
        obstacles += [self.places.titles[name] for name in open_frames if name in self.places.titles]
        soft = [_shrunk(place) for place in self.places.labels.values()]
        found = route(starts, goals, region, obstacles + soft, own, self.wires, owner)
        return found or route(starts, goals, region, obstacles, own, self.wires, owner)

    def _shown(self, name: str, open_frames: set[str]) -> bool:
        """Whether the thing stands in the open: not inside a frame that is an obstacle as a whole."""
        at = self.home[name] if name in self.home else self.parents[name]
        return at is None or at in open_frames

    def _label_routed(self) -> None:
        """Labels of routed arrows, beside a straight piece where nothing else is; left out where there is no room."""
        taken = [*self.places.boxes.values(), *self.places.titles.values(), *self.found.labels.values()]
        for number, edge in enumerate(self.picture.edges):
            if not edge.label or number in self.found.labels or number not in self.found.points:
                continue
            width, height = self.measure.label(edge.label)
            place = self._free(self.found.points[number], width, height, taken)
            if place is not None:
                self.found.labels[number] = place
                taken.append(place)

    def _free(
        self, points: list[Point], width: float, height: float, taken: list[Rectangle]
    ) -> Rectangle | None:
        pieces = sorted(
            pairwise(points),
            key=lambda p: -abs(p[0][0] - p[1][0]) - abs(p[0][1] - p[1][1]),
        )
        for (x1, y1), (x2, y2) in pieces:
            for part in (0.5, 0.3, 0.7, 0.15, 0.85):
                x, y = x1 + (x2 - x1) * part, y1 + (y2 - y1) * part
                if abs(x1 - x2) < 0.01:
                    spots = [(x + 4, y - height / 2), (x - 4 - width, y - height / 2)]
                else:
                    spots = [(x - width / 2, y - 3 - height), (x - width / 2, y + 3)]
                for left, top in spots:
                    place = Rectangle(left, top, left + width, top + height)
                    if not any(place.crosses(other, 1.5) for other in taken) and not self._struck(place):
                        return place
        return None

    def _struck(self, place: Rectangle) -> bool:
        for y, start, end, _ in self.wires.level:
            if place.top - 1 < y < place.bottom + 1 and start < place.right and end > place.left:
                return True
        for x, start, end, _ in self.wires.upright:
            if place.left - 1 < x < place.right + 1 and start < place.bottom and end > place.top:
                return True
        for frame in self.places.frames.values():
            if frame.top < place.bottom and frame.bottom > place.top:
                for side in (frame.left, frame.right):
                    if place.left - 1 < side < place.right + 1:
                        return True
            if frame.left < place.right and frame.right > place.left:
                for side in (frame.top, frame.bottom):
                    if place.top - 1 < side < place.bottom + 1:
                        return True
        return False


def _shrunk(place: Rectangle) -> Rectangle:
    return Rectangle(place.left + 3, place.top + 3, place.right - 3, place.bottom - 3)
