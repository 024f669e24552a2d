"""A picture as levels: what stands directly in a frame, and which arrows hold it together.

An arrow from a box in one frame to a box in another is cut at the frames' sides: one wire per level. A frame has one
way in at its top and one way out at its bottom; whatever else enters or leaves is *loose*, and is led around the boxes
when all of them have their places.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from archdsl.drawing.picture import Box, Cluster, Picture
from archdsl.drawing.ribbons import END, START, Wire

_MOST_BESIDE = 2


@dataclass
class Level:
    """``nodes`` are ids of boxes and frames in program order; ``wires`` join them, by their two ends, with labels.

    START and END are the way in and the way out. ``beside`` are boxes that stand left or right of the one they feed.
    """

    frame: str | None
    nodes: list[str] = field(default_factory=list)
    wires: dict[tuple[str, str], str] = field(default_factory=dict)
    beside: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Levels:
    """All levels by their frame; ``ways`` are the wires (frame, source, target) along an edge, ``loose`` the rest."""

    levels: dict[str | None, Level]
    ways: dict[int, list[tuple[str | None, str, str]]]
    loose: list[int]
    homes: dict[int, str | None]


def find_levels(picture: Picture, left_out: Collection[int] = ()) -> Levels:
    """The levels of a picture; ``left_out`` are edges that are shown as tags instead."""
    return _Finder(picture, frozenset(left_out)).run()


class _Finder:
    def __init__(self, picture: Picture, left_out: frozenset[int]) -> None:
        self.picture = picture
        self.left_out = left_out
        self.boxes: dict[str, Box] = {box.id: box for box in picture.boxes}
        self.frames: dict[str, Cluster] = {cluster.id: cluster for cluster in picture.clusters}
        self.rank = {box.id: i for i, box in enumerate(picture.boxes)}
        self.chains = {box.id: self._chain(box.cluster) for box in picture.boxes}

    def _chain(self, frame: str | None) -> tuple[str | None, ...]:
        """The frames around, the whole picture (None) first."""
        found: list[str | None] = []
        while frame is not None:
            found.append(frame)
            frame = self.frames[frame].parent
        return (None, *reversed(found))

    def run(self) -> Levels:
        entries, exits = self._doors()
        found = Levels({None: Level(None)}, {}, [], {})
        for frame in self.frames:
            found.levels[frame] = Level(frame)
        for number, edge in enumerate(self.picture.edges):
            source, target = self.chains[edge.source], self.chains[edge.target]
            depth = sum(1 for a, b in zip(source, target, strict=False) if a == b)
            home = source[depth - 1]
            found.homes[number] = home
            if number in self.left_out:
                continue
            fits = all(exits.get(f) == edge.source for f in source[depth:]) and all(
                entries.get(f) == number for f in target[depth:]
            )
            if edge.side or not fits:
                found.loose.append(number)
                continue
            found.ways[number] = self._way(edge.source, edge.target, source, target, depth)
        self._fill(found)
        return found

    def _doors(self) -> tuple[dict[str | None, int], dict[str | None, str]]:
        """For each frame the edge that comes in at its top, and the box whose value goes out at its bottom."""
        entries: dict[str | None, int] = {}
        exits: dict[str | None, str] = {}
        best: dict[str | None, tuple[int, ...]] = {}
        for number, edge in enumerate(self.picture.edges):
            if number in self.left_out:
                continue
            source, target = set(self.chains[edge.source]), set(self.chains[edge.target])
            for frame in target - source:
                weight = self.boxes[edge.source].kind == "weight"
                key = (edge.side, weight, self.rank[edge.target], number)
                if frame not in best or key < best[frame]:
                    best[frame], entries[frame] = key, number
            for frame in source - target:
                if frame not in exits or self.rank[exits[frame]] < self.rank[edge.source]:
                    exits[frame] = edge.source
        return entries, exits

    def _way(
        self,
        source: str,
        target: str,
        out_of: tuple[str | None, ...],
        into: tuple[str | None, ...],
        depth: int,
    ) -> list[tuple[str | None, str, str]]:
        leaving = [*out_of[depth:], source]
        entering = [*into[depth:], target]
        way: list[tuple[str | None, str, str]] = []
        for at in range(len(leaving) - 1, 0, -1):
            way.append((leaving[at - 1], str(leaving[at]), END))
        way.append((out_of[depth - 1], str(leaving[0]), str(entering[0])))
        for at in range(1, len(entering)):
            way.append((entering[at - 1], START, str(entering[at])))
        return way

    def _fill(self, found: Levels) -> None:
        first: dict[str, int] = {}
        for box in self.picture.boxes:
            found.levels[box.cluster].nodes.append(box.id)
            for frame in self.chains[box.id][1:]:
                first.setdefault(str(frame), self.rank[box.id])
        for cluster in self.frames.values():
            found.levels[cluster.parent].nodes.append(cluster.id)
        first |= self.rank
        labels: dict[tuple[str | None, str, str], str] = {}
        for number, way in found.ways.items():
            for step in way:
                labels.setdefault(step, "")
            home = next(step for step in way if step[1] != START and step[2] != END)
            labels[home] = self.picture.edges[number].label
        for level in found.levels.values():
            level.nodes = [n for n in level.nodes if n in first]
            level.nodes.sort(key=lambda n: first[n])
        for (frame, source, target), label in labels.items():
            found.levels[frame].wires[source, target] = label
        for level in found.levels.values():
            _order(level)
            _set_beside(level, self.boxes)
        self._settle_lonely(found)

    def _settle_lonely(self, found: Levels) -> None:
        """A box that no composed wire touches stands beside what comes before its reader, or after its source."""
        for number in found.loose:
            edge = self.picture.edges[number]
            home = found.homes[number]
            level = found.levels[home]
            wired = {n for ends in level.wires for n in ends}
            depth = len(self._chain(home))
            ends = [
                self.chains[n][depth] if len(self.chains[n]) > depth else n
                for n in (edge.source, edge.target)
            ]
            for here, there, side in ((0, 1, 0), (1, 0, 1)):
                lonely, other = ends[here], str(ends[there])
                if lonely in wired or lonely not in self.boxes or lonely not in level.nodes:
                    continue
                if self.boxes[lonely].kind in ("junction", "symbol"):
                    continue
                near = [w[side] for w in sorted(level.wires) if w[1 - side] == other]
                near += [other]
                for neighbour in near:
                    if neighbour in self.boxes and neighbour in level.nodes and neighbour != lonely:
                        beside = level.beside.setdefault(neighbour, [])
                        if len(beside) < _MOST_BESIDE:
                            beside.append(str(lonely))
                            level.nodes.remove(str(lonely))
                            break


def _order(level: Level) -> None:
    """Each node after what it reads, else in the order of the program."""
    before: dict[str, list[str]] = {n: [] for n in level.nodes}
    for source, target in level.wires:
        if source != START and target != END:
            before[target].append(source)
    done: dict[str, None] = {}
    for node in level.nodes:
        waiting = [(node, False)]
        while waiting:
            at, ready = waiting.pop()
            if at in done:
                continue
            if ready:
                done[at] = None
            else:
                waiting.append((at, True))
                waiting += [(n, False) for n in reversed(before[at])]
    level.nodes = list(done)


def _set_beside(level: Level, boxes: dict[str, Box]) -> None:
    """What feeds one box alone, and has nothing before it, stands beside that box."""
    into: dict[str, list[str]] = {}
    out: dict[str, list[str]] = {}
    for source, target in level.wires:
        into.setdefault(target, []).append(source)
        out.setdefault(source, []).append(target)
    for node in level.nodes:
        targets = out.get(node, [])
        if node not in boxes or node in into or len(targets) != 1 or targets[0] not in boxes:
            continue
        target = targets[0]
        others = [n for n in into[target] if n != node and n not in level.beside.get(target, ())]
        # The thing that flows comes from above: of several sources without anything before them, the first one.
        flows = [n for n in others if n in into or n == START or n not in boxes]
        if not flows and (not others or level.nodes.index(node) < level.nodes.index(others[0])):
            continue
        beside = level.beside.setdefault(target, [])
        if len(beside) < _MOST_BESIDE:
            beside.append(node)
    for node in level.nodes:
        (source, *more) = into.get(node, [START])
        if (
            node in boxes
            and boxes[node].kind == "tag"
            and source in boxes
            and not more
            and len(out[source]) > 1
        ):
            beside = level.beside.setdefault(source, [])
            if len(beside) < _MOST_BESIDE:
                beside.append(node)
    taken = {n for nodes in level.beside.values() for n in nodes}
    level.beside = {target: nodes for target, nodes in level.beside.items() if nodes}
    level.nodes = [n for n in level.nodes if n not in taken]


def components(level: Level) -> list[Level]:
    """The level's parts that no wire joins, in program order; START and END join nothing."""
    group = {n: n for n in level.nodes}

    def root(node: str) -> str:
        while group[node] != node:
            node = group[node]
        return node

    for source, target in level.wires:
        if source in group and target in group:
            one, other = root(source), root(target)
            group[other] = one
    parts: dict[str, Level] = {}
    for node in level.nodes:
        part = parts.setdefault(root(node), Level(level.frame))
        part.nodes.append(node)
    for (source, target), label in level.wires.items():
        node = source if source in group else target
        if node in group:
            parts[root(node)].wires[source, target] = label
    for part in parts.values():
        part.beside = {t: nodes for t, nodes in level.beside.items() if t in part.nodes}
    return list(parts.values())


def ribbon_wires(level: Level) -> list[Wire]:
    """The wires of a connected level, with undrawn ones from the start to each source and from each end."""
    beside = {n for nodes in level.beside.values() for n in nodes}
    wires = [Wire(s, t) for s, t in level.wires if s not in beside and t not in beside]
    fed = {w.target for w in wires}
    read = {w.source for w in wires}
    wires += [Wire(START, n, drawn=False) for n in level.nodes if n not in fed]
    wires += [Wire(n, END, drawn=False) for n in level.nodes if n not in read]
    return wires
