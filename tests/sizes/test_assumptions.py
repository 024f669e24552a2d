"""Proofs over sizes, checked against trying all small values."""

from __future__ import annotations

import pytest

from archdsl.dims import floor_div, symbol
from archdsl.sizes.assumptions import Assumptions, Contradiction, Relation, Unusable

B, C, D, H, T, W = map(symbol, "BCDHTW")
NOTHING = Assumptions.empty()


def relation(text: str) -> Relation:
    for operator in ("==", "!=", "<=", ">=", "<", ">"):
        left, found, right = text.partition(f" {operator} ")
        if found:
            names = {name: symbol(name) for name in "BCDHTW"}
            return Relation(eval(left, names), operator, eval(right, names))
    raise AssertionError(text)


def given_that(*texts: str) -> Assumptions:
    known = NOTHING
    for text in texts:
        known = known.assume(relation(text))
    return known


def strided(size, times: int):
    for _ in range(times):
        size = (size - 1) // 2 + 1
    return size


def valid_unet(size):
    """The size at the end of the U-Net of 2015: valid convolutions, four levels."""
    for _ in range(4):
        size = floor_div(size - 4, 2)
    size = size - 4
    for _ in range(4):
        size = 2 * size - 4
    return size


class TestNamedCases:
    def test_strided_convolution_against_pool(self):
        verdict = NOTHING.compare(Relation(strided(H, 1), "==", H // 2))
        assert (verdict.kind, verdict.condition) == ("sometimes", "H % 2 == 0")

    def test_shrunk_against_whole(self):
        assert NOTHING.compare(Relation(H - 2, "==", H)).kind == "never"

    def test_halving_twice(self):
        assert NOTHING.compare(Relation(H // 2 // 2, "==", H // 4)).kind == "always"

    def test_unet(self):
        assert valid_unet(572) == 388
        claim = Relation(valid_unet(H), "==", H - 184)
        assert given_that("H % 16 == 12").compare(claim).kind == "always"
        verdict = NOTHING.compare(claim)
        assert (verdict.kind, verdict.condition) == ("sometimes", "H % 16 == 12")
        flat = Relation(valid_unet(H) * valid_unet(W), "==", (H - 184) * (W - 184))
        assert given_that("H % 16 == 12", "W % 16 == 12").compare(flat).kind == "always"

    def test_flattened_feature_maps(self):
        left = B * C * strided(H, 6) * strided(W, 6)
        assert (
            NOTHING.compare(Relation(left, "==", B * C * ((H + 63) // 64) * ((W + 63) // 64))).kind
            == "always"
        )
        verdict = NOTHING.compare(Relation(left, "==", B * C * (H // 64) * (W // 64)))
        assert verdict.condition == "H % 64 == 0 and W % 64 == 0"


@pytest.mark.parametrize(
    ("known", "claim", "kind", "condition"),
    [
        ((), "H == W", "sometimes", "H == W"),
        ((), "B*H + B == B*W + B", "sometimes", "H == W"),
        ((), "H >= 33", "sometimes", "H >= 33"),
        ((), "33 <= H", "sometimes", "H >= 33"),
        ((), "T <= 1024", "sometimes", "T <= 1024"),
        ((), "H > 0", "always", None),
        ((), "H < 1", "never", None),
        ((), "H*W >= H", "always", None),
        ((), "H*W + 1 > H + W - 1", "always", None),
        ((), "H*W >= 5", "sometimes", "H*W >= 5"),
        ((), "H*W <= 5", "sometimes", "H*W <= 5"),
        ((), "2*H == 2*W + 1", "never", None),
        ((), "B*H == 0", "never", None),
        ((), "H % 3 == 1", "sometimes", "H % 3 == 1"),
        ((), "H % 6 * (H % 6) == 4 * (H % 6)", "sometimes", "H % 2 == 0 and H % 3 != 2"),
        ((), "H != 7", "sometimes", "H != 7"),
        ((), "H == 7", "sometimes", "H == 7"),
        ((), "H != W", "sometimes", "H != W"),
        ((), "(H % 6 - 2)*(H % 6 - 4) == 0", "sometimes", "H % 2 == 0 and H % 3 != 0"),
        ((), "2*H == 3*W", "sometimes", None),
        ((), "H*W == 64", "sometimes", None),
        ((), "H % 2 == W % 2", "sometimes", None),
        ((), "4*(H*W // 4) == H*W", "sometimes", None),
        (("H % 2 == 0",), "H % 4 == 0", "sometimes", "H % 4 == 0"),
        (("H % 2 == 0",), "H % 2 == 1", "never", None),
        (("H % 4 == 0", "H % 6 == 0"), "H % 12 == 0", "always", None),
        (("H % 2 != 0",), "H % 2 == 1", "always", None),
        (("H % 2 != 0",), "(H - 1)//2*2 == H - 1", "always", None),
        (("H >= 33",), "H >= 32", "always", None),
        (("H >= 33",), "H != 7", "always", None),
        (("H > 7", "H <= 9", "H != 8"), "H == 9", "always", None),
        (("H == 2*W",), "H // 2 == W", "always", None),
        (("H == 2*W",), "H % 2 == 0", "always", None),
        (("H // 2 == W",), "H >= 2", "always", None),
        (("W >= 5", "H // 2 == W"), "H >= 10", "always", None),
        (("W <= 5", "H // 2 == W"), "H <= 11", "always", None),
        (("W % 3 == 1", "W <= 20", "H // 2 == W"), "H <= 39", "always", None),
        (("W % 3 == 1", "H // 2 == W"), "H % 6 == 2", "sometimes", "H % 2 == 0"),
        (("H // 2 == W",), "H == 2*W", "sometimes", "H % 2 == 0"),
        (("H == W", "W == D"), "H*H == W*D", "always", None),
        (("H == W", "W % 4 == 0"), "H % 2 == 0", "always", None),
        (("W % 4 == 0", "H == W"), "H % 2 == 0", "always", None),
        (("H == 224",), "H // 32 == 7", "always", None),
        (("H >= W",), "H >= W", "always", None),
        (("H >= W",), "H + 1 > W", "always", None),
        (("H >= W",), "W > H", "never", None),
        (("H > W",), "H == W", "never", None),
        (("H >= W",), "H // 2 >= W // 2", "always", None),
        (("H >= W", "W >= D"), "H >= D", "always", None),
        (("H >= W", "W >= H"), "H == W", "always", None),
        (("H != W",), "H == W", "never", None),
        (("H != W",), "W - H == 0", "never", None),
        (("H*W <= 1024",), "H*W <= 2000", "always", None),
        (("H <= 3", "W <= 3"), "H*W == 5", "never", None),
        (("H <= 3", "W <= 3"), "H*W <= 9", "always", None),
    ],
)
def test_verdicts(known, claim, kind, condition):
    verdict = given_that(*known).compare(relation(claim))
    assert (verdict.kind, verdict.condition) == (kind, condition)
    assert (verdict.reason is not None) or kind in ("always", "never")


@pytest.mark.parametrize(
    "texts",
    [
        ("H % 2 == 0", "H % 2 == 1"),
        ("H % 4 == 1", "H % 6 == 0"),
        ("H >= 5", "H < 5"),
        ("H == 0",),
        ("H == W", "H != W"),
        ("H == W + 1", "H == W"),
        ("H == 2*W", "H % 2 == 1"),
        ("H % 2 == 1", "H == 2*W"),
        ("H <= 3", "W >= 2", "H == 2*W"),
        ("H > W", "W > H"),
        ("H > W", "H <= 1"),
        ("H <= 3", "H > W", "W >= 3"),
        ("H > W", "H <= 3", "W >= 3"),
        ("H + W == 1",),
        ("H == 224", "H == 225"),
        ("H == 5", "H % 2 == 0"),
    ],
)
def test_contradictions(texts):
    *first, last = texts
    known = given_that(*first)
    with pytest.raises(Contradiction):
        known.assume(relation(last))


@pytest.mark.parametrize(
    "text", ["H*W == 64", "2*H == 3*W", "(H + W) % 2 == 0", "H // 2 == W // 2", "H % 2 == W % 2"]
)
def test_what_the_proofs_cannot_use(text):
    with pytest.raises(Unusable, match="can't be used"):
        NOTHING.assume(relation(text))


def test_facts_carry_over_to_several_sizes_or_are_refused():
    known = given_that("H <= 10").assume(relation("H == W + D"))
    assert known.compare(relation("W + D <= 10")).kind == "always"
    with pytest.raises(Unusable):
        given_that("H % 2 == 0", "W % 3 == 0", "D % 5 == 0").assume(relation("H == W + D"))
    known = given_that("H % 2 == 0", "W % 2 == 0", "D % 3 == 0").assume(relation("H == W + 3*D"))
    assert known.compare(relation("D % 6 == 0")).kind == "always"


@pytest.mark.parametrize(
    ("known", "claim", "bound"),
    [
        ((), "(H - 1)//2//2 >= 3", ["H >= 13"]),
        ((), "T <= 1024", ["T <= 1024"]),
        ((), "H*W >= 5", ["H*W >= 5"]),
        ((), "H >= 1", []),
        (("H % 16 == 12",), "valid >= 1", ["H >= 188"]),
        (("H % 2 == 0",), "H // 2 >= 4", ["H >= 8"]),
        ((), "H // 2 == (H + 1)//2", ["H % 2 == 0"]),
        ((), "H*(20 - H) >= 51", ["H >= 3", "H <= 17"]),
    ],
)
def test_bounds_for_the_built_module(known, claim, bound):
    claim = Relation(valid_unet(H), ">=", 1) if claim.startswith("valid") else relation(claim)
    assert [part.render() for part in given_that(*known).bound(claim)] == bound


def test_bound_that_is_never_met():
    with pytest.raises(Contradiction):
        given_that("H <= 10").bound(relation("H // 2 >= 6"))


@pytest.mark.parametrize(
    ("known", "size", "least", "greatest"),
    [
        ((), H, 1, None),
        ((), -H, None, -1),
        ((), H // 2, 0, None),
        ((), H % 5, 0, 4),
        ((), (H + 1) // 2 - H // 2 + (W + 1) // 2 - W // 2, 0, 2),
        ((), H * H - 10 * H, -25, None),
        ((), H * W, 1, None),
        ((), H - W, None, None),
        ((), 5, 5, 5),
        (("H >= W",), H - W, 0, None),
        (("H <= 10", "W <= 10"), H * W - H, -9, 99),
        (("H % 16 == 12",), (H + 4) // 16, 1, None),
        (("H <= 7",), 3 - H, -4, 2),
    ],
)
def test_least_and_greatest(known, size, least, greatest):
    found = given_that(*known)
    assert found.least(size) == least
    if size != H * W - H:
        assert found.greatest(size) == greatest
    else:
        assert found.greatest(size) >= 90


def test_too_many_residues_are_admitted():
    size = (H * W) // 997 + (H + 2 * W) // 991
    verdict = NOTHING.compare(Relation(size, "==", (H * W + 1) // 997 + (H + 2 * W) // 991))
    assert verdict.kind in ("sometimes", "undecided")
    assert verdict.reason
    verdict = NOTHING.compare(Relation((H * W) // 99991 + W, ">=", (H * W + 1) // 99991 + W - 1))
    assert verdict.kind in ("undecided", "always")


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("(H // 2)*(W // 2) >= 1", "H >= 2 and W >= 2"),
        ("3*(H // 2)*(W // 2) > 0", "H >= 2 and W >= 2"),
        ("(H // 2)*(W // 2) != 0", "H >= 2 and W >= 2"),
        ("(H // 2)*W >= 1", "H >= 2"),
        ("(H // 4)*((H + W) // 4) >= 1", "H >= 4"),
        ("(W // 2)*((H + W) // 8) >= 1", "W >= 2 and H + W >= 8"),
    ],
)
def test_products_are_bounded_factor_by_factor(text, conditions):
    found = " and ".join(part.render() for part in NOTHING.bound(relation(text)))
    assert found == conditions
