"""Polynomials with rational coefficients found from exact values: along one variable, then in several at once.

In several variables the known terms grow by one variable at a time (Zippel's sparse interpolation): as many values are
needed as the result has terms, about, and not as a full grid has points. A function may have no value at a point.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

Point = tuple[int, ...]
Powers = tuple[int, ...]
Function = Callable[[Point], int | None]

SPARE = 3
"""So many values beyond those that fix a polynomial must lie on it."""
_TRIES = 30  # points tried for each term, where many have no value


@dataclass(frozen=True)
class Polynomial:
    """Coefficients by the powers of the variables; none is zero."""

    terms: Mapping[Powers, Fraction]

    def __call__(self, point: Sequence[int]) -> Fraction:
        return sum((c * monomial(powers, point) for powers, c in self.terms.items()), Fraction(0))


def monomial(powers: Powers, point: Sequence[int]) -> int:
    return prod(x**power for x, power in zip(point, powers, strict=True) if power)


def along_line(xs: Sequence[int], ys: Sequence[int]) -> list[Fraction] | None:
    """The coefficients, constant first, of the polynomial through all these points; None without values to spare."""
    table = [Fraction(y) for y in ys]
    newton: list[Fraction] = []
    for order in range(len(xs)):
        newton.append(table[0])
        table = [(table[i + 1] - table[i]) / (xs[i + 1 + order] - xs[i]) for i in range(len(table) - 1)]
    while newton and newton[-1] == 0:
        newton.pop()
    if len(newton) > len(xs) - SPARE:
        return None
    found: list[Fraction] = []
    for i in range(len(newton) - 1, -1, -1):  # found = found * (x - xs[i]) + newton[i]
        raised = [Fraction(0), *found]
        found = [a - xs[i] * b for a, b in zip(raised, [*found, Fraction(0)], strict=True)] or [Fraction(0)]
        found[0] += newton[i]
    while found and found[-1] == 0:
        found.pop()
    return found


def interpolate(
    function: Function, anchor: Point, values: Sequence[Sequence[int]], degrees: Sequence[int]
) -> Polynomial | None:
    """The polynomial of these degrees at most; None where too few points have values.

    ``values`` are what each variable may take, ``anchor`` the point at which those not yet known are held. Whether the
    function is that polynomial is for the caller to ask at other points.
    """
    first = function(anchor)
    if first is None:
        return None
    count = len(anchor)
    constant = (0,) * count
    terms: dict[Powers, Fraction] = {constant: Fraction(first)}
    known: list[int] = []
    for variable in [i for i, degree in enumerate(degrees) if degree > 0]:
        skeleton = tuple(terms) or (constant,)
        grown = _grow(function, anchor, values, known, variable, degrees[variable], skeleton)
        if grown is None:
            return None
        terms = grown
        known.append(variable)
    return Polynomial({powers: coefficient for powers, coefficient in terms.items() if coefficient})


def _grow(
    function: Function,
    anchor: Point,
    values: Sequence[Sequence[int]],
    known: Sequence[int],
    variable: int,
    degree: int,
    skeleton: Sequence[Powers],
) -> dict[Powers, Fraction] | None:
    """The terms with one variable more: each coefficient is a polynomial in it."""
    nodes: list[int] = []
    columns: list[list[Fraction]] = []
    for node in dict.fromkeys((anchor[variable], *values[variable])):
        held = (*anchor[:variable], node, *anchor[variable + 1 :])
        solved = _coefficients(function, held, values, known, skeleton)
        if solved is not None:
            nodes.append(node)
            columns.append(solved)
        if len(nodes) == degree + 1:
            break
    else:
        return None
    found: dict[Powers, Fraction] = {}
    for i, powers in enumerate(skeleton):
        for power, coefficient in enumerate(_through(nodes, [column[i] for column in columns])):
            if coefficient:
                found[(*powers[:variable], power, *powers[variable + 1 :])] = coefficient
    return found


def _through(xs: Sequence[int], ys: Sequence[Fraction]) -> list[Fraction]:
    """Lagrange's polynomial, by solving for its coefficients."""
    rows = [[Fraction(x) ** power for power in range(len(xs))] for x in xs]
    return _solved(rows, list(ys))


def _coefficients(
    function: Function,
    held: Point,
    values: Sequence[Sequence[int]],
    known: Sequence[int],
    skeleton: Sequence[Powers],
) -> list[Fraction] | None:
    """The factor of each known term where the other variables are held."""
    basis: list[tuple[int, list[Fraction]]] = []
    rows: list[list[Fraction]] = []
    right: list[Fraction] = []
    monomials = [tuple(power if i in known else 0 for i, power in enumerate(p)) for p in skeleton]
    for tried, point in enumerate(_points(held, values, known)):
        if len(rows) == len(skeleton):
            return _solved(rows, right)
        if tried > _TRIES * (len(skeleton) + 1):
            return None
        row = [Fraction(monomial(powers, point)) for powers in monomials]
        reduced = _reduced(row, basis)
        if reduced is None:
            continue
        value = function(point)
        if value is not None:
            basis.append(reduced)
            rows.append(row)
            right.append(Fraction(value))
    return _solved(rows, right) if len(rows) == len(skeleton) else None


def _reduced(
    row: list[Fraction], basis: Sequence[tuple[int, list[Fraction]]]
) -> tuple[int, list[Fraction]] | None:
    """The row without what earlier rows say, and where it starts; None where it says nothing new."""
    left = list(row)
    for pivot, other in basis:
        if left[pivot]:
            factor = left[pivot] / other[pivot]
            left = [a - factor * b for a, b in zip(left, other, strict=True)]
    pivot_at = next((i for i, entry in enumerate(left) if entry), None)
    return None if pivot_at is None else (pivot_at, left)


def _points(held: Point, values: Sequence[Sequence[int]], known: Sequence[int]) -> Iterator[Point]:
    """Points that differ from ``held`` in the known variables: always the same ones, so that values are found again."""
    yield held
    chance = random.Random(len(known))
    seen = {held}
    total = prod(len(values[i]) for i in known)
    for _ in range(100 * min(total, 10_000)):
        point = list(held)
        for i in known:
            point[i] = chance.choice(values[i])
        made = tuple(point)
        if made not in seen:
            seen.add(made)
            yield made
        if len(seen) > total:
            return


def _solved(rows: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """Gauss's elimination of a square system whose rows are independent."""
    size = len(rows)
    table = [[*row, value] for row, value in zip(rows, right, strict=True)]
    for column in range(size):
        pivot = next(i for i in range(column, size) if table[i][column])
        table[column], table[pivot] = table[pivot], table[column]
        head = table[column]
        for i in range(column + 1, size):
            if table[i][column]:
                factor = table[i][column] / head[column]
                table[i] = [a - factor * b if b else a for a, b in zip(table[i], head, strict=True)]
    found = [Fraction(0)] * size
    for i in range(size - 1, -1, -1):
        rest = sum((table[i][j] * found[j] for j in range(i + 1, size)), Fraction(0))
        found[i] = (table[i][size] - rest) / table[i][i]
    return found
