"""Convolutions and pools against torch over whole grids: the sizes, and exactly which sizes are refused.

Each configuration is checked once with a free size: the bounds it records must hold for exactly the sizes that torch
accepts, and its result must be torch's size for each of those.
"""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from archdsl.dims import evaluate, symbol
from archdsl.ops.base import Operator
from archdsl.ops.conv import Conv
from archdsl.ops.conv_transpose import ConvTranspose
from archdsl.ops.errors import OperatorError
from archdsl.ops.pool import AvgPool, MaxPool
from archdsl.tensors import TensorType
from tests.ops.support import checker, interpreter, outputs_of

SIZES = range(1, 11)
Real = Callable[[torch.Tensor], torch.Tensor]


def real_size(real: Real, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape torch gives; None where it refuses, or where nothing is left: the language has no empty tensors."""
    try:
        with torch.no_grad():
            found = tuple(real(torch.zeros(shape)).shape)
    except (RuntimeError, ValueError):
        return None
    return None if 0 in found else found


def agrees_for_every_size(op: Operator, real: Real, others: tuple[int, ...] = ()) -> None:
    """The first spatial dim free: bounds and result against torch at every size of ``SIZES``."""
    refusal, found, sizes = None, None, checker()
    try:
        (found,) = outputs_of(op, (TensorType((1, 4, symbol("H"), *others)),), sizes)
    except OperatorError as error:
        refusal = error
    for h in SIZES:
        expected = real_size(real, (1, 4, h, *others))
        values = {"H": h}
        if refusal is not None or not all(b.relation.holds(values) for b in sizes.bounds):
            assert expected is None, (op, h, refusal, sizes.bounds)
        else:
            assert found is not None
            assert tuple(evaluate(d, values) for d in found.shape) == expected, (op, h)
        agrees(op, real, (1, 4, h, *others))


def agrees(op: Operator, real: Real, shape: tuple[int, ...]) -> None:
    """At numbers: what torch gives, and a refusal where torch refuses."""
    found = None
    with contextlib.suppress(OperatorError):
        found = outputs_of(op, (TensorType(shape),))[0].shape
    assert found == real_size(real, shape), (op, shape)


def grid(**choices: Iterable[Any]) -> Iterable[dict[str, Any]]:
    """Every combination."""
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


def words(op: Operator, *left_out: str) -> dict[str, Any]:
    """An operator's arguments under their names, which are torch's."""
    return {
        f.name: getattr(op, f.name)
        for f in fields(op)
        if f.name not in ("weight_init", "bias_init", *left_out)
    }


CONV = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
CONV_TRANSPOSE = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
MAX_POOL = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVG_POOL = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def torch_conv(op: Conv, rank: int, channels: int = 4) -> Real:
    return CONV[rank](channels, **words(op))


def torch_conv_transpose(op: ConvTranspose, rank: int, channels: int = 4) -> Real:
    def real(x: torch.Tensor) -> torch.Tensor:
        return CONV_TRANSPOSE[rank](channels, **words(op))(x)

    return real


def torch_max_pool(op: MaxPool, rank: int) -> Real:
    return lambda x: MAX_POOL[rank](x, **words(op))


def torch_avg_pool(op: AvgPool, rank: int) -> Real:
    return lambda x: AVG_POOL[rank](x, **words(op))


@pytest.mark.parametrize("padding_mode", ["zeros", "reflect", "replicate", "circular"])
def test_conv_sizes(padding_mode: str) -> None:
    for arguments in grid(
        kernel_size=range(1, 5), stride=range(1, 4), padding=range(5), dilation=range(1, 4)
    ):
        op = Conv(4, **arguments, padding_mode=padding_mode)
        agrees_for_every_size(op, torch_conv(op, 1))


def test_conv_transpose_sizes() -> None:
    for arguments in grid(
        kernel_size=range(1, 5),
        stride=range(1, 4),
        padding=range(4),
        output_padding=range(3),
        dilation=range(1, 4),
    ):
        op = ConvTranspose(2, **arguments)
        agrees_for_every_size(op, torch_conv_transpose(op, 1))


@pytest.mark.parametrize("ceil_mode", [False, True])
def test_max_pool_sizes(ceil_mode: bool) -> None:
    for arguments in grid(
        kernel_size=range(1, 6), stride=range(1, 7), padding=range(4), dilation=range(1, 4)
    ):
        op = MaxPool(**arguments, ceil_mode=ceil_mode)
        agrees_for_every_size(op, torch_max_pool(op, 1))


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("count_include_pad", [False, True])
def test_avg_pool_sizes(ceil_mode: bool, count_include_pad: bool) -> None:
    for arguments in grid(kernel_size=range(1, 6), stride=range(1, 7), padding=range(4)):
        op = AvgPool(**arguments, ceil_mode=ceil_mode, count_include_pad=count_include_pad)
        agrees_for_every_size(op, torch_avg_pool(op, 1))


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("rank", [2, 3])
def test_pool_sizes_in_more_dims(ceil_mode: bool, rank: int) -> None:
    """torch has another kernel for each rank, and they don't all check the same."""
    ones, zeros, others = (1,) * (rank - 1), (0,) * (rank - 1), (2,) * (rank - 1)
    for c in grid(kernel_size=range(1, 5), stride=range(1, 6), padding=range(3)):
        window = (c["kernel_size"], *ones), (c["stride"], *ones), (c["padding"], *zeros)
        largest, mean = MaxPool(*window, ceil_mode), AvgPool(*window, ceil_mode)
        agrees_for_every_size(largest, torch_max_pool(largest, rank), others)
        agrees_for_every_size(mean, torch_avg_pool(mean, rank), others)


def _per_dim(draw: random.Random, rank: int, low: int, high: int) -> tuple[int, ...]:
    return tuple(draw.randint(low, high) for _ in range(rank))


@pytest.mark.parametrize("rank", [2, 3])
def test_several_dims_with_numbers_of_their_own(rank: int) -> None:
    """Random asymmetric windows, among them many that torch refuses."""
    draw = random.Random(rank)
    for _ in range(200):
        shape = (2, 4, *_per_dim(draw, rank, 2, 7))
        kernel, stride = _per_dim(draw, rank, 1, 3), _per_dim(draw, rank, 1, 3)
        padding, dilation = _per_dim(draw, rank, 0, 2), _per_dim(draw, rank, 1, 2)
        mode = draw.choice(["zeros", "reflect", "replicate", "circular"])
        groups = draw.choice([1, 2, 4])
        conv = Conv(4, kernel, stride, padding, dilation, groups, draw.random() < 0.5, mode)
        agrees(conv, torch_conv(conv, rank), shape)
        extra = _per_dim(draw, rank, 0, 2)
        up = ConvTranspose(4, kernel, stride, padding, extra, groups, dilation=dilation)
        agrees(up, torch_conv_transpose(up, rank), shape)
        ceil_mode = draw.random() < 0.5
        largest = MaxPool(kernel, draw.choice([stride, None]), padding, ceil_mode, dilation)
        agrees(largest, torch_max_pool(largest, rank), shape)
        mean = AvgPool(kernel, draw.choice([stride, None]), padding, ceil_mode, draw.random() < 0.5)
        agrees(mean, torch_avg_pool(mean, rank), shape)


@pytest.mark.parametrize("channels", range(1, 7))
@pytest.mark.parametrize("out_channels", range(1, 7))
def test_groups(channels: int, out_channels: int) -> None:
    for groups in range(1, 8):
        for op in (Conv(out_channels, 3, groups=groups), ConvTranspose(out_channels, 3, groups=groups)):
            cls = nn.Conv1d if isinstance(op, Conv) else nn.ConvTranspose1d
            x = TensorType((2, channels, 5))
            found, expected = None, None
            with contextlib.suppress(OperatorError):
                op.shape((x,), checker())
                found = [w.shape for w in op.weights((x,))]
            with contextlib.suppress(ValueError):
                expected = [
                    tuple(p.shape) for p in cls(channels, out_channels, 3, groups=groups).parameters()
                ]
            assert found == expected


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_locally_connected_is_a_convolution_where_all_kernels_are_equal(rank: int) -> None:
    from archdsl.ops.locally_connected import LocallyConnected

    shape = (2, 3, 6, 5, 4)[: rank + 2]
    kernel, stride, padding = (3, 2, 1)[:rank], (2, 1, 1)[:rank], (1, 1, 0)[:rank]
    op = LocallyConnected(5, kernel, stride, padding)
    module = interpreter(op, (TensorType(shape),))
    reference = CONV[rank](3, 5, kernel, stride, padding)
    with torch.no_grad():
        weight, bias = module.own_parameters().values()
        weight.copy_(reference.weight.flatten(1).T.expand_as(weight))
        bias.copy_(reference.bias.view(-1, *[1] * rank).expand_as(bias))  # type: ignore[union-attr]
        x = torch.randn(shape)
        torch.testing.assert_close(module(x), reference(x))


def test_default_padding_keeps_the_size_where_the_stride_is_1() -> None:
    for kernel, dilation in itertools.product((1, 3, 5, 7), (1, 2, 3)):
        op = Conv(4, kernel, dilation=dilation)
        (found,) = outputs_of(op, (TensorType((1, 4, 9)),))
        assert found.shape == (1, 4, 9)
        assert real_size(interpreter(op, (TensorType((1, 4, 9)),)), (1, 4, 9)) == (1, 4, 9)


@pytest.mark.parametrize(("kernel", "stride"), [(2, 1), (4, 2), (3, 3), (3, 4), (16, 16), (5, 7)])
def test_padding_must_be_written_where_no_padding_is_obvious(kernel: int, stride: int) -> None:
    with pytest.raises(OperatorError) as caught:
        Conv(4, kernel, stride).shape((TensorType((1, 4, 32)),), checker())
    assert caught.value.code == "E0503"
    Conv(4, kernel, stride, 0).shape((TensorType((1, 4, 32)),), checker())
