"""Proofs over sizes against brute force: random claims and assumptions, tried at all small values."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.dims import evaluate, floor_div, substitute, symbol, symbols
from archdsl.sizes.assumptions import Assumptions, Contradiction, Relation, Unusable
from tests.sizes.test_assumptions import relation

H, W = symbol("H"), symbol("W")
NOTHING = Assumptions.empty()
OPERATORS = ("==", "!=", "<", "<=", ">", ">=")
POINTS = [{"H": h, "W": w} for h, w in product(range(1, 31), range(1, 31))]


def holds(condition: str, values: dict[str, int]) -> bool:
    return all(relation(part).holds(values) for part in condition.split(" and "))


one_name = st.recursive(
    st.one_of(st.just(H), st.just(H), st.integers(-6, 6)),
    lambda inner: st.one_of(
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: a - b, inner, inner),
        st.builds(lambda a, b: a * b, inner, inner),
        st.builds(floor_div, inner, st.integers(1, 5)),
        st.builds(lambda a, n: a - n * floor_div(a, n), inner, st.integers(1, 6)),
    ),
    max_leaves=6,
)
two_names = st.builds(
    lambda a, b, how, n: (
        floor_div(a, n) + b if how == 0 else a * b if how == 1 else a - b if how == 2 else floor_div(a + b, n)
    ),
    one_name,
    one_name.map(lambda a: substitute(a, {"H": W})),
    st.integers(0, 3),
    st.integers(1, 4),
)
usable = st.one_of(
    st.builds(lambda n, r: Relation(H % n, "==", r % n), st.integers(2, 8), st.integers(0, 7)),
    st.builds(lambda n, r: Relation(H % n, "!=", r % n), st.integers(2, 8), st.integers(0, 7)),
    st.builds(lambda o, n: Relation(H, o, n), st.sampled_from(OPERATORS), st.integers(1, 40)),
    st.builds(lambda o, n: Relation(W, o, n), st.sampled_from(OPERATORS), st.integers(1, 40)),
    st.builds(lambda n, r: Relation(W % n, "==", r % n), st.integers(2, 6), st.integers(0, 7)),
    st.builds(
        lambda o, n, c: Relation(H, o, n * W + c),
        st.sampled_from(OPERATORS),
        st.integers(1, 3),
        st.integers(-3, 3),
    ),
    st.builds(lambda o, n: Relation(H // n, o, W), st.sampled_from(OPERATORS), st.integers(2, 3)),
    st.builds(
        lambda o, n: Relation(H * W, o, n), st.sampled_from(("<", "<=", ">", ">=", "!=")), st.integers(1, 60)
    ),
)


def check_against(known: Assumptions, claim: Relation, points: list[dict[str, int]]) -> None:
    """Whatever is said of the claim must be true at all these points, which are all allowed."""
    verdict = known.compare(claim)
    truths = [claim.holds(values) for values in points]
    if verdict.kind == "always":
        assert all(truths)
    elif verdict.kind == "never":
        assert not any(truths)
    if verdict.condition is not None:
        assert [holds(verdict.condition, values) for values in points] == truths
        for part in verdict.condition.split(" and "):
            known_more = known
            try:
                known_more = known_more.assume(relation(part))
            except Unusable:
                break
    try:
        bound = known.bound(claim)
    except Contradiction:
        assert not any(truths)
    else:
        assert [all(part.holds(values) for part in bound) for values in points] == truths
    for side in (claim.left, claim.right):
        values = [evaluate(side, point) for point in points]
        least, greatest = known.least(side), known.greatest(side)
        assert least is None or not values or least <= min(values)
        assert greatest is None or not values or greatest >= max(values)


@settings(max_examples=200, deadline=None)
@given(one_name, st.sampled_from(OPERATORS), one_name)
def test_one_size_is_decided(left, operator, right):
    claim = Relation(left, operator, right)
    points = [{"H": value} for value in range(1, 400)]
    check_against(NOTHING, claim, points)
    verdict = NOTHING.compare(claim)
    assert verdict.kind != "undecided"
    truths = [claim.holds(values) for values in points]
    if all(truths[300:]) and not all(truths):
        assert verdict.kind == "sometimes"
    if verdict.kind == "sometimes" and verdict.condition:
        known = NOTHING
        for part in verdict.condition.split(" and "):
            known = known.assume(relation(part))
        assert known.compare(claim).kind == "always"


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize(
    ("left", "right"),
    [
        (3 * (H // 2) // 4, 3 * H // 8),
        ((H // 2 + H // 3) // 5, H // 6),
        ((H // 2) * (H // 3) // 4, H * H // 24),
        ((3 * (H // 2) // 4 + H % 3) // 2, H // 5),
        (H * (H // 2) % 3, H % 2),
        (8 * (3 * (H // 2) // 4), 3 * H - 3),
        (3 * (2 * (H // 2) // 3), H - 1),
        (25 * (3 * (3 * (H // 5) // 5) // 5), 9 * H // 5),
    ],
)
def test_floors_inside_floors(left, right, operator):
    check_against(NOTHING, Relation(left, operator, right), [{"H": value} for value in range(1, 400)])


@settings(max_examples=150, deadline=None)
@given(two_names, st.sampled_from(OPERATORS), two_names)
def test_two_sizes_are_never_guessed(left, operator, right):
    check_against(NOTHING, Relation(left, operator, right), POINTS)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(usable, min_size=1, max_size=4),
    st.one_of(one_name, two_names),
    st.sampled_from(OPERATORS),
    st.one_of(two_names, one_name),
)
def test_assumptions_are_never_forgotten_or_invented(assumed, left, operator, right):
    known = NOTHING
    meant: list[Relation] = []
    for each in assumed:
        allowed = [values for values in POINTS if all(other.holds(values) for other in meant)]
        try:
            known = known.assume(each)
        except Unusable:
            continue
        except Contradiction:
            assert not any(each.holds(values) for values in allowed)
            return
        meant.append(each)
    for values in POINTS:
        assert known.allows(values) is all(each.holds(values) for each in meant)
    allowed = [values for values in POINTS if known.allows(values)]
    for each in meant:
        assert known.compare(each).kind == "always"
    check_against(known, Relation(left, operator, right), allowed)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_products_of_feature_maps(n, m, a, b, c):
    left = floor_div(H + a, n) * floor_div(W + b, m)
    right = floor_div(H + c, n) * floor_div(W + b, m)
    verdict = NOTHING.compare(Relation(left, "==", right))
    truths = [Relation(left, "==", right).holds(values) for values in POINTS]
    expected = "always" if all(truths) else "sometimes" if any(truths) else "never"
    assert verdict.kind == expected
    assert symbols(left) == {"H", "W"}
