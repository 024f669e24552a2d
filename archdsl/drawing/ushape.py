"""Encoder-decoders: where skips are nested one in another, the way down and the way up stand side by side.

Graphviz ranks by arrows, so it draws a U-Net as a ladder. Told the arrows of the way up backwards, it draws the U; the
skips, between boxes of one rank, then run from left to right, which also puts the encoder on the left.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from archdsl.drawing.picture import Picture


@dataclass(frozen=True)
class UShape:
    """``levels`` are the two ends of each skip, ``upward`` the arrows of the way up."""

    levels: tuple[tuple[str, str], ...] = ()
    upward: frozenset[tuple[str, str]] = frozenset()


def u_shape(picture: Picture) -> UShape:
    """The U in a picture without frames; nothing where there is none."""
    order = {box.id: i for i, box in enumerate(picture.boxes)}
    skips = [(e.source, e.target) for e in picture.edges if e.skip]
    if len(skips) < 2 or any(box.cluster is not None for box in picture.boxes):
        return UShape()
    nested = sorted(skips, key=lambda ends: order[ends[0]])
    starts, ends = [order[u] for u, _ in nested], [order[v] for _, v in nested]
    if len(set(starts)) < len(starts) or any(a <= b for a, b in pairwise(ends)):
        return UShape()
    if starts[-1] + 1 >= ends[-1]:
        return UShape()
    bottom = (starts[-1] + ends[-1]) // 2
    upward = {
        (e.source, e.target)
        for e in picture.edges
        if not e.skip and order[e.source] >= bottom and order[e.target] > bottom
    }
    return UShape(tuple(nested), frozenset(upward))
