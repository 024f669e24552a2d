"""A model's figures as formulas over its parameters and sizes: found from exact values, and checked at others.

Nothing here knows how figures come about: the model is elaborated at other values, and what it counts there lies on a
polynomial or does not. Where a figure is a polynomial only in steps, or from some value on, the formula says so; a
variable in which it is none at all stays a number.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from archdsl.analysis.figures import Figures
from archdsl.analysis.formula_text import Names, formula
from archdsl.analysis.interpolation import Point, Polynomial, interpolate
from archdsl.analysis.lines import FEW_STEPS, STEPS, Line, allowed_values, study
from archdsl.analysis.sizes import SizesError
from archdsl.analysis.summary import Summary
from archdsl.analysis.variations import Variable, Variations

FAR = 1009
"""So many steps away lies the last value that is tried."""

FAR_IN_LISTS = 11

MOST_NETWORKS = 600
"""Once the model has been elaborated so often, parameters that are still to be looked at stay numbers."""

CHECKS = 12
"""At so many points that did not make the formula it is compared with what the model counts."""


_SHOWN = (
    "params", "params_trainable", "buffers", "macs", "macs_attention_full", "macs_attention_masked", "elementwise",
    "saved_for_backward_bytes", "key_value_cache_bytes",
)  # fmt: skip


@dataclass(frozen=True)
class Formula:
    """One figure: its polynomial over all the variables, as text, and where it holds."""

    figure: str
    text: str
    polynomial: Polynomial
    conditions: tuple[str, ...]
    checked: int


@dataclass(frozen=True)
class Formulas:
    """All figures of one model; ``fixed`` are the parameters that are numbers in the formulas, or no numbers."""

    model: str
    variables: tuple[Variable, ...]
    fixed: Mapping[str, object]
    formulas: tuple[Formula, ...]


def formulas(model: Variations, figures: Sequence[str] = ()) -> Formulas:
    """The formulas of these figures; without a list of all that there is something to say of. Raises SizesError."""
    start = model.summary(())
    if isinstance(start, str):
        raise SizesError(start)
    search = _Search(model, start)
    found = [search.formula(name) for name in figures or _telling(Figures(start))]
    varied = {v.parameter for v in search.variables if v.kind == "parameter"}
    fixed = {name: value for name, value in model.network.parameters.items() if name not in varied}
    return Formulas(model.network.name, search.variables, fixed, tuple(found))


def _telling(usual: Mapping[str, int]) -> list[str]:
    """Those that are shown unasked, without what is nothing or what another one is already."""
    same = {"params_trainable": "params", "macs_attention_masked": "macs_attention_full"}
    return [name for name in _SHOWN if usual[name] and usual[name] != usual.get(same.get(name, ""))]


class _Search:
    """Measures one model; what was measured for one figure is there for the others."""

    def __init__(self, model: Variations, start: Summary) -> None:
        self.model = model
        self.variables = model.variables()
        self.base: Point = tuple(v.value for v in self.variables)
        self._steps: list[list[int]] = [[] for _ in self.variables]
        self._allowed = [self._values(i) for i in range(len(self.variables))]

    def _values(self, i: int) -> tuple[int, tuple[int, ...]]:
        variable = self.variables[i]
        # What a list says is gone through one by one, and a thousand times would take its time.
        far = FAR if variable.place is None else FAR_IN_LISTS
        return allowed_values(variable.value, lambda n: self._may(i, n), far)

    def measure(self, figure: str, point: Sequence[int]) -> int | None:
        found = self.model.figures(list(zip(self.variables, point, strict=True)))
        return None if found is None else found[figure]

    def _moved(self, i: int, value: int) -> Point:
        return (*self.base[:i], value, *self.base[i + 1 :])

    def _may(self, i: int, value: int) -> bool:
        return self.model.figures([(self.variables[i], value)]) is not None

    def formula(self, figure: str) -> Formula:
        """The formula of one figure; where the variables do not go together, some of them stay numbers."""
        lines = [self._line(figure, i) for i in range(len(self.variables))]
        for kept in self._choices(lines):
            found = self._together(figure, kept)
            if found is not None:
                return found
        held = [Line((n,), 0) for n in self.base]
        found = self._together(figure, held)
        assert found is not None
        return found

    def _line(self, figure: str, i: int) -> Line:
        step, values = self._allowed[i]
        variable = self.variables[i]
        if variable.kind == "parameter" and self.model.count > MOST_NETWORKS:
            return Line((variable.value,), 0)

        def at(value: int) -> int | None:
            return self.measure(figure, self._moved(i, value))

        steps = STEPS if variable.kind == "size" else FEW_STEPS
        likely = self._steps[i]  # what another figure needed
        found = study(at, self.base[i], step, values, lambda n: self._may(i, n), (*likely, *steps))
        if found.step > 1 and found.step // step not in likely:
            likely.append(found.step // step)
        return found

    def _choices(self, lines: Sequence[Line]) -> Iterator[list[Line]]:
        """All lines, then all but one, then those of the sizes alone."""
        yield list(lines)
        for i in reversed([i for i, line in enumerate(lines) if line.degree]):
            yield [Line((self.base[j],), 0) if j == i else line for j, line in enumerate(lines)]
        yield [
            line if v.kind == "size" else Line((v.value,), 0)
            for v, line in zip(self.variables, lines, strict=True)
        ]

    def _together(self, figure: str, lines: Sequence[Line]) -> Formula | None:
        """One polynomial from the lines; None where the model counts otherwise at some other point."""

        def at(point: Point) -> int | None:
            return self.measure(figure, point)

        others = list(self._others(lines))
        # Where what a term is multiplied by happens to be nothing, the term is not seen: then from another point.
        for anchor in (self.base, *(point for point in others[:6] if at(point) is not None)):
            polynomial = interpolate(
                at, anchor, [line.values for line in lines], [line.degree for line in lines]
            )
            checked = self._checked(at, polynomial, others) if polynomial is not None else None
            if polynomial is not None and checked is not None:
                return self._formula(figure, polynomial, lines, checked)
        return None

    def _checked(
        self, at: Callable[[Point], int | None], polynomial: Polynomial, others: Sequence[Point]
    ) -> int | None:
        """At how many other points the model counts the same; None where it does not."""
        checked = 0
        for point in (self.base, *others):
            measured = at(point)
            if measured is not None and polynomial(point) != Fraction(measured):
                return None
            checked += measured is not None
            if checked > CHECKS:
                break
        return checked - 1

    def _formula(self, figure: str, polynomial: Polynomial, lines: Sequence[Line], checked: int) -> Formula:
        sizes = frozenset(i for i, v in enumerate(self.variables) if v.kind == "size")
        names = Names([v.name for v in self.variables], sizes, self.base)
        # A variable that was only held may be any number of those tried; one that can't move at all is not spoken of.
        conditions = [
            line.condition(v.name)
            for v, line, (_, tried) in zip(self.variables, lines, self._allowed, strict=True)
            if len(line.values) > 1 or len(tried) > 1
        ]
        return Formula(
            figure, formula(polynomial, names), polynomial, tuple(c for c in conditions if c), checked
        )

    def _others(self, lines: Sequence[Line]) -> Iterator[Point]:
        """Points where the formula should hold, far ones too, most of them not measured yet.

        Each variable has its own chance, so that figures which hold at the same values are compared at the same points.
        """
        chances = [random.Random(i) for i in range(len(lines))]
        for tried in range(20 * CHECKS):
            point = []
            for i, line in enumerate(lines):
                share = chances[i].random()
                found = line.values[int(share * len(line.values))]
                if len(line.values) > 1 and not tried % 2:
                    step = self._allowed[i][0] if line.step == 1 else line.step
                    low, high = line.low or 1, line.high or max(line.values)
                    between = int(low + share * (high - low)) // step * step + self.base[i] % step
                    found = between if low <= between <= high else found
                point.append(found)
            yield tuple(point)
