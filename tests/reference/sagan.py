"""SAGAN in plain PyTorch: the paper's blocks with the widths of the authors' code, spectral norm by hand."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Spectral(nn.Module):
    """Miyato et al., 2018, algorithm 1: one round of power iteration at each use in training, without gradient."""

    def __init__(
        self, use: Callable[[Tensor, Tensor, Tensor | None], Tensor], shape: tuple[int, ...], bias: bool
    ) -> None:
        super().__init__()
        self.use = use
        self.bias = nn.Parameter(torch.randn(shape[0]) * 0.1) if bias else None
        self.weight = nn.Parameter(torch.randn(shape) * 0.3)
        self.register_buffer("u", F.normalize(torch.randn(shape[0]), dim=0))
        self.register_buffer("v", F.normalize(torch.randn(self.weight[0].numel()), dim=0))

    def forward(self, x: Tensor) -> Tensor:
        matrix = self.weight.flatten(1)
        with torch.no_grad():
            if self.training:
                u = matrix @ self.v
                self.u.copy_(u / u.norm())
                v = matrix.T @ self.u
                self.v.copy_(v / v.norm())
            u, v = self.u.clone(), self.v.clone()
        return self.use(x, self.weight / (u @ (matrix @ v)), self.bias)


def conv(a: int, b: int, k: int, bias: bool = True) -> Spectral:
    return Spectral(lambda x, w, c: F.conv2d(x, w, c, padding=k // 2), (b, a, k, k), bias)


def dense(a: int, b: int) -> Spectral:
    return Spectral(F.linear, (b, a), True)


def table(n: int, d: int) -> Spectral:
    return Spectral(lambda x, w, _: w[x], (n, d), False)


class Attention(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(()))
        self.q, self.k, self.v = (
            conv(c, c // 8, 1, False),
            conv(c, c // 8, 1, False),
            conv(c, c // 2, 1, False),
        )
        self.o = conv(c // 2, c, 1, False)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            self.q(x).flatten(2),
            F.max_pool2d(self.k(x), 2).flatten(2),
            F.max_pool2d(self.v(x), 2).flatten(2),
        )
        beta = torch.einsum("bcn,bcm->bnm", q, k).softmax(-1)
        y = torch.einsum("bcm,bnm->bcn", v, beta).unflatten(2, x.shape[2:])
        return x + self.gamma * self.o(y)


class ClassNorm(nn.Module):
    def __init__(self, c: int, classes: int) -> None:
        super().__init__()
        self.scale, self.shift = nn.Embedding(classes, c), nn.Embedding(classes, c)
        nn.init.ones_(self.scale.weight)
        nn.init.zeros_(self.shift.weight)
        self.bn = nn.BatchNorm2d(c, affine=False)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        return self.bn(x) * self.scale(label)[:, :, None, None] + self.shift(label)[:, :, None, None]


class Grow(nn.Module):
    def __init__(self, a: int, b: int, classes: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = ClassNorm(a, classes), conv(a, b, 3)
        self.norm2, self.conv2 = ClassNorm(b, classes), conv(b, b, 3)
        self.side = conv(a, b, 1)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        y = self.conv1(F.interpolate(F.relu(self.norm1(x, label)), scale_factor=2))
        return self.conv2(F.relu(self.norm2(y, label))) + self.side(F.interpolate(x, scale_factor=2))


class Generator(nn.Module):
    def __init__(self, classes: int, width: int, latent: int, multiples: list[int], attend: int) -> None:
        super().__init__()
        a = self.first = width * multiples[0]
        self.start = dense(latent, 16 * a)
        self.blocks = nn.ModuleList()
        for i, m in enumerate(multiples):
            self.blocks.append(Grow(a, width * m, classes))
            a = width * m
            if i == attend:
                self.blocks.append(Attention(a))
        self.norm, self.head = nn.BatchNorm2d(a), conv(a, 3, 3)

    def forward(self, z: Tensor, label: Tensor) -> Tensor:
        x = self.start(z).reshape(len(z), self.first, 4, 4)
        for block in self.blocks:
            x = block(x) if isinstance(block, Attention) else block(x, label)
        return torch.tanh(self.head(F.relu(self.norm(x))))


class Shrink(nn.Module):
    def __init__(self, a: int, b: int, first: bool = False, down: bool = True) -> None:
        super().__init__()
        self.first, self.down = first, down
        self.conv1, self.conv2 = conv(a, b, 3), conv(b, b, 3)
        self.side = conv(a, b, 1) if down else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(F.relu(self.conv1(x if self.first else F.relu(x))))
        if self.side is None:
            return x + y
        side = self.side(F.avg_pool2d(x, 2)) if self.first else F.avg_pool2d(self.side(x), 2)
        return F.avg_pool2d(y, 2) + side


class Discriminator(nn.Module):
    """With the projection of the class (Miyato and Koyama, 2018)."""

    def __init__(self, classes: int, width: int, multiples: list[int], attend: int) -> None:
        super().__init__()
        self.table = table(classes, width * multiples[-1])
        self.blocks = nn.Sequential()
        a = 3
        for i, m in enumerate(multiples):
            self.blocks.append(Shrink(a, width * m, i == 0))
            a = width * m
            if i == attend:
                self.blocks.append(Attention(a))
        self.blocks.append(Shrink(a, a, down=False))
        self.head = dense(a, 1)

    def forward(self, image: Tensor, label: Tensor) -> Tensor:
        x = F.relu(self.blocks(image)).sum((2, 3))
        return self.head(x)[:, 0] + (x * self.table(label)).sum(1)
