"""Reshaping and joining against torch, on all small cases; what ragged joins and unfit sizes are told."""

# ruff: noqa: B023  (every lambda here is called before its loop goes on)

from __future__ import annotations

import itertools

import pytest
import torch

from archdsl.dims import symbol
from archdsl.ops.base import Slot
from archdsl.ops.division import exact_quotient
from archdsl.ops.errors import OperatorError
from archdsl.ops.joining import Cat, Concatenate
from archdsl.tensors import TensorType
from tests.ops.support import checker
from tests.ops.test_tensor_arithmetic import make, outcome, promise

H, W = symbol("H"), symbol("W")


def test_dims_in_another_order() -> None:
    x = torch.empty(2, 3, 4)
    kind = TensorType((2, 3, 4))
    for a, b in itertools.product(range(-5, 5), repeat=2):
        assert promise(make("transpose", dim0=a, dim1=b), kind) == outcome(lambda: x.transpose(a, b))
        flat = outcome(lambda: x.flatten(a, b))
        assert promise(make("flatten", start=a, end=b), kind) == flat
    for dims in itertools.product(range(-4, 4), repeat=3):
        assert promise(make("permute", dims=dims), kind) == outcome(lambda: x.permute(dims))
    for dim in range(-6, 6):
        assert promise(make("unsqueeze", dim=dim), kind) == outcome(lambda: x.unsqueeze(dim))
        assert promise(make("flip", dims=dim), kind) == outcome(lambda: x.flip(dim))


def test_unflatten() -> None:
    x = torch.empty(2, 12)
    for dim in range(-3, 3):
        for sizes in itertools.product((-1, 1, 2, 3, 4, 5, 6, 12), repeat=2):
            want = outcome(lambda: x.unflatten(dim, sizes))  # type: ignore[no-untyped-call]
            assert promise(make("unflatten", dim=dim, sizes=sizes), TensorType((2, 12))) == want, (dim, sizes)


def test_squeeze_is_strict() -> None:
    """Where torch does nothing, an error; elsewhere the same."""
    shape = (2, 1, 3, 1)
    for dims in [*itertools.product(range(-5, 5), repeat=1), *itertools.product(range(-5, 5), repeat=2)]:
        want = outcome(lambda: torch.empty(shape).squeeze(dims))
        if want and len(want[0][0]) != 4 - len(dims):
            want = None
        assert promise(make("squeeze", dim=dims), TensorType(shape)) == want, dims


def test_joins() -> None:
    shapes = [s for rank in range(4) for s in itertools.product((2, 3), repeat=rank)]
    for a, b in itertools.product(shapes, repeat=2):
        for dim in range(-3, 3):
            two = {"tensors": (Slot(0), Slot(1)), "dim": dim}
            x, y = torch.empty(a), torch.empty(b)
            kinds = TensorType(a), TensorType(b)
            assert promise(make("cat", **two), *kinds) == outcome(lambda: torch.cat([x, y], dim)), (a, b, dim)
            assert promise(make("stack", **two), *kinds) == outcome(lambda: torch.stack([x, y], dim)), (
                a,
                b,
                dim,
            )


def test_a_ragged_join_names_the_branch_and_the_dim() -> None:
    first, second = TensorType((2, 64, H, 32)), TensorType((2, 96, H - 2, 32))
    with pytest.raises(OperatorError) as caught:
        Concatenate((Slot(0), Slot(1), Slot(2))).shape((first, first, second), checker())
    assert caught.value.code == "E0401"
    assert caught.value.message == (
        "concatenate: dim 2 of branch 3, [2, 96, H - 2, 32], and of branch 1, [2, 64, H, 32]: H - 2 against H"
    )
    with pytest.raises(OperatorError) as caught:
        Cat((Slot(0), Slot(1)), 1).shape((first, TensorType((2, 64))), checker())
    assert "branch 2" in caught.value.message


def test_symbolic_joins_and_splits() -> None:
    x = TensorType((2, H, 8))
    joined = Cat((Slot(0), Slot(1)), 1).shape((x, TensorType((2, 2 * W, 8))), checker())
    assert joined.shape == (2, H + 2 * W, 8)
    parts = make("split", sizes=(H, 2 * W), dim=1).shape((joined,), checker())
    assert isinstance(parts, tuple)
    assert [p.shape[1] for p in parts] == [H, 2 * W]
    halves = make("chunk", n=2, dim=1).shape((TensorType((2, 2 * W)),), checker())
    assert isinstance(halves, tuple)
    assert [p.shape for p in halves] == [(2, W), (2, W)]
    with pytest.raises(OperatorError) as caught:
        make("chunk", n=2, dim=1).shape((x,), checker())
    assert caught.value.code == "E0407"
    assert "H % 2 == 0" in caught.value.help


def test_exact_quotients_of_sizes() -> None:
    pairs = [
        (H, W),
        (H - 2, W + 3),
        (H // 2, W),
        (H * H, W - H),
        (2 * H + 1, 3),
        (H + W, H - W),
        (H // 2 + 1, H),
    ]
    for a, b in pairs:
        assert exact_quotient(a * b, b) == a
        assert exact_quotient(a * b, a) == b
        assert exact_quotient(a * b + 1, b if not isinstance(b, int) else a) is None
    assert exact_quotient(12, 4) == 3
    assert exact_quotient(12, 5) is None


def test_arange() -> None:
    for start, end, step in itertools.product(range(-5, 6), range(-5, 6), (-3, -2, -1, 1, 2, 3)):
        want = outcome(lambda: torch.arange(start, end, step))
        if want and want[0][0] == (0,):
            want = None
        assert promise(make("arange", start=start, end=end, step=step)) == want, (start, end, step)
