"""Where an integer polynomial in one integer variable is negative, zero and positive, exactly.

A polynomial is given by its forward differences at 0: `p(k) = sum(c[i] * binomial(k, i))`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

__all__ = ["Run", "differences", "extremes", "sign_runs", "value_at"]

Run = tuple[int, int | None, int]  # first k, last k (None: no end), sign


def differences(values: Sequence[int]) -> list[int]:
    """The forward differences at 0 of the polynomial with these values at 0, 1, 2, ...; no trailing zeros."""
    row, result = list(values), []
    while row:
        result.append(row[0])
        row = [after - before for before, after in pairwise(row)]
    while result and result[-1] == 0:
        result.pop()
    return result


def value_at(coefficients: Sequence[int], k: int) -> int:
    """The polynomial's value at `k >= 0`."""
    total, binomial = 0, 1
    for index, coefficient in enumerate(coefficients):
        total += coefficient * binomial
        binomial = binomial * (k - index) // (index + 1)
    return total


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


def sign_runs(coefficients: Sequence[int], first: int, last: int | None) -> list[Run]:
    """The maximal stretches of constant sign of the polynomial on `first..last`, in order."""
    if len(coefficients) <= 1:
        return [(first, last, _sign(coefficients[0]) if coefficients else 0)]
    runs: list[Run] = []

    def add(start: int, end: int | None, sign: int) -> None:
        if end is not None and end < start:
            return
        if runs and runs[-1][2] == sign:
            runs[-1] = (runs[-1][0], end, sign)
        else:
            runs.append((start, end, sign))

    for start, end, direction in sign_runs(coefficients[1:], first, last):
        # on start..end the polynomial is monotone in this direction
        if direction == 0:
            add(start, end, _sign(value_at(coefficients, start)))
            continue
        zero = _first_at_least(coefficients, direction, 0, start, end)
        past = None if zero is None else _first_at_least(coefficients, direction, 1, zero, end)
        if zero is None:
            add(start, end, -direction)
            continue
        add(start, zero - 1, -direction)
        if past is None:
            add(zero, end, 0)
        else:
            add(zero, past - 1, 0)
            add(past, end, direction)
    return runs


def _first_at_least(
    coefficients: Sequence[int], direction: int, target: int, start: int, end: int | None
) -> int | None:
    """The least k in start..end with `direction * p(k) >= target`, where that value does not decrease."""

    def reached(k: int) -> bool:
        return direction * value_at(coefficients, k) >= target

    if end is None:
        step = 1
        while not reached(start + step):
            step *= 2
        end = start + step
    elif not reached(end):
        return None
    low, high = start, end
    while low < high:
        middle = (low + high) // 2
        if reached(middle):
            high = middle
        else:
            low = middle + 1
    return low


def extremes(coefficients: Sequence[int], first: int, last: int | None) -> tuple[int | None, int | None]:
    """The least and the greatest value on `first..last`; None where there is no limit."""
    points = {first} if last is None else {first, last}
    for start, end, _ in sign_runs(coefficients[1:], first, last):
        points.add(start)
        if end is not None:
            points.update((end, end + 1) if last is None or end < last else (end,))
    values = [value_at(coefficients, point) for point in points]
    least: int | None = min(values)
    greatest: int | None = max(values)
    if last is None and len(coefficients) > 1:
        if coefficients[-1] > 0:
            greatest = None
        else:
            least = None
    return least, greatest
