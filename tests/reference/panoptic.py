"""DETR's masks in plain PyTorch: attention maps of all answers, drawn larger along the backbone's stages."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.detr import DETR, positions, smaller


class Maps(nn.Module):
    """Scores of every answer, head and position; what an answer gives to all heads and positions sums to one."""

    def __init__(self, d: int, heads: int) -> None:
        super().__init__()
        self.heads, self.query, self.key = heads, nn.Linear(d, d), nn.Linear(d, d)

    def forward(self, answers: Tensor, memory: Tensor, seen: Tensor) -> Tensor:
        q, k = self.query(answers), self.key(memory)
        each = [
            torch.matmul(a, b.transpose(1, 2)) / math.sqrt(a.shape[2])
            for a, b in zip(q.chunk(self.heads, 2), k.chunk(self.heads, 2), strict=True)
        ]
        scores = torch.stack([s.masked_fill(~seen.flatten(1)[:, None], -torch.inf) for s in each], 2)
        return scores.flatten(2).softmax(-1).unflatten(2, (self.heads, *seen.shape[1:]))


class Drawing(nn.Module):
    def __init__(self, d: int, heads: int, width: int, groups: int) -> None:
        super().__init__()
        sizes = [d + heads, d // 2, d // 4, d // 8, d // 16]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=1) for a, b in zip([d + heads, *sizes], sizes, strict=False)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(groups, size) for size in sizes)
        self.sides = nn.ModuleList(nn.Conv2d(4 * width << 2 - i, d >> 1 + i, 1) for i in range(3))
        self.last = nn.Conv2d(d // 16, 1, 3, padding=1)

    def forward(self, x: Tensor, maps: Tensor, levels: list[Tensor]) -> Tensor:
        drawn = []
        for n in range(maps.shape[1]):  # answer by answer
            y = torch.cat([x, maps[:, n]], 1)
            for i, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
                if i > 1:
                    side = self.sides[i - 2](levels[i - 2])
                    y = side + F.interpolate(y, side.shape[2:])
                y = F.relu(norm(conv(y)))
            drawn.append(self.last(y))
        return torch.cat(drawn, 1)


class Panoptic(DETR):
    """The same answers, and a mask for each."""

    def __init__(
        self, *, width: int, d: int, heads: int, groups: int, rate: float = 0.0, **settings: int
    ) -> None:
        super().__init__(width=width, d=d, heads=heads, rate=rate, **settings)
        self.maps, self.drawing = Maps(d, heads), Drawing(d, heads, width, groups)

    def forward(self, image: Tensor, valid: Tensor) -> dict[str, Tensor]:
        found = super().forward(image, valid)
        *levels, features = self.backbone(image)
        seen, flat = smaller(valid, features), self.project(features)
        places, padding = positions(seen, self.d).to(image.dtype).flatten(1, 2), ~seen.flatten(1)
        memory = flat.flatten(2).transpose(1, 2)
        for layer in self.encoder:
            memory = layer(memory, places, padding)
        x = torch.zeros(len(image), *self.queries.shape, dtype=image.dtype)
        for layer in self.decoder:
            x = layer(x, self.queries.expand_as(x), memory, places, padding)
        maps = self.maps(self.closing(x), memory, seen)
        return found | {"drawn": self.drawing(flat, maps, levels[::-1])}
