"""Lambda layers written from equations 2 and 3 of the paper (Bello, 2021): one linear function for each position."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Lambda(nn.Module):
    """With ``size`` every position of a square sees every other; without, ``scope x scope`` around it."""

    def __init__(self, d: int, k: int, h: int, u: int, scope: int, size: int | None = None) -> None:
        super().__init__()
        self.k, self.h, self.u, self.v, self.scope, self.size = k, h, u, d // h, scope, size
        self.query, self.query_norm = nn.Conv2d(d, k * h, 1, bias=False), nn.BatchNorm2d(k * h)
        self.key = nn.Conv2d(d, k * u, 1, bias=False)
        self.value, self.value_norm = nn.Conv2d(d, self.v * u, 1, bias=False), nn.BatchNorm2d(self.v * u)
        if size is None:
            kernel, bias = torch.randn(k, u, 1, scope, scope) * 0.1, torch.zeros(k)
            self.position = nn.ParameterList([nn.Parameter(kernel), nn.Parameter(bias)])
        else:
            self.position = nn.ParameterList([nn.Parameter(torch.randn((2 * size - 1) ** 2, k, u))])

    def forward(self, x: Tensor) -> Tensor:
        b, _, height, width = x.shape
        n = height * width
        q = self.query_norm(self.query(x)).reshape(b, self.h, self.k, n)
        keys = self.key(x).reshape(b, self.u, self.k, n).softmax(-1)
        values = self.value_norm(self.value(x)).reshape(b, self.u, self.v, n)
        content = sum(keys[:, i] @ values[:, i].transpose(1, 2) for i in range(self.u))  # b k v
        each = content[:, None] + self.positions(values, height, width)  # b n k v
        y = torch.stack([torch.einsum("bkn,bnkv->bvn", q[:, head], each) for head in range(self.h)], 1)
        return y.reshape(b, self.h * self.v, height, width)

    def positions(self, values: Tensor, height: int, width: int) -> Tensor:
        b, u, v, n = values.shape
        if self.size is None:
            r = self.scope
            windows = F.unfold(values.reshape(b, u * v, height, width), r, padding=r // 2)
            windows = windows.reshape(b, u, v, r * r, n)
            kernel = self.position[0].reshape(self.k, u, r * r)
            return torch.einsum("kum,buvmn->bnkv", kernel, windows) + self.position[1][:, None]
        found = values.new_zeros(b, n, self.k, v)
        for i in range(n):
            for j in range(n):
                down, across = j // width - i // width, j % width - i % width
                place = (down + self.size - 1) * (2 * self.size - 1) + across + self.size - 1
                found[:, i] += torch.einsum("ku,buv->bkv", self.position[0][place], values[..., j])
        return found


class Block(nn.Module):
    def __init__(self, a: int, c: int, stride: int, k: int, h: int, u: int, scope: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(a, c, 1, bias=False), nn.BatchNorm2d(c)
        self.mixer, self.norm2 = Lambda(c, k, h, u, scope), nn.BatchNorm2d(c)
        self.conv3, self.norm3 = nn.Conv2d(c, 4 * c, 1, bias=False), nn.BatchNorm2d(4 * c)
        self.stride = stride
        self.side = None
        if a != 4 * c or stride > 1:
            self.side = nn.Sequential(nn.Conv2d(a, 4 * c, 1, stride, bias=False), nn.BatchNorm2d(4 * c))

    def forward(self, x: Tensor) -> Tensor:
        y = self.mixer(F.relu(self.norm1(self.conv1(x))))
        if self.stride > 1:
            y = F.avg_pool2d(y, 3, self.stride, 1)
        y = self.norm3(self.conv3(F.relu(self.norm2(y))))
        return F.relu(y + (x if self.side is None else self.side(x)))


class LambdaResNet(nn.Module):
    def __init__(
        self,
        layers: list[int],
        width: int,
        classes: int,
        k: int = 16,
        h: int = 4,
        u: int = 1,
        scope: int = 23,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width))
        self.blocks = nn.Sequential()
        a = width
        for i, depth in enumerate(layers):
            for j in range(depth):
                self.blocks.append(Block(a, width << i, 2 if i and not j else 1, k, h, u, scope))
                a = 4 * (width << i)
        self.head = nn.Linear(a, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.stem(image)), 3, 2, 1)
        return self.head(self.blocks(x).mean((2, 3)))
