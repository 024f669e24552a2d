"""Residual Shuffle-Exchange networks in plain PyTorch: indices are shuffled by rotating their bits."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def rotated(x: int, bits: int, left: bool) -> int:
    """The binary digits of an index, turned round by one."""
    digits = f"{x:0{bits}b}"
    return int(digits[1:] + digits[0] if left else digits[-1] + digits[:-1], 2)


def gelu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.702 * x)


class Norm(nn.Module):
    def __init__(self, features: int, dim: int) -> None:
        super().__init__()
        self.bias, self.dim = nn.Parameter(torch.zeros(features)), dim

    def forward(self, x: Tensor) -> Tensor:
        x = x - x.mean(self.dim, keepdim=True) + self.bias
        return x / torch.sqrt((x**2).mean(self.dim, keepdim=True) + 1e-10)


class Switch(nn.Module):
    def __init__(self, m: int, dim: int) -> None:
        super().__init__()
        self.residual = nn.Parameter(torch.full((2 * m,), math.log(9) / 2))
        self.widen, self.norm = nn.Linear(2 * m, 4 * m, bias=False), Norm(4 * m, dim)
        self.narrow = nn.Linear(4 * m, 2 * m)

    def forward(self, x: Tensor) -> Tensor:
        pairs = torch.stack([torch.cat([x[:, i], x[:, i + 1]], -1) for i in range(0, x.shape[1], 2)], 1)
        found = self.narrow(gelu(self.norm(self.widen(pairs)))) * math.sqrt(1 - 0.81) / 4
        found = found + pairs * torch.sigmoid(2 * self.residual)
        return found.reshape(x.shape)


class Benes(nn.Module):
    def __init__(self, m: int, bits: int, dim: int) -> None:
        super().__init__()
        self.there, self.back, self.bits = Switch(m, dim), Switch(m, dim), bits

    def forward(self, x: Tensor) -> Tensor:
        for switch, left in ((self.there, True), (self.back, False)):
            for _ in range(self.bits - 1):
                x = switch(x)[:, [rotated(i, self.bits, left) for i in range(2**self.bits)]]
        return x


class Front(nn.Module):
    def __init__(self, c_in: int, c: int, dim: int) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv1d(c_in, c, 4, stride=2, bias=False), Norm(c, dim)

    def forward(self, x: Tensor) -> Tensor:
        return gelu(self.norm(self.conv(F.pad(x.transpose(1, 2), (1, 1))).transpose(1, 2)))


class ShuffleExchange(nn.Module):
    def __init__(self, bits: int, m: int, blocks: int, notes: int, front: Sequence[int], dim: int) -> None:
        super().__init__()
        self.front = nn.ModuleList(Front(a, c, dim) for a, c in zip([1, *front], front, strict=False))
        self.widen, self.head = nn.Linear(front[-1], m), nn.Linear(m, notes)
        self.blocks = nn.ModuleList(Benes(m, bits, dim) for _ in range(blocks))
        self.last = Switch(m, dim)

    def forward(self, sound: Tensor) -> Tensor:
        x = sound[..., None]
        for part in self.front:
            x = part(x)
        x = self.widen(x) / 4
        for block in self.blocks:
            x = block(x)
        return self.head(self.last(x))
