"""Fewer wires hold a tangled level together: so many that it comes apart into series and branches, and no more.

Each node keeps the wire that the longest way comes along. Every other wire stays if the level is still made of chains
and branches with it; else it is led around the boxes when all have their places.
"""

from __future__ import annotations

from collections.abc import Mapping

from archdsl.drawing.levels import Level, ribbon_wires
from archdsl.drawing.pieces import Ends
from archdsl.drawing.ribbons import END, START, Parallel, Ribbon, Series, Tangle, reduced

_SMALL = 420.0
_FEW = 2


def loosened(level: Level, heights: Mapping[str, float], frames: bool) -> list[Ends]:
    """The wires of a connected level to leave out; none where what is tangled is small and would lose many."""
    whole = reduced(level.nodes, ribbon_wires(level))
    tangled = _tangled(whole)
    if not tangled:
        return []
    beside = {n for nodes in level.beside.values() for n in nodes}
    wires = [w for w in level.wires if w[0] not in beside and w[1] not in beside]
    rank = {node: i for i, node in enumerate([START, *level.nodes, END])}
    depth: dict[str, float] = {START: 0.0}
    main: dict[str, Ends] = {}
    for node in [*level.nodes, END]:
        coming = [w for w in wires if w[1] == node]
        best = max(coming, key=lambda w: (depth[w[0]], -rank[w[0]]), default=None)
        if best is not None:
            main[node] = best
        depth[node] = (depth[best[0]] if best else 0.0) + heights.get(node, 0.0) + 20.0
    kept = set(main.values())
    rest = [w for w in wires if w not in kept]
    for wire in sorted(rest, key=lambda w: (rank[w[1]] - rank[w[0]], rank[w[0]])):
        trial = Level(level.frame, level.nodes, {w: "" for w in level.wires if w in kept or w == wire}, {})
        if not _tangled(reduced(trial.nodes, ribbon_wires(trial))):
            kept.add(wire)
    left_out = [w for w in rest if w not in kept]
    small = not frames and sum(heights[n] for n in tangled) < _SMALL
    return [] if small and len(left_out) > _FEW else left_out


def _tangled(ribbon: Ribbon) -> set[str]:
    """The nodes that stand in tangles."""
    match ribbon:
        case Tangle(_, _, nodes, edges):
            found = set(nodes)
            for _, _, inner in edges:
                found |= _all(inner)
            return found
        case Series(ribbons, _):
            return set().union(*map(_tangled, ribbons))
        case Parallel(branches):
            return set().union(*map(_tangled, branches))
    return set()


def _all(ribbon: Ribbon) -> set[str]:
    match ribbon:
        case Series(ribbons, nodes):
            return set(nodes).union(*map(_all, ribbons))
        case Parallel(branches):
            return set().union(*map(_all, branches))
        case Tangle():
            return _tangled(ribbon)
    return set()
