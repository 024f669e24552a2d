"""Deformable convolution: against its definition point by point, and what it is where nothing or all alike moves."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from archdsl.ops.base import Slot
from archdsl.ops.deform_conv import DeformConv
from archdsl.tensors import TensorType
from tests.ops.support import interpreter


def module(x: Tensor, offset: Tensor, mask: Tensor | None = None, **words: object) -> torch.nn.Module:
    given = [t for t in (x, offset, mask) if t is not None]
    op = DeformConv(6, Slot(1), mask=None if mask is None else Slot(2), **words)  # type: ignore[arg-type]
    return interpreter(op, tuple(TensorType(tuple(t.shape)) for t in given)).double()


def by_definition(
    x: Tensor,
    offset: Tensor,
    mask: Tensor | None,
    weight: Tensor,
    bias: Tensor,
    stride: int,
    padding: int,
    groups: int,
) -> Tensor:
    """Equation 2 of the paper with its bilinear kernel G, one number after the other."""
    b, c, h, w = x.shape
    o, _, kh, kw = weight.shape
    parts = offset.shape[1] // (2 * kh * kw)
    rows = []
    for n, out, i, j in itertools.product(range(b), range(o), range(offset.shape[2]), range(offset.shape[3])):
        total = bias[out]
        for k in range(c // groups):
            channel = out // (o // groups) * (c // groups) + k
            part = channel // (c // parts)
            for a, point in enumerate(itertools.product(range(kh), range(kw))):
                down, right = offset[n, part * 2 * kh * kw + 2 * a : part * 2 * kh * kw + 2 * a + 2, i, j]
                y, z = i * stride - padding + point[0] + down, j * stride - padding + point[1] + right
                value = torch.zeros((), dtype=x.dtype)
                for q, r in itertools.product(
                    *((math.floor(t), math.floor(t) + 1) for t in (y.item(), z.item()))
                ):
                    if 0 <= q < h and 0 <= r < w:
                        value = value + (1 - (q - y).abs()) * (1 - (r - z).abs()) * x[n, channel, q, r]
                if mask is not None:
                    value = value * mask[n, part * kh * kw + a, i, j]
                total = total + weight[out, k, point[0], point[1]] * value
        rows.append(total)
    return torch.stack(rows).reshape(b, o, *offset.shape[2:])


@pytest.mark.parametrize(("groups", "parts", "masked"), [(1, 1, False), (2, 1, True), (1, 2, True)])
def test_values_and_gradients_are_those_of_the_definition(groups: int, parts: int, masked: bool) -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 4, 5, 4, dtype=torch.float64, requires_grad=True)
    offset = (2 * torch.randn(1, 18 * parts, 3, 2, dtype=torch.float64)).requires_grad_()
    mask = torch.rand(1, 9 * parts, 3, 2, dtype=torch.float64, requires_grad=True) if masked else None
    net = module(x, offset, mask, stride=2, groups=groups)
    weight, bias = net.parameters()
    found = net(*(t for t in (x, offset, mask) if t is not None))
    expected = by_definition(x, offset, mask, weight, bias, 2, 1, groups)
    torch.testing.assert_close(found, expected)
    start = torch.randn_like(found)
    leaves = [t for t in (x, offset, mask, weight, bias) if t is not None]
    for a, b in zip(
        torch.autograd.grad(found, leaves, start), torch.autograd.grad(expected, leaves, start), strict=True
    ):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2)])
def test_without_offsets_it_is_a_convolution(stride: int, dilation: int) -> None:
    x = torch.randn(2, 4, 9, 8, dtype=torch.float64)
    conv = torch.nn.Conv2d(4, 6, 3, stride, dilation, dilation).double()
    offset = torch.zeros(2, 18, *conv(x).shape[2:], dtype=torch.float64)
    net = module(x, offset, stride=stride, dilation=dilation)
    weight, bias = net.parameters()
    expected = F.conv2d(x, weight, bias, stride, dilation, dilation)
    torch.testing.assert_close(net(x, offset), expected)


def test_constant_offsets_dilate() -> None:
    """Points one pixel further out, in each direction, are a dilation of two: the notes' claim."""
    x = torch.randn(1, 4, 9, 8, dtype=torch.float64)
    outward = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
    offset = torch.tensor(outward, dtype=torch.float64).reshape(1, 18, 1, 1).expand(1, 18, 9, 8)
    net = module(x, offset)
    weight, bias = net.parameters()
    torch.testing.assert_close(net(x, offset), F.conv2d(x, weight, bias, padding=2, dilation=2))
