"""Long spines in columns: a series is broken at bare wires, and the next part begins at the top again, to the right."""

from __future__ import annotations

from collections.abc import Sequence

from archdsl.drawing.pieces import LABEL_GAP, Context, Laid, lay
from archdsl.drawing.ribbons import Ribbon, Series, Wire
from archdsl.drawing.ushape import lay_u

_GUTTER = 34.0
_UNDER = 12.0
_ABOVE = 12.0
_NOTHING = Wire("", "", drawn=False)


def breaks(ribbon: Ribbon) -> list[int]:
    """The ribbons of a series (by number) at which it may be broken."""
    if not isinstance(ribbon, Series):
        return []
    inner = range(1, len(ribbon.nodes))
    return [i for i in inner if isinstance(r := ribbon.ribbons[i], Wire) and r.drawn]


def in_columns(ribbon: Ribbon, context: Context, limit: float) -> Laid:
    """The piece for a ribbon, in as few columns as keep each below ``limit``, if breaking can do that."""
    u = lay_u(ribbon, context)
    if u is not None:
        return u
    whole = lay(ribbon, context)
    possible = breaks(ribbon)
    if whole.height <= limit or not possible or not isinstance(ribbon, Series):
        return whole
    tops = [whole.spots[n][1] for n in ribbon.nodes]
    bottoms = [tops[i - 1] + context.sizes[ribbon.nodes[i - 1]].height for i in possible]
    starts = [tops[i] for i in possible]
    chosen = _balanced(bottoms, starts, whole.height, limit - LABEL_GAP - _UNDER)
    if not chosen:
        return whole
    return _joined(ribbon, [possible[i] for i in chosen], context)


def _balanced(bottoms: Sequence[float], starts: Sequence[float], height: float, limit: float) -> list[int]:
    """At which of the possible places to break: the fewest columns below the limit, then the least highest column."""
    lows, highs = [0.0, *starts], [*bottoms, height]

    def fitting(most: float) -> list[int] | None:
        found, begin = [], 0
        for i in range(len(highs)):
            if highs[i] - lows[begin] > most:
                if i == begin:
                    return None
                found.append(i - 1)
                begin = i
                if highs[i] - lows[begin] > most:
                    return None
        return found

    least = max(high - low for high, low in zip(highs, lows, strict=True))
    first = fitting(max(limit, least))
    if not first:
        return []
    low, high = least, max(limit, least)
    for _ in range(20):
        middle = (low + high) / 2
        found = fitting(middle)
        if found is not None and len(found) <= len(first):
            high = middle
        else:
            low = middle
    return fitting(high) or first


def _joined(series: Series, at: list[int], context: Context) -> Laid:
    ends = [0, *at, len(series.nodes)]
    piece = Laid()
    x = 0.0
    edge = 0.0
    before: Laid | None = None
    parts: list[tuple[Laid, float, float]] = []
    for number in range(len(ends) - 1):
        first, last = ends[number], ends[number + 1]
        begin = series.ribbons[first] if number == 0 else _NOTHING
        finish = series.ribbons[last] if last == len(series.nodes) else _NOTHING
        part = Series((begin, *series.ribbons[first + 1 : last], finish), series.nodes[first:last])
        inner = lay(part, context)
        y = 0.0 if before is None else LABEL_GAP + _ABOVE
        if before is not None:
            # A label stands in the gutter's upper end, beside the arrow into the column.
            x = edge + _GUTTER + inner.left
        piece.take(inner, x, y)
        parts.append((inner, x, y))
        edge = max(piece.right, x + inner.right)
        if number > 0:
            here = context.labels.get(_ends(series.ribbons[first]), (0.0, 0.0))
            edge = max(edge, x + here[0] + 9)
            piece.right = max(piece.right, edge)
        before = inner
    bottom = max(y + inner.height for inner, _, y in parts)
    for number, wire_at in enumerate(at):
        wire = _ends(series.ribbons[wire_at])
        inner, x, y = parts[number]
        following, next_x, next_y = parts[number + 1]
        source, target = wire
        size = context.sizes[source]
        out = piece.spots[source][0] + size.out
        low = y + inner.height
        from_y = low - size.height / 2 + size.tall / 2
        turn = next_x - following.left - _GUTTER / 2
        top = next_y - LABEL_GAP
        goal = context.sizes[target]
        into_y = next_y + goal.height / 2 - goal.tall / 2
        piece.paths[wire] = [
            (out, from_y), (out, low + _UNDER), (turn, low + _UNDER), (turn, top), (next_x, top), (next_x, into_y),
        ]  # fmt: skip
        width, height = context.labels.get(wire, (0.0, 0.0))
        if width:
            piece.labels[wire] = (next_x + 5, next_y - 8 - height)
    piece.height = bottom + _UNDER + 2
    piece.starts = [(w, px + parts[0][1]) for w, px in parts[0][0].starts]
    inner, x, _ = parts[-1]
    for wire, px in inner.ends:
        piece.paths[wire].append((px + x, piece.height))
        piece.ends.append((wire, px + x))
    piece.out = x + inner.out
    return piece


def _ends(ribbon: Ribbon) -> tuple[str, str]:
    assert isinstance(ribbon, Wire)
    return (ribbon.source, ribbon.target)
