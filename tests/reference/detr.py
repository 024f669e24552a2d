"""DETR from its paper, in plain PyTorch: nn.MultiheadAttention, positions added outside, padding masked."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Frozen(nn.Module):
    """Batch norm of a pretrained network: nothing in it is learned."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name, start in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, torch.full((channels,), start))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, 1e-5)


class Bottleneck(nn.Module):
    def __init__(self, before: int, c: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, c, 1, bias=False), Frozen(c)
        self.conv2, self.bn2 = nn.Conv2d(c, c, 3, stride, dilation, dilation, bias=False), Frozen(c)
        self.conv3, self.bn3 = nn.Conv2d(c, 4 * c, 1, bias=False), Frozen(4 * c)
        if stride > 1 or before != 4 * c:
            self.shortcut = nn.ModuleDict(
                {"conv": nn.Conv2d(before, 4 * c, 1, stride, bias=False), "bn": Frozen(4 * c)}
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        if hasattr(self, "shortcut"):
            x = self.shortcut["bn"](self.shortcut["conv"](x))
        return F.relu(x + y)


class Backbone(nn.Module):
    def __init__(self, width: int, layers: list[int], dilated: bool = False) -> None:
        super().__init__()
        self.stem = nn.ModuleDict({"conv": nn.Conv2d(3, width, 7, 2, 3, bias=False), "bn": Frozen(width)})
        self.stages = nn.ModuleList()
        channels = width
        for i, n in enumerate(layers):
            c, last, stage = width * 2**i, dilated and i == 3, nn.ModuleList()
            for j in range(n):
                stage.append(
                    Bottleneck(channels, c, 2 if i and not j and not last else 1, 2 if last and j else 1)
                )
                channels = 4 * c
            self.stages.append(stage)

    def forward(self, image: Tensor) -> list[Tensor]:
        """The maps of all stages."""
        x = F.max_pool2d(F.relu(self.stem["bn"](self.stem["conv"](image))), 3, 2, 1)
        maps = []
        for stage in self.stages:
            for block in stage:
                x = block(x)
            maps.append(x)
        return maps


def smaller(valid: Tensor, like: Tensor) -> Tensor:
    """The mask at a map's resolution: the nearest pixel's."""
    h, w = like.shape[-2:]
    rows = torch.arange(h) * valid.shape[1] // h
    columns = torch.arange(w) * valid.shape[2] // w
    return valid[:, rows][:, :, columns]


def positions(valid: Tensor, d: int, shift: float = 0.0) -> Tensor:
    """[B, h, w, d]: for each position, sines and cosines of its row's part of 2 pi, then of its column's."""
    b, h, w = valid.shape
    table = torch.zeros(b, h, w, d, dtype=torch.float64)
    for axis, part in ((1, 0), (2, d // 2)):
        counted = valid.double().cumsum(axis)
        angle = (counted + shift) / (counted.amax(axis, keepdim=True) + 1e-6) * 2 * math.pi
        for i in range(d // 4):
            rate = 10000 ** (4 * i / d)
            table[..., part + 2 * i] = torch.sin(angle / rate)
            table[..., part + 2 * i + 1] = torch.cos(angle / rate)
    return table


class FeedForward(nn.Module):
    def __init__(self, d: int, hidden: int, rate: float) -> None:
        super().__init__()
        self.fc1, self.fc2, self.drop = nn.Linear(d, hidden), nn.Linear(hidden, d), nn.Dropout(rate)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(self.drop(F.relu(self.fc1(x))))


class Encoder(nn.Module):
    def __init__(self, d: int, heads: int, hidden: int, rate: float) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(d, heads, rate, batch_first=True)
        self.norm1, self.ffn, self.norm2 = nn.LayerNorm(d), FeedForward(d, hidden, rate), nn.LayerNorm(d)
        self.drop = nn.Dropout(rate)

    def forward(self, x: Tensor, places: Tensor, padding: Tensor) -> Tensor:
        told = x + places
        x = self.norm1(x + self.drop(self.attend(told, told, x, padding)[0]))
        return self.norm2(x + self.drop(self.ffn(x)))


class Decoder(nn.Module):
    def __init__(self, d: int, heads: int, hidden: int, rate: float) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(d, heads, rate, batch_first=True)
        self.norm1 = nn.LayerNorm(d)
        self.cross = nn.MultiheadAttention(d, heads, rate, batch_first=True)
        self.norm2, self.ffn, self.norm3 = nn.LayerNorm(d), FeedForward(d, hidden, rate), nn.LayerNorm(d)
        self.drop = nn.Dropout(rate)

    def forward(self, x: Tensor, queries: Tensor, memory: Tensor, places: Tensor, padding: Tensor) -> Tensor:
        told = x + queries
        x = self.norm1(x + self.drop(self.attend(told, told, x)[0]))
        x = self.norm2(x + self.drop(self.cross(x + queries, memory + places, memory, padding)[0]))
        return self.norm3(x + self.drop(self.ffn(x)))


class DETR(nn.Module):
    def __init__(
        self, classes: int, slots: int, d: int, heads: int, hidden: int, depth: int, layers: list[int], width: int,
        rate: float = 0.0, dilated: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.d = d
        self.backbone = Backbone(width, layers, dilated)
        self.project = nn.Conv2d(width * 4 * 2 ** (len(layers) - 1), d, 1)
        self.encoder = nn.ModuleList(Encoder(d, heads, hidden, rate) for _ in range(depth))
        self.queries = nn.Parameter(torch.randn(slots, d))
        self.decoder = nn.ModuleList(Decoder(d, heads, hidden, rate) for _ in range(depth))
        self.closing, self.classify = nn.LayerNorm(d), nn.Linear(d, classes + 1)
        self.locate = nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d), nn.ReLU(), nn.Linear(d, 4))

    def forward(self, image: Tensor, valid: Tensor) -> dict[str, Tensor]:
        features = self.backbone(image)[-1]
        seen = smaller(valid, features)
        places = positions(seen, self.d).to(image.dtype).flatten(1, 2)
        padding = ~seen.flatten(1)
        memory = self.project(features).flatten(2).transpose(1, 2)
        for layer in self.encoder:
            memory = layer(memory, places, padding)
        queries = self.queries.expand(len(image), -1, -1)
        x, answers = torch.zeros_like(queries), []
        for layer in self.decoder:
            x = layer(x, queries, memory, places, padding)
            answers.append(self.closing(x))
        logits = [self.classify(a) for a in answers]
        boxes = [self.locate(a).sigmoid() for a in answers]
        found = {"logits": logits[-1], "boxes": boxes[-1]}
        if self.training:
            found |= {"aux_logits": torch.stack(logits[:-1], 1), "aux_boxes": torch.stack(boxes[:-1], 1)}
        return found
