"""YOLO's first version in plain PyTorch: the paper's network and darknet's yolov1.cfg, and the loss object by object."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.initial import lively


def unit(a: int, b: int, k: int, stride: int = 1, norm: bool = True) -> nn.Sequential:
    conv = nn.Conv2d(a, b, k, stride, k // 2, bias=not norm)
    return nn.Sequential(conv, *([nn.BatchNorm2d(b)] if norm else []), nn.LeakyReLU(0.1))


def overlap(a: Tensor, b: Tensor) -> float:
    """IoU of two boxes given by corners, with numbers of Python."""
    (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = a.tolist(), b.tolist()
    w, h = min(ax2, bx2) - max(ax1, bx1), min(ay2, by2) - max(ay1, by1)
    if w <= 0 or h <= 0:
        return 0.0
    return w * h / ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - w * h)


class Local(nn.Module):
    """darknet's [local], 3x3: every position has a kernel of its own."""

    def __init__(self, a: int, b: int, side: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.1 * torch.randn(side**2, a * 9, b))
        self.bias = nn.Parameter(torch.zeros(b, side, side))

    def forward(self, x: Tensor) -> Tensor:
        columns = F.unfold(x, 3, padding=1)
        y = torch.stack([columns[:, :, i] @ self.weight[i] for i in range(columns.shape[2])], 2)
        return y.unflatten(2, self.bias.shape[1:]) + self.bias


class YoloV1(nn.Module):
    """Version 1, of the paper or, with ``released``, of darknet's yolov1.cfg (a locally connected layer by unfolding)."""

    def __init__(
        self,
        classes: int,
        boxes: int,
        size: int,
        width: int,
        hidden: int,
        rate: float,
        released: bool = False,
    ) -> None:
        super().__init__()
        self.classes, self.boxes, self.size, self.grid, self.released = (
            classes,
            boxes,
            size,
            size // 64,
            released,
        )
        w, layers, before = width, list[nn.Module](), 3
        plan = [(w, 7, 2), 0, (3 * w, 3), 0, (2 * w, 1), (4 * w, 3), (4 * w, 1), (8 * w, 3), 0]
        plan += [(4 * w, 1), (8 * w, 3)] * 4 + [(8 * w, 1), (16 * w, 3), 0] + [(8 * w, 1), (16 * w, 3)] * 2
        plan += [(16 * w, 3), (16 * w, 3, 2), (16 * w, 3), (16 * w, 3)]
        for step in plan:
            if step == 0:
                layers.append(nn.MaxPool2d(2))
            else:
                c, k, stride = (*step, 1)[:3]
                layers.append(unit(before, c, k, stride, released))
                before = c
        self.trunk = nn.Sequential(*layers)
        cells = self.grid**2
        out = cells * (classes + 5 * boxes)
        if released:
            self.local = Local(before, 4 * w, self.grid)
            self.predict = nn.Linear(4 * w * cells, out)
        else:
            self.hidden = nn.Linear(before * cells, hidden)
            self.predict = nn.Linear(hidden, out)
        lively(self)
        self.predict.weight.data *= 0.1
        nn.init.normal_(self.predict.bias, 0.5, 0.3)  # boxes that overlap something
        self.rate = rate

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Probabilities [B, cells, classes], confidences [B, cells, boxes], numbers [B, cells, boxes, 4]."""
        x, n, cells = self.trunk(image), len(image), self.grid**2
        x = self.local(x).flatten(1) if self.released else self.hidden(x.flatten(1))
        x = F.leaky_relu(x, 0.1)
        x = self.predict(F.dropout(x, self.rate, self.training))
        if self.released:
            a, b = cells * self.classes, cells * (self.classes + self.boxes)
            return (
                x[:, :a].view(n, cells, -1), x[:, a:b].view(n, cells, -1), x[:, b:].view(n, cells, self.boxes, 4)
            )  # fmt: skip
        x = x.view(n, cells, -1)
        boxes = x[..., : 5 * self.boxes].view(n, cells, self.boxes, 5)
        return x[..., 5 * self.boxes :], boxes[..., 4], boxes[..., :4]

    def corners(self, t: Tensor) -> Tensor:
        found = torch.zeros_like(t)
        for i in range(self.grid**2):
            x = (t[:, i, :, 0] + i % self.grid) / self.grid * self.size
            y = (t[:, i, :, 1] + i // self.grid) / self.grid * self.size
            w, h = t[:, i, :, 2] ** 2 * self.size, t[:, i, :, 3] ** 2 * self.size
            found[:, i] = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1)
        return found

    def loss(self, p: Tensor, c: Tensor, t: Tensor, truth: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
        """Equation 3 of the paper, cell by cell; ties between boxes that overlap nothing go to the nearest."""
        corners, total = self.corners(t).detach(), 0.5 * (c**2).sum()
        for b in range(len(t)):
            done = set[int]()
            for box, label, counts in zip(truth[b], labels[b], valid[b], strict=True):
                x, y = ((box[:2] + box[2:]) / 2 / self.size).tolist()
                w, h = ((box[2:] - box[:2]) / self.size).tolist()
                cell = int(y * self.grid) * self.grid + int(x * self.grid)
                if not counts or cell in done:
                    continue
                done.add(cell)
                shared = [overlap(one, box) for one in corners[b, cell]]
                best = max(range(self.boxes), key=lambda j, shared=shared: shared[j])
                if not any(shared):
                    apart = []
                    for one in corners[b, cell] / self.size:
                        px, py = ((one[:2] + one[2:]) / 2).tolist()
                        pw, ph = (one[2:] - one[:2]).tolist()
                        apart.append(math.hypot(px - x, py - y, pw - w, ph - h))
                    best = apart.index(min(apart))
                want = t.new_tensor([x * self.grid % 1, y * self.grid % 1, w**0.5, h**0.5])
                total = total + 5 * ((t[b, cell, best] - want) ** 2).sum()
                mine = c[b, cell, best]
                total = total - 0.5 * mine**2 + (mine - shared[best]) ** 2
                total = total + ((p[b, cell] - F.one_hot(label, self.classes)) ** 2).sum()
        return total / len(t)
