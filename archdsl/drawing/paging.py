"""Fitting a page: inner blocks are closed, the least telling first, until the text can be read on paper.

First goes what holds no parameters (plumbing), then what is nested deepest, then what has the fewest boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from archdsl.drawing.layout import READABLE, fits_page
from archdsl.drawing.picture import Cluster, Picture
from archdsl.drawing.placed import Direction

_MOST_TRIES = 24
_MANY = 12
_MOST_REOPENED = 8


def for_a_page(draw: Callable[[Collection[str]], Picture], direction: Direction) -> Picture:
    """What ``draw`` gives for the fewest closed places with which it fits, or the best there is.

    ``draw`` takes places to close, as paths of frames.
    """
    best = picture = draw(())
    most = fits_page(picture, direction)
    closed: list[str] = []
    for _ in range(_MOST_TRIES):
        order = _order(picture)
        if most >= READABLE or not order:
            break
        alike = [c for c in order if _rank(picture, c)[:2] == _rank(picture, order[0])[:2]]
        # Of many frames nested deep, one alone would change little.
        closed += [c.path or c.place for c in (alike if len(picture.clusters) > _MANY else order[:1])]
        picture = draw(closed)
        found = fits_page(picture, direction)
        if found > most:
            best, most = picture, found
    return best if most < READABLE else _opened(draw, closed, best, direction)


def _opened(
    draw: Callable[[Collection[str]], Picture], closed: list[str], best: Picture, direction: Direction
) -> Picture:
    """Some that were closed may fit all the same, now that others are: the last first."""
    for place in closed[: -_MOST_REOPENED - 1 : -1]:
        fewer = [other for other in closed if other != place]
        picture = draw(fewer)
        if fits_page(picture, direction) >= READABLE:
            closed, best = fewer, picture
    return best


def _order(picture: Picture) -> list[Cluster]:
    """The frames that hold no others, the first to close first."""
    around = {cluster.parent for cluster in picture.clusters}
    inner = [cluster for cluster in picture.clusters if cluster.id not in around]
    return sorted(inner, key=lambda cluster: _rank(picture, cluster))


def _rank(picture: Picture, cluster: Cluster) -> tuple[bool, int, int]:
    parents = {c.id: c.parent for c in picture.clusters}
    depth, at = 0, cluster.parent
    while at is not None:
        depth, at = depth + 1, parents[at]
    plumbing = cluster.detail.endswith("0 params, 0 MACs") and not cluster.detail.endswith(
        "10 params, 0 MACs"
    )
    return (not plumbing, -depth, sum(box.cluster == cluster.id for box in picture.boxes))
