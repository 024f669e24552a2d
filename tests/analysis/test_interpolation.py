"""Polynomials found from values: random ones come back, others are told from them, and their text reads back as they are."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.analysis.formula_text import Names, formula
from archdsl.analysis.interpolation import Polynomial, along_line, interpolate
from archdsl.analysis.lines import allowed_values, study

POWERS = st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 3))
NUMBERS = st.fractions(-50, 50, max_denominator=4).filter(bool)
POLYNOMIALS = st.dictionaries(POWERS, NUMBERS, max_size=7).map(Polynomial)


@given(POLYNOMIALS, st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_a_polynomial_comes_back(made: Polynomial, divisor: int) -> None:
    scaled = Polynomial({p: c * 12 for p, c in made.terms.items()})  # whole at whole numbers

    def at(point: tuple[int, ...]) -> int | None:
        # As heads divide a width: most points have no value.
        return None if point[0] % (point[1] % divisor + 1) else int(scaled(point))

    values = [range(6, 60, 6), range(2, 12), range(1, 9)]
    anchors = [(6, 2, 1), (12, 4, 5), (18, 6, 3), (30, 10, 7), (54, 8, 2)]
    # At an unlucky anchor a term is not seen; the models' formulas are checked, and begin again elsewhere.
    assert scaled in [interpolate(at, anchor, [list(v) for v in values], (2, 1, 3)) for anchor in anchors]


def test_values_to_spare_must_lie_on_it() -> None:
    xs = [1, 2, 3, 5, 8, 13, 40]
    assert along_line(xs, [7 + 2 * x**3 for x in xs]) == [7, 0, 0, 2]
    assert along_line(xs, [0] * 7) == []
    assert along_line(xs, [x // 2 for x in xs]) is None
    assert along_line(xs[:4], [x**2 for x in xs[:4]]) is None  # one value to spare is not enough


@given(POLYNOMIALS, st.lists(st.integers(1, 9), min_size=3, max_size=3), st.sets(st.integers(0, 2)))
@settings(max_examples=200, deadline=None)
def test_the_text_is_the_polynomial(made: Polynomial, point: list[int], sizes: set[int]) -> None:
    text = formula(made, Names(["a", "b", "T"], frozenset(sizes), [7, 5, 3]))
    exact = re.sub(r"(?<!\*\*)\b\d+", r"Fraction(\g<0>)", text)
    for name, value in zip(("a", "b", "T"), point, strict=True):
        exact = re.sub(rf"\b{name}\b", f"Fraction({value})", exact)
    assert eval(exact, {"Fraction": Fraction}) == made(point), text


@pytest.mark.parametrize("divisor", [2, 3, 7, 64, 99, 100, 1000])
def test_a_floor_is_seen_however_wide_it_is(divisor: int) -> None:
    step, values = allowed_values(768, lambda n: True, 1009)
    line = study(lambda n: n // divisor, 768, step, values, lambda n: True)
    ordered = sorted(line.values)
    made = along_line(ordered, [n // divisor for n in ordered]) or [Fraction(0)]
    allowed = [
        n for n in range(1, 4000) if not line.condition("d") or eval(line.condition("d"), {}, {"d": n})
    ]
    assert len(allowed) > 10
    for n in allowed:
        assert sum(c * n**i for i, c in enumerate(made)) == n // divisor, (line, n)


def test_a_bend_is_seen() -> None:
    step, values = allowed_values(768, lambda n: True, 1009)
    line = study(lambda n: max(n, 300) * 5, 768, step, values, lambda n: True)
    assert line.degree == 1
    assert line.low is not None
    assert 300 <= line.low <= 768
    assert line.condition("d") == f"d >= {line.low}"
    power = study(lambda n: 2 ** min(n, 40), 20, *allowed_values(20, lambda n: True, 1009), lambda n: True)
    assert power.values == (20,)
    assert power.condition("depth") == "depth == 20"
