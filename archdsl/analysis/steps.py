"""The arithmetic of receptive fields: steps along a path, and ways that may end a feature map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Per spatial dim: a field r at stride j becomes r + a*j at b*j. Whole numbers, or fractions after an upsampling.
Step = tuple[tuple[Any, Any], ...]


@dataclass(frozen=True)
class Way:
    """What happens to the field of a feature map on its ways to a value.

    ``alive``: the value is a feature map still; ``past``: the map ended on the way, with that step done. ``()`` is the
    step that does nothing, for any number of dims.
    """

    alive: Step | None = None
    past: Step | None = None


IDENTITY = Way(alive=())


def moved(step: Step) -> Way:
    """The way through one operator that looks at a neighbourhood."""
    return Way(alive=step)


past = Way(past=())


def after(first: Way, second: Way) -> Way:
    """One way and then another. What is past a map is so for good; the second adds nothing to it."""
    alive = _compose(first.alive, second.alive)
    ended = _compose(first.alive, second.past)
    reached = second.alive is not None or second.past is not None
    return Way(alive, larger(ended, first.past if reached else None))


def _compose(first: Step | None, second: Step | None) -> Step | None:
    if first is None or second is None:
        return None
    if not first or not second:
        return first or second
    if len(first) != len(second):
        return first
    return tuple((a + b * a_next, b * b_next) for (a, b), (a_next, b_next) in zip(first, second, strict=True))


def larger(left: Step | None, right: Step | None) -> Step | None:
    """Where two paths meet: the larger field of each dim, and the larger stride."""
    if left is None or right is None:
        return left if right is None else right
    if len(left) != len(right):
        return max(left, right, key=lambda step: (max((a for a, _ in step), default=0), len(step)))
    return tuple((max(a, c), max(b, d)) for (a, b), (c, d) in zip(left, right, strict=True))
