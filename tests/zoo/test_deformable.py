"""Deformable convolutions in a network: numbers, figures, training, compiling."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.zoo.compare import Case, spec
from tests.zoo.vision_support import check_compiles, check_numbers, check_trains


class Layer(nn.Module):
    """A point at a time: shift the whole picture by the offsets and weigh it, as the papers have it."""

    def __init__(self, c: int, groups: int, modulated: bool) -> None:
        super().__init__()
        self.groups, self.modulated = groups, modulated
        self.offset = nn.Conv2d(c, (3 if modulated else 2) * 9 * groups, 3, padding=2, dilation=2)
        self.conv = nn.Conv2d(c, c, 3, bias=modulated)
        self.norm = nn.BatchNorm2d(c)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        y = self.offset(x)
        move = y[:, : 18 * self.groups].reshape(b, self.groups, 9, 2, h, w)
        weight = (
            2 * y[:, 18 * self.groups :].sigmoid().reshape(b, self.groups, 9, h, w)
            if self.modulated
            else None
        )
        parts = x.reshape(b, self.groups, c // self.groups, h, w)
        out = 0 if self.conv.bias is None else self.conv.bias[:, None, None]
        for point in range(9):
            seen = self.read(parts, move[:, :, point], 2 * (point // 3 - 1), 2 * (point % 3 - 1))
            if weight is not None:
                seen = seen * weight[:, :, None, point]
            kernel = self.conv.weight[:, :, point // 3, point % 3]
            out = out + torch.einsum("oc,bchw->bohw", kernel, seen.reshape(b, c, h, w))
        return x + F.relu(self.norm(out))

    def read(self, parts: Tensor, move: Tensor, down: int, right: int) -> Tensor:
        h, w = parts.shape[3:]
        y = torch.arange(h).double()[:, None] + down + move[:, :, 0]
        x = torch.arange(w).double() + right + move[:, :, 1]
        found = torch.zeros_like(parts)
        for row in (y.floor(), y.floor() + 1):
            for column in (x.floor(), x.floor() + 1):
                share = (1 - (row - y).abs()) * (1 - (column - x).abs())
                share = share * ((row >= 0) & (row < h) & (column >= 0) & (column < w))
                place = row.clamp(0, h - 1) * w + column.clamp(0, w - 1)
                index = place.long().flatten(2)[:, :, None].expand(-1, -1, parts.shape[2], -1)
                found = found + share[:, :, None] * parts.flatten(3).gather(3, index).reshape(parts.shape)
        return found


def _case(groups: int, modulated: bool) -> Case:
    return Case(
        f"deformable-{groups}-{modulated}", "deformable", "deformable_res5",
        {"c": 4, "groups": groups, "layers": 2, "modulated": modulated},
        lambda _: nn.Sequential(*(Layer(4, groups, modulated) for _ in range(2))), (),
        lambda: {"features": torch.randn(2, 4, 6, 5, dtype=torch.float64)},
    )  # fmt: skip


CASES = [_case(1, False), _case(2, True)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_plain_torch(case: Case) -> None:
    check_numbers(case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_trains(case: Case) -> None:
    check_trains(case, lambda outputs: (outputs["out"] - 1).square().mean())


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiles(case: Case) -> None:
    check_compiles(case)


def test_figures() -> None:
    """The convolution of the offsets in res5: 331,848 for four groups of channels, 82,962 for one."""
    for groups, offsets in ((4, 331_848), (1, 82_962)):
        found = spec("deformable").model("deformable_res5", groups=groups, layers=1)
        assert found.params == offsets + 9 * 512**2 + 2 * 512
