"""The Feature Pyramid Transformer in plain PyTorch, its attentions position by position or mixture by mixture."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Self(nn.Module):
    def __init__(self, c: int, mixes: int, rate: float) -> None:
        super().__init__()
        self.mixture = nn.Parameter(torch.rand(mixes, c) - 0.5)
        self.project, self.value = nn.Conv2d(c, c, 1), nn.Conv2d(c, c, 1)
        self.out, self.norm, self.drop = nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c), nn.Dropout(rate)

    def forward(self, x: Tensor) -> Tensor:
        small = F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        q, k, v = self.project(x).flatten(2), self.project(small).flatten(2), self.value(small).flatten(2)
        share = (self.mixture @ q.mean(2).T).softmax(0)
        y = 0
        for m, (a, b) in enumerate(zip(q.chunk(len(share), 1), k.chunk(len(share), 1), strict=True)):
            weights = self.drop((torch.einsum("bdi,bdj->bij", a, b) / math.sqrt(x.shape[1])).softmax(-1))
            y = y + share[m][:, None, None] * torch.einsum("bij,bcj->bci", weights, v)
        return x + self.norm(self.out(y.unflatten(2, x.shape[2:])))


class Grounding(nn.Module):
    def __init__(self, c: int, euclidean: bool, scope: int | None) -> None:
        super().__init__()
        self.euclidean, self.scope = euclidean, scope
        self.query, self.key, self.value = (nn.Conv2d(c, c // 2, 1) for _ in range(3))
        self.out, self.norm = nn.Conv2d(c // 2, c, 1), nn.BatchNorm2d(c)

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        q, k, v = self.query(low), self.key(high), self.value(high).flatten(2)
        rows = []
        for i in range(low.shape[2]):
            for j in range(low.shape[3]):
                one = q[:, :, i, j, None, None]
                if self.euclidean:
                    s = -(one - k).square().sum(1)
                    if self.scope is not None:
                        a, b = i * k.shape[2] // low.shape[2], j * k.shape[3] // low.shape[3]
                        far = torch.ones(k.shape[2:], dtype=torch.bool)
                        top, left = max(a - self.scope, 0), max(b - self.scope, 0)
                        far[top : a + self.scope + 1, left : b + self.scope + 1] = False
                        s = s.masked_fill(far, -math.inf)
                    weights = s.flatten(1).softmax(-1)
                else:
                    weights = (one * k).sum(1).flatten(1) / v.shape[2]
                rows.append((v * weights[:, None]).sum(2))
        return self.norm(self.out(torch.stack(rows, 2).unflatten(2, low.shape[2:])))


class Rendering(nn.Module):
    def __init__(self, c: int, gap: int) -> None:
        super().__init__()
        self.squeeze, self.squeeze_norm = nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c)
        self.conv, self.norm = nn.Conv2d(c, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c)
        self.strided, self.strided_norm = nn.Conv2d(c, c, 3, 1 << gap, 1, bias=False), nn.BatchNorm2d(c)

    def forward(self, high: Tensor, low: Tensor) -> Tensor:
        gate = F.relu(self.squeeze_norm(self.squeeze(low.mean((2, 3), keepdim=True))))
        return F.relu(self.strided_norm(self.strided(low)) + gate * self.norm(self.conv(high)))


class FPT(nn.Module):
    def __init__(
        self,
        c: int,
        widths: list[int],
        mixes: int,
        rate: float,
        euclidean: bool = True,
        scope: int | None = None,
    ) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(w, c, 1) for w in widths)
        self.levels = nn.ModuleList()
        for i in range(4):
            others = nn.ModuleDict({"itself": Self(c, mixes, rate)})
            others.update({f"{j}": Grounding(c, euclidean, scope) for j in range(i + 1, 4)})
            others.update({f"{j}": Rendering(c, i - j) for j in range(i)})
            others["merge"] = nn.Conv2d(5 * c, c, 3, padding=1)
            self.levels.append(others)

    def forward(self, *maps: Tensor) -> dict[str, Tensor]:
        maps = tuple(layer(m) for layer, m in zip(self.lateral, maps, strict=True))
        found = {}
        for i, (x, level) in enumerate(zip(maps, self.levels, strict=True)):
            order = [*range(i + 1, 4), *range(i)]
            seen = [level["itself"](x), *(level[f"{j}"](x, maps[j]) for j in order), x]
            found[f"p{i + 2}"] = level["merge"](torch.cat(seen, 1))
        return found
