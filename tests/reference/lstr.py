"""LSTR in plain PyTorch: a small ResNet, DETR's layers, and curves that share what a road's lanes have in common."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.detr import Decoder, Encoder, Frozen, positions, smaller


class Basic(nn.Module):
    def __init__(self, a: int, b: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.side = None
        if a != b or stride > 1:
            self.side = nn.ModuleDict(
                {"conv": nn.Conv2d(a, b, 1, stride, bias=False), "bn": nn.BatchNorm2d(b)}
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.side is None else self.side["bn"](self.side["conv"](x))))


def perceptron(d: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d), nn.ReLU(), nn.Linear(d, 4))


class LSTR(nn.Module):
    def __init__(
        self, classes: int, slots: int, d: int, heads: int, hidden: int, depth: int, layers: list[int],
        widths: list[int], rate: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.d = d
        self.stem = nn.ModuleDict(
            {"conv": nn.Conv2d(3, widths[0], 7, 2, 3, bias=False), "bn": Frozen(widths[0])}
        )
        self.backbone, a = nn.ModuleList(), widths[0]
        for i, (n, c) in enumerate(zip(layers, widths, strict=True)):
            self.backbone.append(nn.ModuleList())
            for j in range(n):
                self.backbone[-1].append(Basic(a, c, 2 if i and not j else 1))
                a = c
        self.project = nn.Conv2d(a, d, 1)
        self.encoder = nn.ModuleList(Encoder(d, heads, hidden, rate) for _ in range(depth))
        self.queries = nn.Parameter(torch.randn(slots, d))
        self.decoder = nn.ModuleList(Decoder(d, heads, hidden, rate) for _ in range(depth))
        self.closing, self.classify = nn.LayerNorm(d), nn.Linear(d, classes)
        self.own, self.shared = perceptron(d), perceptron(d)

    def forward(self, image: Tensor, valid: Tensor) -> dict[str, Tensor]:
        x = F.max_pool2d(F.relu(self.stem["bn"](self.stem["conv"](image))), 3, 2, 1)
        for stage in self.backbone:
            for block in stage:
                x = block(x)
        seen = smaller(valid, x)
        places, padding = positions(seen, self.d).to(image.dtype).flatten(1, 2), ~seen.flatten(1)
        memory = self.project(x).flatten(2).transpose(1, 2)
        for layer in self.encoder:
            memory = layer(memory, places, padding)
        queries = self.queries.expand(len(image), -1, -1)
        x, logits, curves = torch.zeros_like(queries), [], []
        for layer in self.decoder:
            x = layer(x, queries, memory, places, padding)
            answer = self.closing(x)
            logits.append(self.classify(answer))
            own, alike = self.own(answer), self.shared(answer).mean(1)
            curve = own.new_empty(*own.shape[:2], 8)
            curve[..., :2], curve[..., 6:] = own[..., :2], own[..., 2:]
            curve[..., 2:6] = alike[:, None]
            curves.append(curve)
        found = {"logits": logits[-1], "curves": curves[-1]}
        if self.training:
            found |= {"aux_logits": torch.stack(logits[:-1], 1), "aux_curves": torch.stack(curves[:-1], 1)}
        return found
