"""Padding, cropping, resampling, windows and parts of tensors, on grids of arguments, against torch itself."""

# ruff: noqa: B023  (every lambda here is called before its loop goes on)

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from archdsl.dims import evaluate, symbol
from archdsl.ops.errors import OperatorError
from archdsl.ops.padding import CenterCrop
from archdsl.tensors import TensorType
from tests.ops.support import checker, interpreter
from tests.ops.test_tensor_arithmetic import make, outcome, promise


def test_padding() -> None:
    """A size of 0 is refused here and made by torch; so is cropping by a mode that invents elements."""
    rng = random.Random(0)
    seen = {True: 0, False: 0}
    for _ in range(2500):
        rank = rng.randint(1, 5)
        shape = tuple(rng.randint(1, 4) for _ in range(rank))
        count = rng.choice((1, 2, 2, 3, 4, 4, 6, 8)) if rng.random() < 0.9 else 12
        mode = rng.choice(("constant", "reflect", "replicate", "circular"))
        padding = tuple(rng.randint(-2 if mode == "constant" else 0, 4) for _ in range(count))
        want = outcome(lambda: F.pad(torch.empty(shape), padding, mode=mode))
        if want and 0 in want[0][0]:
            want = None
        assert promise(make("pad", padding=padding, mode=mode), TensorType(shape)) == want, (
            shape,
            padding,
            mode,
        )
        seen[want is not None] += 1
    assert min(seen.values()) > 400


@pytest.mark.parametrize(
    "mode", ["nearest", "nearest-exact", "area", "linear", "bilinear", "bicubic", "trilinear"]
)
def test_interpolation(mode: str) -> None:
    scales: list[Any] = [0.1, 1 / 3, 0.3, 0.5, 0.7, 0.75, 1, 1.1, 1.25, 4 / 3, 1.5, 2, 2.3, 3, 1e-3]
    for spatial, size in itertools.product((1, 2, 3), range(1, 12)):
        shape = (1, 2, *([size] * spatial))
        for scale in scales:
            want = outcome(lambda: F.interpolate(torch.empty(shape), scale_factor=scale, mode=mode))
            if want and 0 in want[0][0]:  # refused here
                want = None
            assert promise(make("interpolate", scale=scale, mode=mode), TensorType(shape)) == want, (
                shape,
                scale,
            )
        for wanted in (1, 5, tuple(range(1, spatial + 1)), (2, 3)):
            want = outcome(lambda: F.interpolate(torch.empty(shape), size=wanted, mode=mode))
            assert promise(make("interpolate", size=wanted, mode=mode), TensorType(shape)) == want, (
                shape,
                wanted,
            )
    for align, smooth in itertools.product((False, True), repeat=2):
        shape = {"linear": (1, 2, 4), "trilinear": (1, 2, 3, 4, 5)}.get(mode, (1, 2, 4, 5))
        corners = {"align_corners": True} if align else {}
        op = make("interpolate", scale=2, mode=mode, align_corners=align, antialias=smooth)
        want = outcome(
            lambda: F.interpolate(torch.empty(shape), scale_factor=2, mode=mode, antialias=smooth, **corners)
        )
        assert promise(op, TensorType(shape)) == want, (align, smooth)


def test_interpolation_of_free_sizes() -> None:
    height = symbol("H")
    for scale in (2, 0.5, 1.25, 0.0625, 3.0):
        found = make("interpolate", scale=scale).shape((TensorType((1, 2, height, 64)),), checker())
        assert isinstance(found, TensorType)
        for h in range(16, 80):
            want = F.interpolate(torch.empty(1, 2, h, 64, device="meta"), scale_factor=scale).shape[2]
            assert evaluate(found.shape[2], {"H": h}) == want
    with pytest.raises(OperatorError) as caught:
        make("interpolate", scale=0.1).shape((TensorType((1, 2, height, 64)),), checker())
    assert caught.value.code == "E0403"
    assert "give size=" in caught.value.help


def windows(rng: random.Random) -> dict[str, Any]:
    def pair(low: int, high: int) -> Any:
        return (
            rng.randint(low, high) if rng.random() < 0.5 else (rng.randint(low, high), rng.randint(low, high))
        )

    return {
        "kernel_size": pair(1, 4), "stride": pair(1, 3), "padding": pair(0, 3), "dilation": pair(1, 3)
    }  # fmt: skip


def test_unfold_and_fold() -> None:
    rng = random.Random(0)
    valid = 0
    for _ in range(1200):
        keywords, shape = windows(rng), (2, 3, rng.randint(1, 9), rng.randint(1, 9))
        want = outcome(lambda: F.unfold(torch.empty(shape), **keywords))
        assert promise(make("unfold", **keywords), TensorType(shape)) == want, (shape, keywords)
        if want is None:
            continue
        valid += 1
        columns = want[0][0]
        for other in (columns, (columns[0], columns[1] + 1, columns[2]), (*columns[:2], columns[2] + 1)):
            back = outcome(lambda: F.fold(torch.empty(other), shape[2:], **keywords))
            assert promise(make("fold", output_size=shape[2:], **keywords), TensorType(other)) == back, (
                other,
                keywords,
            )
    assert valid > 400


def test_parts_along_a_dim() -> None:
    x = torch.arange(2 * 5).reshape(2, 5)
    kind = TensorType((2, 5), "int64")
    for dim, start in itertools.product(range(-3, 3), range(-7, 8)):
        found = promise(make("select", index=start, dim=dim), kind)
        assert found == outcome(lambda: x.select(dim, start)), (dim, start)
        for length in range(1, 7):
            op = make("narrow", start=start, length=length, dim=dim)
            want = outcome(lambda: x.narrow(dim, start, length))
            assert promise(op, kind) == want, (dim, start, length)
            if want:
                assert torch.equal(interpreter(op, (kind,))(x), x.narrow(dim, start, length))
    for n, dim in itertools.product(range(1, 8), range(-3, 3)):
        assert promise(make("chunk", n=n, dim=dim), kind) == outcome(lambda: torch.chunk(x, n, dim))
        assert promise(make("split", sizes=n, dim=dim), kind) == outcome(lambda: torch.split(x, n, dim))
        for m in range(1, 5):
            want = outcome(lambda: torch.split(x, [n, m], dim))
            assert promise(make("split", sizes=(n, m), dim=dim), kind) == want


def test_a_table_of_positions_bounds_the_length() -> None:
    """``narrow(0, T, dim=0)`` of a table of 1024 places: T <= 1024 is recorded."""
    sizes, length = checker(), symbol("T")
    found = make("narrow", start=0, length=length, dim=0).shape((TensorType((1024, 64)),), sizes)
    assert isinstance(found, TensorType)
    assert found.shape == (length, 64)
    assert [b.relation.render() for b in sizes.bounds] == ["T <= 1024"]


def test_center_crop_takes_the_middle_and_records_a_bound() -> None:
    x = torch.arange(6 * 9, dtype=torch.float32).reshape(1, 1, 6, 9)
    kind = TensorType((1, 1, 6, 9))
    for h, w in itertools.product(range(1, 7), range(1, 10)):
        found = interpreter(CenterCrop((h, w)), (kind,))(x)
        top, left = (6 - h) // 2, (9 - w) // 2
        assert torch.equal(found, x[:, :, top : top + h, left : left + w])
    sizes, height = checker(), symbol("H")
    CenterCrop(24).shape((TensorType((1, 3, height, 64)),), sizes)
    assert [b.relation.render() for b in sizes.bounds] == ["H >= 24"]


def test_shuffles() -> None:
    for r, channels, height, width in itertools.product((1, 2, 3), (1, 4, 9, 12), (1, 2, 6), (3, 4)):
        x = torch.rand(2, channels, height, width)
        kind = TensorType((2, channels, height, width))
        for name, function, key in (
            ("pixel_shuffle", F.pixel_shuffle, "upscale_factor"),
            ("pixel_unshuffle", F.pixel_unshuffle, "downscale_factor"),
            ("channel_shuffle", torch.channel_shuffle, "groups"),
        ):
            op = make(name, **{key: r})
            want = outcome(lambda: function(x, r))
            assert promise(op, kind) == want, (name, r, kind)
            if want:
                assert torch.equal(interpreter(op, (kind,))(x), function(x, r))


def test_scatter_add_is_the_inverse_of_gather() -> None:
    index, src = torch.tensor([[0, 2, 0], [1, 1, 1]]), torch.rand(2, 3)
    from archdsl.ops.base import Slot

    op = make("scatter_add", index=Slot(0), src=Slot(1), dim=1, size=4)
    found = interpreter(op, (TensorType((2, 3), "int64"), TensorType((2, 3))))(index, src)
    torch.testing.assert_close(found, torch.zeros(2, 4).scatter_add(1, index, src))
