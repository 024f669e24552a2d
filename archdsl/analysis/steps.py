"""The arithmetic of receptive fields: how wide a stretch of the input is behind a stretch of the output.

A stretch of ``e + 1`` neighbours after a convolution comes from ``e * stride + kernel - 1`` more than one before it;
after a transposed one from at most ``(e + kernel - 1) // stride`` more. Such steps are applied from the output back to
the input, which keeps the rounding exact for the widest place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# (mul, add, div): e becomes (mul * e + add) // div.
Stage = tuple[int, int, int]


@dataclass(frozen=True)
class Along:
    """What happens along one spatial dim: the stages from the output back, and the stride (a fraction may be)."""

    stages: tuple[Stage, ...]
    stride: Any

    def __call__(self, extra: int) -> int:
        for mul, add, div in self.stages:
            extra = (mul * extra + add) // div
        return extra


# One entry per spatial dim; () is the step that does nothing, for any number of dims.
Step = tuple[Along, ...]


@dataclass(frozen=True)
class Way:
    """What happens to the field of a feature map on its ways to a value.

    ``alive``: the value is a feature map still; ``past``: the map ended on the way, with that step done.
    """

    alive: Step | None = None
    past: Step | None = None


IDENTITY = Way(alive=())
past = Way(past=())


def moved(step: Step) -> Way:
    """The way through one operator that looks at a neighbourhood."""
    return Way(alive=step)


def window(kernel: int, stride: int) -> Along:
    """A convolution or pool."""
    return Along(((stride, kernel - 1, 1),), stride)


def transposed(kernel: int, stride: int) -> Along:
    """A transposed convolution, or another upsampling by a whole factor."""
    from fractions import Fraction

    return Along(((1, kernel - 1, stride),), Fraction(1, stride) if stride > 1 else 1)


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
    return tuple(
        Along(_merged((*later.stages, *sooner.stages)), sooner.stride * later.stride)
        for sooner, later in zip(first, second, strict=True)
    )


def _merged(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """Fewer stages that come to the same: a deep network of convolutions is one."""
    found: list[Stage] = []
    for mul, add, div in stages:
        if mul % div == 0:
            mul, add, div = mul // div, add // div, 1
        if found:
            m, a, d = found[-1]
            if d == 1:
                found[-1] = (m * mul, a * mul + add, div)
                continue
            if mul == 1:
                found[-1] = (m, a + add * d, d * div)
                continue
        found.append((mul, add, div))
    if len(found) > 1 and any(m % d == 0 and d > 1 for m, _, d in found):
        return _merged(tuple(found))
    return tuple(found)


def larger(left: Step | None, right: Step | None) -> Step | None:
    """Where two paths meet: the one that sees more, along each dim, and the larger stride."""
    if left is None or right is None:
        return left if right is None else right
    if len(left) != len(right):
        return max(left, right, key=lambda step: (max((dim(0) for dim in step), default=0), len(step)))
    return tuple(
        Along(max(a, b, key=lambda dim: (dim(0), dim(1 << 10))).stages, max(a.stride, b.stride))
        for a, b in zip(left, right, strict=True)
    )
