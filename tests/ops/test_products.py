"""Einsum and ``@`` against torch: what it accepts, the shapes, the values, the count of multiplications."""

from __future__ import annotations

import itertools
import random

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from archdsl.dims import symbol
from archdsl.ops.base import Slot
from archdsl.ops.einsum import Einsum, parse
from archdsl.ops.errors import OperatorError
from archdsl.ops.matmul import Matmul
from archdsl.tensors import TensorType
from tests.ops.support import checker, interpreter, outputs_of

PAIR = {"left": Slot(0), "right": Slot(1)}


def types_of(*shapes: tuple[int, ...]) -> tuple[TensorType, ...]:
    return tuple(TensorType(shape) for shape in shapes)


def shapes_up_to(rank: int) -> list[tuple[int, ...]]:
    return [s for r in range(rank + 1) for s in itertools.product((1, 2, 3), repeat=r)]


def test_matmul_accepts_what_torch_accepts() -> None:
    op = Matmul(**PAIR)
    agreed = 0
    for left, right in itertools.product(shapes_up_to(3), repeat=2):
        try:
            real = torch.empty(left, device="meta") @ torch.empty(right, device="meta")
        except RuntimeError:
            with pytest.raises(OperatorError):
                op.shape(types_of(left, right), checker())
            continue
        assert op.shape(types_of(left, right), checker()).shape == tuple(real.shape), (left, right)
        agreed += 1
    assert agreed > 300


def test_matmul_counts_products_with_a_vector_too() -> None:
    op = Matmul(**PAIR)
    for left, right in (
        ((5,), (5,)),
        ((3, 5), (5,)),
        ((2, 3, 5), (5,)),
        ((5,), (5, 3)),
        ((2, 4, 3, 5), (5,)),
    ):
        # torch counts nothing for a vector on the right; for the same vector as a matrix it does.
        column = right if len(right) > 1 else (*right, 1)
        row = left if len(left) > 1 else (1, *left)
        with FlopCounterMode(display=False) as counter:
            torch.empty(row, device="meta") @ torch.empty(column, device="meta")
        types = types_of(left, right)
        assert 2 * op.macs(types, outputs_of(op, types)).total == counter.get_total_flops()


def test_matmul_knows_where_the_features_are() -> None:
    op = Matmul(**PAIR)
    tokens, table = TensorType((2, 5, 8), features="last"), TensorType((8, 100))
    assert op.shape((tokens, table), checker()).features == "last"
    scores = TensorType((2, 5, 5))
    assert op.shape((scores, tokens), checker()).features == "last"
    assert op.shape((tokens, TensorType((2, 8, 5))), checker()).features is None


def test_matmul_of_free_sizes() -> None:
    batch, length = symbol("B"), symbol("T")
    x, y = TensorType((batch, length, 8)), TensorType((batch, 8, length))
    assert Matmul(**PAIR).shape((x, y), checker()).shape == (batch, length, length)
    with pytest.raises(OperatorError) as caught:
        Matmul(**PAIR).shape((x, x), checker())
    assert caught.value.code == "E0402"
    assert "T == 8" in caught.value.message


def random_einsum(rng: random.Random) -> tuple[str, list[tuple[int, ...]]]:
    sizes = {axis: rng.randint(1, 4) for axis in "abcdef"}
    terms = []
    for _ in range(rng.choice([1, 2, 2, 2, 3, 4])):
        term = (
            rng.choices("abcdef", k=rng.randint(0, 4))
            if rng.random() < 0.15
            else rng.sample("abcdef", rng.randint(0, 4))
        )
        terms.append("".join(term))
    axes = sorted(set("".join(terms)))
    out = "".join(rng.sample(axes, rng.randint(0, len(axes))))
    shapes = []
    for term in terms:
        # Here and there a size of 1, which broadcasts, or a wrong one.
        own = {a: 1 if rng.random() < 0.12 else sizes[a] + (rng.random() < 0.02) for a in term}
        shapes.append(tuple(own[a] for a in term))
    if rng.random() < 0.3:
        extra = (2, 3)
        places = [rng.randrange(len(t) + 1) for t in terms]
        counts = [rng.randint(0, 2) for _ in terms]
        shapes = [s[:p] + extra[2 - n :] + s[p:] for s, p, n in zip(shapes, places, counts, strict=True)]
        terms = [f"{term[:p]}...{term[p:]}" for term, p in zip(terms, places, strict=True)]
        if rng.random() < 0.7:
            out = "..." + out
    return ",".join(terms) + "->" + out, shapes


def test_einsum_is_torchs_on_random_patterns() -> None:
    rng = random.Random(1)
    accepted = refused = 0
    for _ in range(1500):
        pattern, shapes = random_einsum(rng)
        op = Einsum(pattern, tuple(Slot(i) for i in range(len(shapes))))
        types = types_of(*shapes)
        tensors = [torch.randn(s, dtype=torch.double) for s in shapes]
        try:
            real = torch.einsum(pattern, *tensors)
        except RuntimeError:
            with pytest.raises(OperatorError):
                op.shape(types, checker())
            refused += 1
            continue
        assert op.shape(types, checker()).shape == tuple(real.shape), (pattern, shapes)
        module = interpreter(op, types)
        torch.testing.assert_close(module(*tensors), real)
        with FlopCounterMode(display=False) as counter:
            module(*(t.to("meta") for t in tensors))
        macs = op.macs(types, outputs_of(op, types)).total
        assert 2 * macs == counter.get_total_flops(), (pattern, shapes, op.lower(types, ()))
        accepted += 1
    assert accepted > 1000
    assert refused > 20


def test_einsum_names_and_letters_are_the_same() -> None:
    assert parse("batch q d, batch k d -> batch q k") == (
        (("batch", "q", "d"), ("batch", "k", "d")),
        ("batch", "q", "k"),
    )
    assert parse("bqd,bkd->bqk") == ((("b", "q", "d"), ("b", "k", "d")), ("b", "q", "k"))
    assert parse("i, j -> i j") == parse("i,j->ij")
    x, y = types_of((2, 3, 4), (2, 5, 4))
    named = Einsum("batch q depth, batch k depth -> batch k q", (Slot(0), Slot(1)))
    assert named.lower((x, y), ()).args[0] == "bqd,bkd->bkq"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("b i d, b j d", "has no ->"),
        ("b i! -> b", "character 4"),
        ("b i -> b k", "k comes out, and no tensor has it"),
        ("b i -> b b", "b comes out twice"),
        ("a -> b -> c", "character 8 a second ->"),
        ("b (h d) -> b", "character 3"),
        ("... b ... -> b", "character 7 a second ..."),
        ("bi2,bj->bij", "character 3"),
        ("", "has no ->"),
        ("\u0431 i -> i", "character 1"),
    ],
)
def test_einsum_says_what_is_wrong_and_where(pattern: str, words: str) -> None:
    with pytest.raises(OperatorError) as caught:
        parse(pattern)
    assert caught.value.code == "E0502"
    assert words in caught.value.message


def test_einsum_of_free_sizes() -> None:
    batch, length = symbol("B"), symbol("T")
    x = TensorType((batch, length, 8))
    op = Einsum("b i d, b j d -> b i j", (Slot(0), Slot(0)))
    assert op.shape((x,), checker()).shape == (batch, length, length)
    wrong = Einsum("b i d, i d -> b i", (Slot(0), Slot(1)))
    with pytest.raises(OperatorError) as caught:
        wrong.shape((x, TensorType((7, 8))), checker())
    assert caught.value.code == "E0402"
    # A size that is free may be 1, and still doesn't broadcast: only a literal 1 does.
    assert wrong.shape((x, TensorType((1, 8))), checker()).shape == (batch, length)
