"""Places for a tangle: rows by the longest way, each row ordered so that few wires cross, and shifted under its like.

The wires themselves are led around the boxes later (:mod:`archdsl.drawing.routing`); a row keeps room for those that
pass it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from archdsl.drawing.pieces import Context, Laid, lay
from archdsl.drawing.ribbons import Parallel, Ribbon, Series, Tangle, Wire

_ROW_GAP = 34.0
_SIDE_GAP = 22.0
_PASS = 7.0
_SWEEPS = 12


@dataclass
class _Unit:
    """A node or a stack of nodes; or, without a piece, a wire on its way past a row."""

    piece: Laid | None
    row: int = 0
    x: float = 0.0
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)

    @property
    def left(self) -> float:
        return self.piece.left if self.piece else _PASS

    @property
    def right(self) -> float:
        return self.piece.right if self.piece else _PASS


def lay_tangle(tangle: Tangle, context: Context) -> Laid:
    """The piece of a tangle; all its wires are left to be routed."""
    builder = _Builder(tangle, context)
    builder.rows()
    builder.pass_by()
    builder.order()
    builder.place()
    return builder.piece()


class _Builder:
    def __init__(self, tangle: Tangle, context: Context) -> None:
        self.context = context
        self.units: list[_Unit] = []
        self.named: dict[str, int] = {}
        self.links: list[tuple[int, int]] = []  # -1 is the tangle's source, -2 its target
        self.wires: list[tuple[str, str]] = []
        self.ends = {tangle.source: -1, tangle.target: -2}
        for node in tangle.nodes:
            self._node(node)
        for source, target, ribbon in tangle.edges:
            self._edge(source, target, ribbon)
        for source_at, target_at in self.links:
            if source_at >= 0 and target_at >= 0:
                self.units[target_at].before.append(source_at)
                self.units[source_at].after.append(target_at)

    def _node(self, node: str) -> None:
        if node not in self.named:
            size = self.context.sizes[node]
            self.named[node] = len(self.units)
            self.units.append(_Unit(Laid(size.left, size.right, size.height, {node: (0.0, 0.0)})))

    def _at(self, node: str) -> int:
        return self.ends[node] if node in self.ends else self.named[node]

    def _edge(self, source: str, target: str, ribbon: Ribbon) -> None:
        match ribbon:
            case Wire():
                if ribbon.drawn:
                    self.wires.append((ribbon.source, ribbon.target))
                    self.links.append((self._at(source), self._at(target)))
            case Parallel(branches):
                for branch in branches:
                    self._edge(source, target, branch)
            case Tangle(_, _, nodes, edges):
                for node in nodes:
                    self._node(node)
                for one, other, inner in edges:
                    self._edge(one, other, inner)
            case Series(ribbons, nodes) if isinstance(ribbons[0], Wire) and isinstance(ribbons[-1], Wire):
                bare = Wire("", "", drawn=False)
                piece = lay(Series((bare, *ribbons[1:-1], bare), nodes), self.context)
                self.units.append(_Unit(piece))
                for node in piece.spots:
                    self.named[node] = len(self.units) - 1
                self._edge(source, nodes[0], ribbons[0])
                self._edge(nodes[-1], target, ribbons[-1])
            case Series(ribbons, nodes):
                for node in nodes:
                    self._node(node)
                for (one, other), inner in zip(pairwise((source, *nodes, target)), ribbons, strict=True):
                    self._edge(one, other, inner)

    def rows(self) -> None:
        """Longest ways from the top; what has nothing before it stands just above what it feeds."""
        waiting = [len(unit.before) for unit in self.units]
        ready = [i for i, n in enumerate(waiting) if n == 0]
        order = []
        while ready:
            at = ready.pop(0)
            order.append(at)
            for after in self.units[at].after:
                self.units[after].row = max(self.units[after].row, self.units[at].row + 1)
                waiting[after] -= 1
                if waiting[after] == 0:
                    ready.append(after)
        fed = {target for source, target in self.links if source == -1}
        for at in reversed(order):
            unit = self.units[at]
            if not unit.before and unit.after and at not in fed:
                unit.row = min(self.units[a].row for a in unit.after) - 1
        lowest = min((u.row for u in self.units), default=0)
        for unit in self.units:
            unit.row -= lowest

    def pass_by(self) -> None:
        """Long wires get a unit in each row that they pass."""
        last = max((u.row for u in self.units), default=-1) + 1
        for source, target in dict.fromkeys(self.links):
            first = self.units[source].row if source >= 0 else -1
            end = self.units[target].row if target >= 0 else last
            if end - first <= 1:
                continue
            if source >= 0 and target >= 0:
                self.units[source].after.remove(target)
                self.units[target].before.remove(source)
            before = source
            for row in range(first + 1, end):
                at = len(self.units)
                self.units.append(_Unit(None, row, before=[before] if before >= 0 else []))
                if before >= 0:
                    self.units[before].after.append(at)
                before = at
            if target >= 0:
                self.units[before].after.append(target)
                self.units[target].before.append(before)

    def order(self) -> None:
        """Sweeps by the middle of what a unit is joined to; the order with the fewest crossings is kept."""
        count = max((u.row for u in self.units), default=-1) + 1
        self.lines = [[i for i, u in enumerate(self.units) if u.row == row] for row in range(count)]
        best, fewest = [list(line) for line in self.lines], self._crossings()
        for sweep in range(_SWEEPS):
            down = sweep % 2 == 0
            for row in range(1, count) if down else range(count - 2, -1, -1):
                place = {at: i for i, at in enumerate(self.lines[row - 1 if down else row + 1])}
                line = self.lines[row]
                old = {at: i for i, at in enumerate(line)}

                def middle(at: int, place: dict[int, int] = place, old: dict[int, int] = old) -> float:
                    unit = self.units[at]
                    joined = [place[n] for n in (*unit.before, *unit.after) if n in place]
                    return sum(joined) / len(joined) if joined else old[at]

                line.sort(key=lambda at: (middle(at), old[at]))
            found = self._crossings()
            if found < fewest:
                best, fewest = [list(line) for line in self.lines], found
        self.lines = best

    def _crossings(self) -> int:
        total = 0
        for upper, lower in pairwise(self.lines):
            place = {at: i for i, at in enumerate(lower)}
            pairs = [(i, place[n]) for i, at in enumerate(upper) for n in self.units[at].after if n in place]
            total += sum(
                1 for i, (a, b) in enumerate(pairs) for c, d in pairs[i + 1 :] if (a - c) * (b - d) < 0
            )
        return total

    def place(self) -> None:
        """Each unit towards the middle of its neighbours, rows keeping their order and their gaps."""
        for line in self.lines:
            _settle([self.units[at] for at in line], [0.0] * len(line))
        for sweep in range(4 * _SWEEPS):
            order = self.lines if sweep % 2 == 0 else self.lines[::-1]
            for line in order:
                units = [self.units[at] for at in line]
                _settle(units, [self._wanted(u) for u in units])

    def _wanted(self, unit: _Unit) -> float:
        joined = [self.units[n].x for n in (*unit.before, *unit.after)]
        return sum(joined) / len(joined) if joined else 0.0

    def piece(self) -> Laid:
        """Everything where it is."""
        found = Laid()
        y = _ROW_GAP
        for line in self.lines:
            units = [self.units[at] for at in line]
            height = max((u.piece.height for u in units if u.piece), default=0.0)
            for unit in units:
                if unit.piece:
                    found.take(unit.piece, unit.x, y + (height - unit.piece.height) / 2)
                else:
                    found.left = max(found.left, _PASS - unit.x)
                    found.right = max(found.right, _PASS + unit.x)
            y += height + _ROW_GAP
        found.height = y
        found.left += 2 * _PASS
        found.right += 2 * _PASS
        found.unrouted += self.wires
        return found


def _settle(units: list[_Unit], wanted: list[float]) -> None:
    """The places nearest to the wanted ones (least squares) that keep order and gaps: pool adjacent violators."""
    offsets = [0.0]
    for one, other in pairwise(units):
        offsets.append(offsets[-1] + one.right + other.left + _SIDE_GAP)
    # What its members want of its beginning, summed by their weights; the weights' sum; how many they are.
    pools: list[tuple[float, float, int]] = []
    for unit, want, offset in zip(units, wanted, offsets, strict=True):
        weight = len(unit.before) + len(unit.after) + 0.01
        pool = ((want - offset) * weight, weight, 1)
        while pools and pools[-1][0] / pools[-1][1] > pool[0] / pool[1]:
            total, heavy, count = pools.pop()
            pool = (total + pool[0], heavy + pool[1], count + pool[2])
        pools.append(pool)
    at = 0
    for total, heavy, count in pools:
        for _ in range(count):
            units[at].x = total / heavy + offsets[at]
            at += 1
