"""Symbolic sizes: algebra, canonical forms, text; checked against brute force and against sympy."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.dims import (
    Dim,
    Size,
    ceil_div,
    evaluate,
    evaluate_along,
    floor_div,
    product,
    render,
    substitute,
    symbol,
    symbols,
    to_python,
)

NAMES = ("B", "H", "W")
B, H, W = map(symbol, NAMES)
POINTS = [
    dict(zip(NAMES, row, strict=True)) for row in ((1, 1, 1), (2, 3, 5), (4, 12, 7), (9, 28, 31), (3, 97, 64))
]
POINTS += [{"B": b, "H": h, "W": 2 * h + b} for b in range(1, 4) for h in range(1, 20)]

# One random expression, as what builds it from any kind of number: a size, an integer, a sympy expression.
Build = Callable[[dict, Callable], object]


def _leaf(name: str) -> Build:
    return lambda values, floor: values[name]


def _number(value: int) -> Build:
    return lambda values, floor: value


def _combined(operator: str, left: Build, right: Build, n: int) -> Build:
    def build(values: dict, floor: Callable) -> object:
        one = left(values, floor)
        if operator == "//":
            return floor(one, n)
        if operator == "%":
            return one - n * floor(one, n)
        two = right(values, floor)
        return one + two if operator == "+" else one - two if operator == "-" else one * two

    return build


leaves = st.one_of(st.sampled_from(NAMES).map(_leaf), st.integers(-9, 9).map(_number))
expressions = st.recursive(
    leaves,
    lambda inner: st.builds(
        _combined, st.sampled_from(["+", "-", "*", "//", "//", "%"]), inner, inner, st.integers(1, 8)
    ),
    max_leaves=6,
)


def as_size(build: Build) -> Dim:
    return build({name: symbol(name) for name in NAMES}, floor_div)


def as_number(build: Build, values: dict[str, int]) -> int:
    return build(values, lambda a, n: a // n)


@settings(max_examples=400, deadline=None)
@given(expressions)
def test_value_is_that_of_plain_arithmetic(build):
    size = as_size(build)
    for values in POINTS:
        assert evaluate(size, values) == as_number(build, values)
    columns = {name: [values[name] for values in POINTS] for name in NAMES}
    assert evaluate_along(size, columns, len(POINTS)) == [evaluate(size, values) for values in POINTS]


@settings(max_examples=400, deadline=None)
@given(expressions)
def test_text_reads_back_as_the_same_size(build):
    size = as_size(build)
    back = eval(render(size), {name: symbol(name) for name in NAMES})
    assert back == size
    python = to_python(size, {"B": "x.shape[0]", "H": "h", "W": "a + b"})
    for values in POINTS[:6]:
        scope = {"h": values["H"], "a": values["W"] - 2, "b": 2}
        scope["x"] = type("X", (), {"shape": [values["B"]]})
        assert eval(python, scope) == evaluate(size, values)


@settings(max_examples=100, deadline=None)
@given(expressions)
def test_value_is_that_of_sympy(build):
    names = {name: sympy.Symbol(name, integer=True, positive=True) for name in NAMES}
    theirs = sympy.sympify(build(names, lambda a, n: sympy.floor(sympy.sympify(a) / n)))
    ours = as_size(build)
    for values in POINTS[:8]:
        assert theirs.subs({names[name]: value for name, value in values.items()}) == evaluate(ours, values)


polynomials = st.recursive(
    leaves,
    lambda inner: st.builds(_combined, st.sampled_from(["+", "-", "*"]), inner, inner, st.just(1)),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(polynomials, polynomials)
def test_polynomials_are_equal_exactly_when_sympy_says_so(left, right):
    names = {name: sympy.Symbol(name) for name in NAMES}
    same = sympy.expand(left(names, floor_div) - right(names, floor_div)) == 0
    assert (as_size(left) == as_size(right)) is same
    expanded = sympy.expand(sympy.sympify(left(names, floor_div)))
    assert as_size(left) == eval(str(expanded), {name: symbol(name) for name in NAMES})


@settings(max_examples=200, deadline=None)
@given(expressions, expressions, expressions)
def test_laws(first, second, third):
    a, b, c = as_size(first), as_size(second), as_size(third)
    assert a + b == b + a
    assert a * b == b * a
    assert (a + b) + c == a + (b + c)
    assert (a * b) * c == a * (b * c)
    assert a * (b + c) == a * b + a * c
    assert a - a == 0
    assert hash(a + b) == hash(b + a)


@settings(max_examples=200, deadline=None)
@given(expressions, st.integers(1, 6), st.integers(1, 6), expressions)
def test_floor_division_laws(build, n, m, other):
    a, b = as_size(build), as_size(other)
    assert floor_div(a * n + b * (n * m), n) == a + b * m
    assert floor_div(n * a, n * m) == floor_div(a, m)
    for values in POINTS[:8]:
        number = evaluate(a, values)
        assert evaluate(floor_div(floor_div(a, n), m), values) == number // n // m
        assert evaluate(ceil_div(a, n), values) == -(-number // n)


@settings(max_examples=200, deadline=None)
@given(expressions, expressions)
def test_substitution_and_evaluation_agree(build, other):
    a, b = as_size(build), as_size(other)
    replaced = substitute(a, {"H": b, "W": H})
    for values in POINTS[:8]:
        inner = {**values, "H": evaluate(b, values), "W": values["H"]}
        assert evaluate(replaced, values) == evaluate(a, inner)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ((H // 2) // 2, H // 4),
        ((4 * H + 6) // 4, H + 1),
        ((2 * H + 2) // 4, (H + 1) // 2),
        ((2 * H + 3) // 4, (H + 1) // 2),
        (((H + 3) // 4 + 5) // 3, (H + 23) // 12),
        ((H - 1) // 2 + 1, (H + 1) // 2),
        (((H - 1) // 2 + 1 - 1) // 2 + 1, (H + 3) // 4),
        ((H // 2 + W) // 2, (H + 2 * W) // 4),
        ((5 * H) % 4, H % 4),
        ((H * W * 4 + H) // 4, H * W + H // 4),
        ((6 * H + 4 * W) // 8, (3 * H + 2 * W) // 4),
        (H // 1, H),
        ((H % 4) % 4, H % 4),
        ((H + 1) ** 2, H * H + 2 * H + 1),
        (H**0, 1),
        (H % 1, 0),
        (+H, H),
        (3 - (H + 3), -H),
    ],
)
def test_canonical_form(left, right):
    assert left == right


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (7, "7"),
        (H, "H"),
        (H - 184, "H - 184"),
        (2 * B * W, "2*B*W"),
        ((H - 1) // 2 + 1, "(H + 1) // 2"),
        ((H - 3) // 2 + 1, "(H - 1) // 2"),
        ((H // 2) * (W // 2), "(H // 2)*(W // 2)"),
        (H % 16, "H % 16"),
        (W - H % 16, "W - H % 16"),
        (-(H % 16), "-(H % 16)"),
        (16 - H, "16 - H"),
        (W - H, "W - H"),
        (-(H // 2), "-(H // 2)"),
        (H * H + 1, "H**2 + 1"),
        (2 * (H // 2), "2*(H // 2)"),
        ((2 * H + 3) % 4, "2*((H + 1) % 2) + 1"),
        ((H + W) // 2, "(H + W) // 2"),
    ],
)
def test_text(size, text):
    assert render(size) == text
    assert repr(size) == text


def test_constants_are_plain_integers():
    assert type(H - H) is int
    assert type(H * 0) is int
    assert type(floor_div(7, 2)) is int
    assert type((H + 1) - H) is int
    assert type(substitute(H * W + 1, {"H": 2, "W": 3})) is int
    assert product([]) == 1
    assert product([2, H, 3]) == 6 * H


def test_symbols_and_missing_values():
    assert symbols((H // 2) * B + 1) == {"H", "B"}
    assert symbols(3) == frozenset()
    with pytest.raises(KeyError):
        evaluate(H + W, {"H": 1})


@pytest.mark.parametrize(
    "compare",
    [lambda: H < W, lambda: H <= 1, lambda: H > 1, lambda: H >= W, lambda: min(H, W), lambda: max(1, H)],
)
def test_sizes_have_no_order(compare):
    with pytest.raises(TypeError, match="no order"):
        compare()


def test_what_is_refused():
    with pytest.raises(ValueError, match="positive constant"):
        floor_div(H, 0)
    with pytest.raises(ValueError, match="positive constant"):
        floor_div(H, -2)
    with pytest.raises(TypeError, match="constant"):
        H // W
    with pytest.raises(TypeError, match="constant"):
        7 // H
    with pytest.raises(TypeError):
        H / 2
    with pytest.raises(ValueError, match="power"):
        H**-1
    with pytest.raises(ValueError, match="name"):
        symbol("H + 1")
    with pytest.raises(AttributeError):
        H.terms = {}


def test_sizes_travel_between_processes():
    size = (H // 2) * W - 3
    assert isinstance(size, Size)
    assert pickle.loads(pickle.dumps(size)) == size
