"""Poolings of regions, bin by bin from their definitions (those of torchvision's and Caffe's layers), gradients too."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from archdsl.ops.base import Operator, Slot
from archdsl.ops.ps_roi_pool import PsRoiPool
from archdsl.ops.roi_align import RoiAlign
from archdsl.ops.roi_pool import RoiPool
from archdsl.tensors import TensorType
from tests.ops.support import interpreter

SCALE = 0.25
# On a map of 9 x 13 at a quarter of the image's size: inside, halves that round away from zero, over the edges, whole,
# larger than the map, one pixel, turned around, outside.
BOXES = [[4, 6, 29, 22], [6, 2, 30, 34], [-6, -10, 17, 13], [0, 0, 51, 35], [-40, -30, 90, 80], [9, 9, 9, 9],
         [30, 20, 10, 12], [70, 60, 90, 80], [40.7, 3.2, 60.1, 40.9], [2.3, 28.8, 13.4, 35.9]]  # fmt: skip


def features(channels: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    x = torch.randn(2, channels, 9, 13, dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor(BOXES, dtype=torch.float64)
    return x, torch.stack([boxes, boxes.flip(0) * 0.83])


def away(value: float) -> int:
    """C's round."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def each_bin(
    x: Tensor, rois: Tensor, bins: tuple[int, int], channels: int, value: Callable[..., Tensor]
) -> Tensor:
    found = [
        value(x[n], [float(v) for v in rois[n, r]], c, i, j)
        for n in range(len(rois)) for r in range(rois.shape[1]) for c in range(channels)
        for i in range(bins[0]) for j in range(bins[1])
    ]  # fmt: skip
    return torch.stack(found).reshape(*rois.shape[:2], channels, *bins)


def span(start: int, length: int, bins: int, i: int, most: int) -> range:
    """The places of bin i."""
    low = math.floor(i * (length / bins)) + start
    high = math.ceil((i + 1) * (length / bins)) + start
    return range(min(max(low, 0), most), min(max(high, 0), most))


def reduced(x: Tensor, rows: range, columns: range, how: Callable[[Tensor], Tensor]) -> Tensor:
    if not len(rows) or not len(columns):
        return torch.zeros((), dtype=x.dtype)
    return how(x[rows.start : rows.stop, columns.start : columns.stop])


def by_pool(x: Tensor, rois: Tensor, bins: tuple[int, int]) -> Tensor:
    def value(x: Tensor, box: list[float], c: int, i: int, j: int) -> Tensor:
        x1, y1, x2, y2 = (away(v * SCALE) for v in box)
        rows = span(y1, max(y2 - y1 + 1, 1), bins[0], i, x.shape[1])
        columns = span(x1, max(x2 - x1 + 1, 1), bins[1], j, x.shape[2])
        return reduced(x[c], rows, columns, torch.max)

    return each_bin(x, rois, bins, x.shape[1], value)


def by_ps_pool(x: Tensor, rois: Tensor, bins: tuple[int, int], caffe: bool) -> Tensor:
    def value(x: Tensor, box: list[float], c: int, i: int, j: int) -> Tensor:
        plane = x[(c * bins[0] + i) * bins[1] + j]
        if not caffe:
            x1, y1, x2, y2 = (away(v * SCALE) for v in box)
            rows = span(y1, max(y2 - y1, 1), bins[0], i, x.shape[1] - 1)
            columns = span(x1, max(x2 - x1, 1), bins[1], j, x.shape[2] - 1)
            return reduced(plane, rows, columns, torch.mean)
        sides = []
        for low, high, count, k, most in ((1, 3, bins[0], i, x.shape[1]), (0, 2, bins[1], j, x.shape[2])):
            start, end = away(box[low]) * SCALE, (away(box[high]) + 1.0) * SCALE
            part = max(end - start, 0.1) / count
            first, last = math.floor(k * part + start), math.ceil((k + 1) * part + start)
            sides.append(range(min(max(first, 0), most), min(max(last, 0), most)))
        return reduced(plane, sides[0], sides[1], torch.mean)

    return each_bin(x, rois, bins, x.shape[1] // (bins[0] * bins[1]), value)


def by_align(x: Tensor, rois: Tensor, bins: tuple[int, int], points: int | None, aligned: bool) -> Tensor:
    def read(plane: Tensor, y: float, z: float) -> Tensor:
        height, width = plane.shape
        if y < -1 or y > height or z < -1 or z > width:
            return torch.zeros((), dtype=plane.dtype)
        y, z = min(max(y, 0.0), height - 1.0), min(max(z, 0.0), width - 1.0)
        top, left = int(y), int(z)
        bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
        upper = plane[top, left] * (1 - z + left) + plane[top, right] * (z - left)
        lower = plane[bottom, left] * (1 - z + left) + plane[bottom, right] * (z - left)
        return upper * (1 - y + top) + lower * (y - top)

    def value(x: Tensor, box: list[float], c: int, i: int, j: int) -> Tensor:
        x1, y1, x2, y2 = (v * SCALE - 0.5 * aligned for v in box)
        least = -math.inf if aligned else 1.0
        places = []
        for start, end, count, k in ((y1, y2, bins[0], i), (x1, x2, bins[1], j)):
            part = max(end - start, least) / count
            n = math.ceil(part) if points is None else points
            places.append([start + k * part + (p + 0.5) * part / n for p in range(n)])
        values = [read(x[c], y, z) for y in places[0] for z in places[1]]
        return torch.stack(values).mean() if values else torch.zeros((), dtype=x.dtype)

    return each_bin(x, rois, bins, x.shape[1], value)


def same(op: Operator, x: Tensor, rois: Tensor, expected: Tensor) -> None:
    """Values, and the gradient of a random sum of them."""
    net = interpreter(op, tuple(TensorType(tuple(t.shape)) for t in (x, rois)))
    found = net(x, rois.requires_grad_())
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    cotangent = torch.randn_like(expected)
    wanted = torch.autograd.grad((expected * cotangent).sum(), x)[0]
    got, none = torch.autograd.grad((found * cotangent).sum(), [x, rois], allow_unused=True)
    torch.testing.assert_close(got, wanted, rtol=1e-10, atol=1e-12)
    assert none is None


@pytest.mark.parametrize("bins", [(2, 2), (3, 5), (7, 7)], ids=str)
def test_roi_pool_is_the_maximum_of_each_bin(bins: tuple[int, int]) -> None:
    x, rois = features(2)
    same(RoiPool(Slot(1), bins, SCALE), x, rois, by_pool(x, rois, bins))


@pytest.mark.parametrize("convention", ["torchvision", "caffe"])
@pytest.mark.parametrize("bins", [(3, 3), (2, 3)], ids=str)
def test_ps_roi_pool_is_the_mean_of_each_bins_channels(bins: tuple[int, int], convention: str) -> None:
    x, rois = features(2 * bins[0] * bins[1])
    expected = by_ps_pool(x, rois, bins, convention == "caffe")
    same(PsRoiPool(Slot(1), bins, SCALE, convention=convention), x, rois, expected)


# Adaptive sampling takes no more points than a region of the map's size would: the box larger than it is left out.
@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("points", [1, 2, None])
def test_roi_align_is_the_mean_of_the_points_of_each_bin(points: int | None, aligned: bool) -> None:
    x, rois = features(2)
    if points is None:
        rois = rois[:, [0, 1, 2, 3, 8, 9]]
    elif aligned:
        rois = rois[:, :6]  # a region that is turned around has points, but torchvision forbids it
    expected = by_align(x, rois, (3, 2), points, aligned)
    same(RoiAlign(Slot(1), (3, 2), SCALE, points, aligned), x, rois, expected)


@pytest.mark.parametrize(
    "op", [RoiPool(Slot(1), 1, SCALE), RoiAlign(Slot(1), 1, SCALE)], ids=lambda o: o.name
)
def test_a_pooling_reads_its_own_image(op: Any) -> None:
    x, rois = features(1)
    net = interpreter(op, tuple(TensorType(tuple(t.shape)) for t in (x, rois)))
    other = torch.cat([x[:1], x[1:] + 1])
    assert torch.equal(net(x, rois)[0], net(other, rois)[0])
    assert not torch.equal(net(x, rois)[1], net(other, rois)[1])
