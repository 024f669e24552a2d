"""Whether a figure is a polynomial along one variable: everywhere, on a stretch, in steps; and of what degree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from archdsl.analysis.interpolation import SPARE, along_line
from archdsl.analysis.variations import MOST

MOST_DEGREE = 6
_NEAR = (1, 2, -1, 3, -2, 5, 11, 37)
_FEW = (1, -1, 2, -2, 3, -3, 4, 5, 6)
_GLANCE = 8
_MORE = (-3, 7, -5, 23, 101)
STEPS = (
    *range(2, 11), 12, 14, 15, 16, 18, 20, 21, 24, 28, 30, 32, 36, 40, 48, 50, 56, 64, 96, 100, 128, 256,
)  # fmt: skip
FEW_STEPS = (2, 4, 8, 16, 32, 64)
"""Where each value takes its time."""

Measured = Callable[[int], int | None]
Allowed = Callable[[int], bool]


@dataclass(frozen=True)
class Line:
    """Where a figure is a polynomial along one variable: at these values, all of which have been measured.

    It is so for ``low`` and more (None: as far down as the model goes), up to ``high``, in steps of ``step``.
    """

    values: tuple[int, ...]
    degree: int
    step: int = 1
    low: int | None = None
    high: int | None = None

    def condition(self, name: str) -> str:
        """What must hold of the variable, in the language's notation; empty where nothing must."""
        if len(self.values) == 1:
            return f"{name} == {self.values[0]}"
        parts = [f"{name} % {self.step} == {self.values[0] % self.step}"] if self.step > 1 else []
        parts += [f"{name} >= {self.low}"] if self.low is not None else []
        parts += [f"{name} <= {self.high}"] if self.high is not None else []
        return " and ".join(parts)


def allowed_values(base: int, allowed: Allowed, far: int) -> tuple[int, tuple[int, ...]]:
    """The smallest step by which the variable may move, and values that the model allows, near ones first.

    None is more than ``far`` steps away but those that ``base`` divides or that divide it.
    """

    def may_move(by: int) -> bool:
        return any(0 < n <= MOST and allowed(n) for n in (base + by, base - by))

    step = next(filter(may_move, first_steps(base)), 0)
    if not step:
        return 1, (base,)
    wanted = [base + step * k for k in (*_NEAR, far) if abs(k) <= far] + [2 * base, base // 2, 1]
    if (
        sum(0 < n <= MOST and allowed(n) for n in wanted) < 2 * SPARE
    ):  # a divisor of something, or one with a limit
        wanted += [2, 3, 4, 3 * base, *(base + step * k for k in _MORE if abs(k) <= far)]
    values = dict.fromkeys(n for n in wanted if 0 < n <= MOST and n != base and allowed(n))
    return step, (base, *values)


def first_steps(base: int) -> Iterator[int]:
    """By how much a variable may be allowed to move: little, a divisor of what it is, a power of two, as much again."""
    small = [1, 2, 3, 4, 5, 6, 8]
    divisors = [n for n in range(7, min(base, 1024) + 1) if base % n == 0]
    yield from sorted({*small, *divisors, 16, 32, 64, 128, 256, base})


def study(
    measure: Measured,
    base: int,
    step: int,
    values: Sequence[int],
    allowed: Allowed,
    steps: Sequence[int] = STEPS,
) -> Line:
    """The widest line that fits: all values, a stretch of them, all in steps, a stretch of these; else one value.

    ``steps`` are how many times ``step`` the wider steps are that may be tried.
    """
    found = _stretch(measure, base, values, 1)
    if found is not None:
        return found
    kept = None
    for factor in steps:
        # A few values say already that most steps are of no use.
        near = [base, *(n for k in _FEW if 0 < (n := base + step * factor * k) <= MOST and allowed(n))]
        if _stretch(measure, base, near[:_GLANCE], step * factor) is None:
            continue
        line = _stretch(measure, base, _in_steps(base, step * factor, allowed), step * factor)
        if line is not None and line.low is None and line.high is None:
            return line
        kept = kept or line
    return kept or Line((base,), 0)


def _in_steps(base: int, step: int, allowed: Allowed) -> list[int]:
    """Values so many steps from ``base``, near and far."""
    wanted = [base + step * k for k in (*_NEAR, *_MORE, 1009)]
    wanted += [base % step or step, base // 2 // step * step + base % step]
    return [base, *(n for n in dict.fromkeys(wanted) if 0 < n <= MOST and n != base and allowed(n))]


def _stretch(measure: Measured, base: int, values: Sequence[int], step: int) -> Line | None:
    """The longest stretch of values with ``base`` on which the figure is a polynomial."""
    known = [(n, y) for n in values if (y := measure(n)) is not None]
    ordered = sorted(known)
    if len(ordered) == 1 or (step > 1 and len(ordered) < SPARE + 2):
        return Line((base,), 0) if step == 1 else None
    degree = _degree(ordered)
    if degree is not None:
        return Line(tuple(n for n, _ in known), degree, step)
    if len(ordered) < SPARE + 3:
        return None
    for length in range(len(ordered) - 1, max(SPARE + 2, len(ordered) // 2), -1):
        for start in (len(ordered) - length, 0):  # from some value on, or up to one
            part = ordered[start : start + length]
            if not part[0][0] <= base <= part[-1][0]:
                continue
            degree = _degree(part)
            if degree is not None:
                inside = tuple(n for n, _ in known if part[0][0] <= n <= part[-1][0])
                low, high = (part[0][0], None) if start else (None, part[-1][0])
                return Line(inside, degree, step, low, high)
    return None


def _degree(points: Sequence[tuple[int, int]]) -> int | None:
    if all(y == points[0][1] for _, y in points):
        return 0
    found = along_line([n for n, _ in points], [y for _, y in points])
    return None if found is None or len(found) - 1 > MOST_DEGREE else len(found) - 1
