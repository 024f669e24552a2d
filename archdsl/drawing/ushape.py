"""Encoder-decoders: where skips are nested one in another, the way down and the way up stand side by side.

The decoder is right of the encoder and rises; each skip runs level from one to the other. So the drawing of a U-Net is
the U that its name speaks of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from archdsl.drawing.pieces import GAP, LABEL_GAP, Context, Ends, Laid
from archdsl.drawing.ribbons import Parallel, Ribbon, Series, Wire

_FEWEST_LEVELS = 2
_MIDDLE_GAP = 34.0


@dataclass(frozen=True)
class _Level:
    """One level of the U: what leads down to the skip's beginning, and from its end on; the skip itself."""

    down: tuple[str, ...]
    up: tuple[str, ...]
    skip: Ends | None


def lay_u(ribbon: Ribbon, context: Context) -> Laid | None:
    """The U for a series whose skips are nested; None where it is something else."""
    levels = _levels(ribbon)
    if len(levels) <= _FEWEST_LEVELS:
        return None
    nodes = [n for level in levels for n in (*level.down, *level.up)]
    if any(context.sizes[n].kind == "frame" for n in nodes):
        return None
    return _Drawn(levels, context).piece


def _levels(ribbon: Ribbon) -> list[_Level]:
    """From the outermost in; the innermost has no skip. Empty where there is more than chains and nested skips."""
    found: list[_Level] = []
    while isinstance(ribbon, Series):
        inner = [(i, r) for i, r in enumerate(ribbon.ribbons) if not isinstance(r, Wire)]
        if not inner:
            middle = (len(ribbon.nodes) + 1) // 2
            found.append(_Level(ribbon.nodes[:middle], ribbon.nodes[middle:], None))
            return found
        at, part = inner[0]
        if len(inner) > 1 or not isinstance(part, Parallel) or len(part.branches) != 2:
            return []
        skips = [b for b in part.branches if isinstance(b, Wire) and b.drawn]
        rest = [b for b in part.branches if not isinstance(b, Wire)]
        if len(skips) != 1 or len(rest) != 1 or not 0 < at < len(ribbon.nodes):
            return []
        skip = (skips[0].source, skips[0].target)
        found.append(_Level(ribbon.nodes[:at], ribbon.nodes[at:], skip))
        ribbon = rest[0]
    return []


class _Drawn:
    def __init__(self, levels: Sequence[_Level], context: Context) -> None:
        self.context = context
        self.piece = Laid()
        self.middles: dict[str, float] = {}
        down = [n for level in levels[:-1] for n in level.down]
        bottom = levels[-1]
        down += bottom.down
        up = [n for level in reversed(levels[:-1]) for n in level.up]
        up = [*bottom.up, *up]
        self._rows(levels, down, up)
        self._place(down, up, levels)

    def _gap(self, source: str, target: str) -> float:
        _, height = self.context.labels.get((source, target), (0.0, 0.0))
        return max(LABEL_GAP, height + 14) if height else GAP

    def _rows(self, levels: Sequence[_Level], down: Sequence[str], up: Sequence[str]) -> None:
        """The height of each node's middle: as near as the gaps allow, the two ends of each skip level."""
        sizes = self.context.sizes
        for column in (down, up[::-1]):
            for i, node in enumerate(column):
                if i == 0:
                    self.middles[node] = 0.0
                    continue
                before = column[i - 1]
                pair = (before, node) if column is down else (node, before)
                self.middles[node] = (
                    self.middles[before] + (sizes[before].height + sizes[node].height) / 2 + self._gap(*pair)
                )
        # Outer levels first: the higher end of each skip comes down to the other, with all that is below it.
        previous: tuple[str | None, str | None] = (None, None)
        for level in levels[:-1]:
            assert level.skip is not None
            left, right = level.skip
            difference = self.middles[left] - self.middles[right]
            column, first, last = (
                (up[::-1], previous[1], right) if difference > 0 else (down, previous[0], left)
            )
            start = column.index(first) + 1 if first is not None else 0
            end = column.index(last)
            count = end - start + 1
            for i, node in enumerate(column):
                if i >= start:
                    # The slack is shared among the gaps of this level; the outermost level moves as a whole.
                    share = 1.0 if first is None or i >= end else (i - start + 1) / count
                    self.middles[node] += abs(difference) * share
            previous = level.skip

    def _place(self, down: Sequence[str], up: Sequence[str], levels: Sequence[_Level]) -> None:
        sizes, labels, piece = self.context.sizes, self.context.labels, self.piece
        bottom = down[-1] if len(levels[-1].down) > 0 else None
        left_wide = max(
            [sizes[n].right for n in down] + [labels[e][0] + 9 for e in pairwise(down) if e in labels]
        )
        skips = [level.skip for level in levels if level.skip is not None]
        across = [labels[skip][0] + 30 for skip in skips if skip in labels]
        x = left_wide + max(_MIDDLE_GAP, *across, 0.0) + max((sizes[n].left for n in up), default=0.0)
        if bottom is not None and up:
            # The lowest box joins both columns.
            self.middles[bottom] = max(
                self.middles[bottom],
                self.middles[up[0]]
                + sizes[up[0]].height / 2
                + self._gap(bottom, up[0])
                + sizes[bottom].height / 2,
            )
        top = min(self.middles[n] - sizes[n].height / 2 for n in (*down, *up))
        for column, at in ((down, 0.0), (up, x)):
            for node in column:
                here = self.middles[node] - top
                self.middles[node] = here
                piece.spots[node] = (at, here - sizes[node].height / 2)
                piece.left = max(piece.left, sizes[node].left - at)
                piece.right = max(piece.right, at + sizes[node].right)
                piece.height = max(piece.height, here + sizes[node].height / 2)
        for source, target in pairwise(down):
            self._wire((source, target), 0.0, self._edge(source, 1), self._edge(target, -1))
        for source, target in pairwise(up):
            self._wire((source, target), x, self._edge(source, -1), self._edge(target, 1))
        if bottom is not None and up:
            ends = (bottom, up[0])
            middle = self.middles[bottom]
            low = self._edge(up[0], 1)
            piece.paths[ends] = [(sizes[bottom].half, middle), (x, middle), (x, low)]
            self._label(ends, x, low, middle)
        for level in levels[:-1]:
            assert level.skip is not None
            source, target = level.skip
            middle = self.middles[source]
            piece.paths[level.skip] = [(sizes[source].half, middle), (x - sizes[target].half, middle)]
            if level.skip in labels:
                width, height = labels[level.skip]
                start = max(sizes[source].half, left_wide)
                piece.labels[level.skip] = (
                    (start + x - sizes[target].half) / 2 - width / 2, middle - height - 3,
                )  # fmt: skip
        piece.out = x

    def _edge(self, node: str, side: int) -> float:
        return self.middles[node] + side * self.context.sizes[node].tall / 2

    def _wire(self, ends: Ends, x: float, start: float, end: float) -> None:
        self.piece.paths[ends] = [(x, start), (x, end)]
        self._label(ends, x, start, end)

    def _label(self, ends: Ends, x: float, start: float, end: float) -> None:
        if ends in self.context.labels:
            width, height = self.context.labels[ends]
            middle = (start + end) / 2 + (-3 if end > start else 3)
            self.piece.labels[ends] = (x + 5, middle - height / 2)
            self.piece.right = max(self.piece.right, x + 9 + width)
