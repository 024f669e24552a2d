"""SPPNet in plain PyTorch: Zeiler & Fergus's convolutions, and pyramids of windows cut out of one map."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.initial import lively


class Norm(nn.Module):
    """Caffe's local response norm within a channel, 3 x 3."""

    def forward(self, x: Tensor) -> Tensor:
        kernel = x.new_full((x.shape[1], 1, 3, 3), 1 / 9)
        return x * (1 + 5e-5 * F.conv2d(x**2, kernel, padding=1, groups=x.shape[1])) ** -0.75


def convolutions(widths: Sequence[int]) -> nn.Sequential:
    a, b, c, d, e = widths
    return nn.Sequential(
        nn.Conv2d(3, a, 7, 2, 1), nn.ReLU(), Norm(), nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(a, b, 5, 2), nn.ReLU(), Norm(), nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Conv2d(b, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, d, 3, padding=1), nn.ReLU(),
        nn.Conv2d(d, e, 3, padding=1), nn.ReLU(),
    )  # fmt: skip


def dense(flat: int, hidden: int, rate: float = 0.0) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(flat, hidden), nn.ReLU(), nn.Dropout(rate), nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(rate)
    )  # fmt: skip


def pyramid(window: Tensor, bins: Sequence[int]) -> Tensor:
    """The greatest values of n x n bins of [C, h, w]; a bin reaches from floor(i h / n) to ceil((i + 1) h / n)."""
    _, h, w = window.shape
    found = []
    for n in bins:
        for channel in window:
            for i in range(n):
                rows = channel[math.floor(i * h / n) : math.ceil((i + 1) * h / n)]
                found += [rows[:, math.floor(j * w / n) : math.ceil((j + 1) * w / n)].max() for j in range(n)]
    return torch.stack(found)


def window(
    box: Tensor, size: tuple[int, int], left: float, right: float, shift: float
) -> tuple[int, int, int, int]:
    """First and last column and row of a region's window, each within the map."""
    edges = []
    for low, high, end in ((box[0], box[2], size[1]), (box[1], box[3], size[0])):
        first = math.floor((float(low) - left) / 16 + shift)
        last = math.ceil((float(high) - right) / 16 - shift)
        if first > last:
            first = last = (first + last) // 2
        edges.append((min(max(first, 0), end - 1), min(max(last, 0), end - 1)))
    (a, c), (b, d) = edges
    return a, b, c, d


class Classifier(nn.Module):
    """``classes=0`` gives the pyramid itself."""

    def __init__(
        self, classes: int, widths: Sequence[int], hidden: int, bins: Sequence[int], rate: float = 0.0
    ) -> None:
        super().__init__()
        flat, self.bins = widths[-1] * sum(n * n for n in bins), bins
        self.convolutions = convolutions(widths)
        self.rest = (
            nn.Sequential(dense(flat, hidden, rate), nn.Linear(hidden, classes)) if classes else nn.Identity()
        )
        lively(self)

    def forward(self, image: Tensor) -> Tensor:
        maps = self.convolutions(image)
        return self.rest(torch.stack([pyramid(one, self.bins) for one in maps]))  # type: ignore[no-any-return]


class Detector(nn.Module):
    """Scores and moves of regions; ``classifying`` has one last layer and convolutions that don't learn."""

    def __init__(
        self, classes: int, widths: Sequence[int], hidden: int, bins: Sequence[int], rate: float = 0.0,
        classifying: bool = False, left: float = 0.0, right: float = 0.0, shift: float = 1.0,
    ) -> None:  # fmt: skip
        super().__init__()
        flat, self.bins, self.classes = widths[-1] * sum(n * n for n in bins), bins, classes
        self.places = (left, right, shift)
        if not classifying:
            self.machines = nn.Linear(hidden, classes)
            self.regressions = nn.Linear(flat, 4 * classes)
        self.convolutions = convolutions(widths).requires_grad_(not classifying)
        self.dense = dense(flat, hidden, rate)
        if classifying:
            self.last = nn.Linear(hidden, classes)
        lively(self)

    def pooled(self, image: Tensor, rois: Tensor) -> Tensor:
        found = []
        for one, own in zip(self.convolutions(image), rois, strict=True):
            for box in own:
                a, b, c, d = window(box, (one.shape[1], one.shape[2]), *self.places)
                found.append(pyramid(one[:, b : d + 1, a : c + 1], self.bins))
        return torch.stack(found)

    def forward(self, image: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
        pooled = self.pooled(image, rois)
        shape = (len(image), -1, self.classes)
        if hasattr(self, "last"):
            return self.last(self.dense(pooled)).view(shape), pooled
        scores = self.machines(self.dense(pooled).detach()).view(shape)
        return scores, self.regressions(pooled.detach()).view(*shape, 4)
