"""The largest value of a parameter or a size at which a model keeps to a budget: a bracket, then halved, all measured.

What fits is measured and never computed from a formula, so the answer is exact where figures grow with the variable;
whether they do is looked at among all that was measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from archdsl.analysis.figures import TITLES
from archdsl.analysis.lines import first_steps
from archdsl.analysis.variations import MOST, Variable, Variations

_NEIGHBOURS = 16  # values of the lattice that are tried where one is not allowed
_LOOK = 8  # values behind the answer that are looked at in any case
_BEYOND = 64  # values behind the answer that are tried where a figure does not grow steadily


class NothingFits(Exception):
    """No value of the variable keeps to the budget, or any does."""


@dataclass(frozen=True)
class Solution:
    """The answer: ``value``, the figures there, and the next value, which is too much or (``limit``) not allowed.

    ``step`` says which values were looked at: those that differ from the answer by a multiple of it. ``steady`` is
    false where a figure was seen to fall with a growing value.
    """

    variable: Variable
    value: int
    step: int
    figures: Mapping[str, int]
    budget: Mapping[str, int]
    next: tuple[int, Mapping[str, int]] | None
    limit: str | None
    steady: bool


def solve(
    model: Variations, variable: Variable, budget: Mapping[str, int], step: int | None = None
) -> Solution:
    """The largest value that fits. Raises NothingFits."""
    return _Search(model, variable, budget, step).answer()


class _Search:
    def __init__(
        self, model: Variations, variable: Variable, budget: Mapping[str, int], step: int | None
    ) -> None:
        self.model, self.variable, self.budget = model, variable, dict(budget)
        self.asked = step
        self.step, self.start = self._lattice(step)
        self.lowest = self.start % self.step or self.step

    def figures(self, value: int) -> Mapping[str, int] | None:
        return self.model.figures([(self.variable, value)]) if 0 < value <= MOST else None

    def allowed(self, value: int) -> bool:
        return self.figures(value) is not None

    def fits(self, value: int) -> bool:
        found = self.figures(value)
        return found is not None and all(found[name] <= most for name, most in self.budget.items())

    def _lattice(self, step: int | None) -> tuple[int, int]:
        """The step between values, and a value to start from that is allowed."""
        base, name = self.variable.value, self.variable.name
        if step is None:
            ways = (s for s in first_steps(base) if self.allowed(base + s) or self.allowed(base - s))
            return next(ways, 1), base
        near = base // step * step
        around = [near + step * k for i in range(4 * _NEIGHBOURS) for k in ((i, -i) if i else (0,))]
        found = next((n for n in around if self.allowed(n)), None)
        if found is None:
            why = self.model.summary([(self.variable, max(near, step))])
            raise NothingFits(f"no multiple of {step} near {base} can be {name}: {why}")
        return step, found

    def answer(self) -> Solution:
        low = self.start if self.fits(self.start) else self._lower()
        high = self._higher(low)
        best = self._between(low, high) if high is not None else self._top(low)
        best = self._finer(best)
        for value in self._after(best, _LOOK):
            self.figures(value)  # what is measured here has its say below
        steady = self._steady()
        if not steady:
            best = max((n for n in self._after(best, _BEYOND) if self.fits(n)), default=best)
        figures = self.figures(best)
        assert figures is not None
        closer = range(best + 1, best + min(self.step, 1024)) if self.asked is None else ()
        after = next((n for n in (*closer, *self._after(best, _NEIGHBOURS)) if self.allowed(n)), None)
        limit = None if after is not None else self._why(best + self.step)
        beyond = (after, self.figures(after) or {}) if after is not None else None
        return Solution(self.variable, best, self.step, figures, self.budget, beyond, limit, steady)

    def _after(self, value: int, count: int) -> list[int]:
        return [value + self.step * k for k in range(1, count + 1)]

    def _lower(self) -> int:
        """A smaller value that fits."""
        by, value = self.step, self.start
        while value > self.lowest:
            value = max(value - by, self.lowest)
            by *= 2
            near = self._near(value, self.lowest - 1, self.start)
            if near is not None and self.fits(near):
                return near
        least = next(
            (n for n in range(self.lowest, self.start + 1, self.step) if self.allowed(n)), self.start
        )
        found = self.figures(least) or {}
        over = [f"{found[name]:,} {TITLES[name]}" for name, most in self.budget.items() if found[name] > most]
        raise NothingFits(f"nothing fits: {self.variable.name} = {least} has {' and '.join(over)} already")

    def _higher(self, low: int) -> int | None:
        """A larger value that does not fit; None where all values do, as far as any goes."""
        by, value = self.step, low
        while value + by <= MOST:
            value += by
            by *= 2
            near = self._near(value, low, value + self.step * _NEIGHBOURS)
            if near is None or not self.fits(near):
                return value if near is None else near
            low = near
        return None

    def _top(self, low: int) -> int:
        found = self.figures(low) or {}
        names = " and ".join(TITLES[name] for name in self.budget)
        said = ", ".join(f"{found[name]:,}" for name in self.budget)
        raise NothingFits(f"{names} ({said}) keep to the budget whatever {self.variable.name} is")

    def _near(self, value: int, low: int, high: int) -> int | None:
        """The nearest value of the lattice that is allowed, between two others."""
        for k in range(_NEIGHBOURS):
            for near in (value - self.step * k, value + self.step * k):
                if low < near < high and self.allowed(near):
                    return near
        return None

    def _between(self, low: int, high: int) -> int:
        while high - low > self.step:
            middle = low + (high - low) // self.step // 2 * self.step
            near = self._near(middle, low, high)
            if near is None:
                left = range(low + self.step, high, self.step)
                return max((n for n in left if self.fits(n)), default=low) if len(left) < 4096 else low
            if self.fits(near):
                low = near
            else:
                high = near
        return low

    def _finer(self, best: int) -> int:
        """What lies between the steps that the model seemed to allow; a step asked for is kept."""
        if self.asked is not None:
            return best
        return max((n for n in range(best + 1, best + min(self.step, 1024)) if self.fits(n)), default=best)

    def _steady(self) -> bool:
        """Whether everything measured so far grows with the variable."""
        measured = sorted(self.model.measured(self.variable))
        for name in self.budget:
            values = [found[name] for _, found in measured]
            if any(b < a for a, b in pairwise(values)):
                return False
        return True

    def _why(self, value: int) -> str:
        found = self.model.summary([(self.variable, value)]) if value <= MOST else f"it is at most {MOST:,}"
        return found if isinstance(found, str) else ""
