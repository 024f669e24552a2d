"""TTSR in plain PyTorch: patches compared and copied one query at a time, as the paper's equations 3 to 7 say."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def conv(a: int, b: int, k: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(a, b, k, stride, k // 2)


class Extractor(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            conv(a, b) for a, b in ((3, 64), (64, 64), (64, 128), (128, 128), (128, 256))
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        mean, deviation = (
            x.new_tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
        )
        x = ((x + 1) / 2 - mean) / deviation
        found = []
        for i, layer in enumerate(self.convs):
            x = F.relu(layer(F.max_pool2d(x, 2) if i in (2, 4) else x))
            if i in (0, 2, 4):
                found.append(x)
        return found


def tail(width: int, n: int) -> nn.Sequential:
    return nn.Sequential(*(Pair(width) for _ in range(n)), conv(width, width))


class Pair(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.a, self.b = conv(width, width), conv(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.b(F.relu(self.a(x)))


class Exchange(nn.Module):
    """Every resolution is told of the others: ``ways`` are (from, to, convolutions)."""

    def __init__(self, c: int, n: int) -> None:
        super().__init__()
        order = [(0, 1), (1, 0)] if n == 2 else [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)]
        self.n, self.ways = n, order
        self.paths = nn.ModuleList(
            nn.ModuleList([conv(c, c, 1)] if a < b else [conv(c, c, 3, 2) for _ in range(a - b)])
            for a, b in order
        )
        self.merge = nn.ModuleList(conv(n * c, c) for _ in range(n))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        got: list[list[Tensor]] = [[m] for m in maps]
        for (a, b), path in zip(self.ways, self.paths, strict=True):
            x = enlarged(maps[a], 2 ** (b - a)) if a < b else maps[a]
            for layer in path:
                x = F.relu(layer(x))
            got[b].append(x)
        return [F.relu(layer(torch.cat(g, 1))) for layer, g in zip(self.merge, got, strict=True)]


def enlarged(x: Tensor, scale: int) -> Tensor:
    return F.interpolate(x, scale_factor=scale, mode="bicubic")


def patch(x: Tensor, i: int, j: int, step: int) -> Tensor:
    """The 3 by 3 cells of ``step`` pixels around cell i, j, with zeros outside."""
    return F.pad(x, [step] * 4)[..., i * step : (i + 3) * step, j * step : (j + 3) * step]


def search_and_transfer(query: Tensor, key: Tensor, values: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
    b, _, h, w = query.shape
    cells = [(i, j) for i in range(key.shape[2]) for j in range(key.shape[3])]
    confidence = [[None] * w for _ in range(h)]
    canvas = [
        torch.zeros(b, v.shape[1], (h + 2) * s, (w + 2) * s, dtype=v.dtype)
        for v, s in zip(values, (4, 2, 1), strict=True)
    ]
    keys = torch.stack([F.normalize(patch(key, i, j, 1).flatten(1), dim=1) for i, j in cells], 1)
    for i in range(h):
        for j in range(w):
            one = F.normalize(patch(query, i, j, 1).flatten(1), dim=1)
            score, which = (keys * one[:, None]).sum(-1).max(1)
            confidence[i][j] = score
            for c, v, s in zip(canvas, values, (4, 2, 1), strict=True):
                found = torch.stack([patch(v[n], *cells[k], s) for n, k in enumerate(which.tolist())])
                c[:, :, i * s : (i + 3) * s, j * s : (j + 3) * s] += found / 9
    cut = [c[:, :, s:-s, s:-s] for c, s in zip(canvas, (4, 2, 1), strict=True)]
    return torch.stack([torch.stack(row, 1) for row in confidence], 1)[:, None], cut


class Main(nn.Module):
    def __init__(self, c: int, blocks: list[int]) -> None:
        super().__init__()
        self.stem, self.shallow = conv(3, c), tail(c, blocks[0])
        self.soft1, self.stage1 = conv(c + 256, c), tail(c, blocks[1])
        self.grow2, self.soft2 = conv(c, 4 * c), conv(c + 128, c)
        self.exchange2 = Exchange(c, 2)
        self.stages2 = nn.ModuleList(tail(c, blocks[2]) for _ in range(2))
        self.grow3, self.soft3 = conv(c, 4 * c), conv(c + 64, c)
        self.exchange3 = Exchange(c, 3)
        self.stages3 = nn.ModuleList(tail(c, blocks[3]) for _ in range(3))
        self.up13, self.up23 = conv(c, c, 1), conv(c, c, 1)
        self.end = nn.Sequential(conv(3 * c, c), nn.ReLU(), conv(c, c // 2), conv(c // 2, 3, 1))

    def forward(self, low: Tensor, s: Tensor, textures: list[Tensor]) -> Tensor:
        x = F.relu(self.stem(low))
        x = x + self.shallow(x)
        x = x + self.soft1(torch.cat([x, textures[2]], 1)) * s
        x = x + self.stage1(x)
        y = F.relu(F.pixel_shuffle(self.grow2(x), 2))
        y = y + self.soft2(torch.cat([y, textures[1]], 1)) * enlarged(s, 2)
        x, y = (m + f(e) for m, f, e in zip((x, y), self.stages2, self.exchange2([x, y]), strict=True))
        z = F.relu(F.pixel_shuffle(self.grow3(y), 2))
        z = z + self.soft3(torch.cat([z, textures[0]], 1)) * enlarged(s, 4)
        x, y, z = (
            m + f(e) for m, f, e in zip((x, y, z), self.stages3, self.exchange3([x, y, z]), strict=True)
        )
        up = [F.relu(self.up13(enlarged(x, 4))), F.relu(self.up23(enlarged(y, 2)))]
        return self.end(torch.cat([z, *up], 1)).clamp(-1, 1)


class TTSR(nn.Module):
    def __init__(self, width: int, blocks: list[int]) -> None:
        super().__init__()
        self.extractor, self.main = Extractor(), Main(width, blocks)

    def forward(self, low: Tensor, enlarged: Tensor, reference: Tensor, blurred: Tensor) -> dict[str, Tensor]:
        query, key = self.extractor(enlarged)[2], self.extractor(blurred)[2]
        confidence, textures = search_and_transfer(query, key, self.extractor(reference))
        return {"image": self.main(low, confidence, textures), "confidence": confidence}
