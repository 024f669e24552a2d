"""OverFeat in plain PyTorch: dense layers on cut-out windows, one place at a time, and merging box by box."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.initial import lively
from tests.reference.yolo_v1 import overlap


def trunk(widths: Sequence[int], accurate: bool) -> nn.Sequential:
    a, b, c, d, e = widths
    first = (
        [nn.Conv2d(3, a, 7, 2), nn.ReLU(), nn.MaxPool2d(3), nn.Conv2d(a, b, 7)]
        if accurate
        else [nn.Conv2d(3, a, 11, 4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(a, b, 5)]
    )
    layers = [*first, nn.ReLU(), nn.MaxPool2d(2)]
    before = b
    for out in (c, c, d, e) if accurate else (c, d, e):
        layers += [nn.Conv2d(before, out, 3, padding=1), nn.ReLU()]
        before = out
    return nn.Sequential(*layers)


class Dense(nn.Module):
    """Three dense layers on a window of k x k; the weights have the shape of convolutions."""

    def __init__(self, before: int, hidden: Sequence[int], k: int, out: int, rate: float = 0.0) -> None:
        super().__init__()
        self.k, self.rate = k, rate
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(before, hidden[0], k),
                nn.Conv2d(hidden[0], hidden[1], 1),
                nn.Conv2d(hidden[1], out, 1),
            ]
        )

    def forward(self, window: Tensor) -> Tensor:
        x = window.flatten(1)
        for i, layer in enumerate(self.layers):
            assert isinstance(layer, nn.Conv2d)
            x = F.linear(x, layer.weight.flatten(1), layer.bias)
            x = F.dropout(x.relu(), self.rate, self.training) if i < 2 else x
        return x


def slid(maps: Tensor, head: Dense) -> Tensor:
    """The head on every window of a map."""
    k, (h, w) = head.k, maps.shape[2:]
    rows = [
        torch.stack([head(maps[:, :, i : i + k, j : j + k]) for j in range(w - k + 1)], 2)
        for i in range(h - k + 1)
    ]
    return torch.stack(rows, 2)


def fine(maps: Tensor, head: Dense) -> Tensor:
    """The head on what 3 x 3 pools see that start at a place, for every place of a map; as many as fill whole pools."""
    reach = 3 * head.k
    count = [3 * ((side - 2) // 3 - head.k + 1) for side in maps.shape[2:]]
    rows = []
    for i in range(count[0]):
        row = [head(F.max_pool2d(maps[:, :, i : i + reach, j : j + reach], 3)) for j in range(count[1])]
        rows.append(torch.stack(row, 2))
    return torch.stack(rows, 2)


class Classifier(nn.Module):
    def __init__(
        self, classes: int, widths: Sequence[int], hidden: Sequence[int], window: int, accurate: bool,
        sizes: Sequence[Sequence[int]] = (), rate: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.features, self.pool, self.sizes = trunk(widths, accurate), 3 if accurate else 2, sizes
        self.head = Dense(widths[-1], hidden, window, classes, rate)
        lively(self)

    def forward(self, image: Tensor) -> Tensor:
        """Scores of every window; with ``sizes`` the mean of the most probable places of six images and their mirrors."""
        if not self.sizes:
            return slid(F.max_pool2d(self.features(image), self.pool), self.head)
        found = []
        for picture in (image, image.flip(3)):
            for size in self.sizes:
                scaled = F.interpolate(picture, tuple(size), mode="bilinear", align_corners=False)
                found.append(fine(self.features(scaled), self.head).softmax(1).amax((2, 3)))
        return sum(found) / len(found)  # type: ignore[return-value]


class Detector(nn.Module):
    def __init__(
        self, classes: int, widths: Sequence[int], hidden: Sequence[int], box_hidden: Sequence[int], window: int,
        rate: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self.classes, self.side = classes, 36 * window + 41
        self.classifier = Dense(widths[-1], hidden, window, classes + 1, rate)
        self.regressor = Dense(widths[-1], box_hidden, window, 4, rate)
        self.features = trunk(widths, True)
        lively(self)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Logits and edges of every window, [B, windows, ...], and the windows' corners."""
        maps = self.features(image)
        logits, edges = fine(maps, self.classifier), fine(maps, self.regressor)
        corners = [
            image.new_tensor([12.0 * j, 12.0 * i, 12.0 * j + self.side, 12.0 * i + self.side])
            for i in range(logits.shape[2])
            for j in range(logits.shape[3])
        ]
        return logits.flatten(2).transpose(1, 2), edges.flatten(2).transpose(1, 2), corners

    def losses(
        self,
        logits: Tensor,
        edges: Tensor,
        windows: list[Tensor],
        truth: Tensor,
        labels: Tensor,
        valid: Tensor,
    ) -> tuple[Tensor, Tensor]:
        certain, apart, count = logits.new_zeros(()), logits.new_zeros(()), 0
        for b in range(len(logits)):
            for n, window in enumerate(windows):
                best, own = 0.0, -1
                for t in range(truth.shape[1]):
                    x1, y1, x2, y2 = truth[b, t].tolist()
                    u1, v1, u2, v2 = window.tolist()
                    common = max(min(x2, u2) - max(x1, u1), 0) * max(min(y2, v2) - max(y1, v1), 0)
                    if valid[b, t] and common / ((x2 - x1) * (y2 - y1)) > best:
                        best, own = common / ((x2 - x1) * (y2 - y1)), t
                label = int(labels[b, own]) if best >= 0.5 else self.classes
                certain = certain - logits[b, n].log_softmax(0)[label]
                if best >= 0.5:
                    want = (truth[b, own] - window[:2].repeat(2)) / self.side
                    apart, count = apart + ((edges[b, n] - want) ** 2).sum(), count + 1
        return certain / (len(logits) * len(windows)), apart / max(count, 1)


def merged(
    boxes: Tensor, scores: Tensor, labels: Tensor, size: float, limit: float
) -> tuple[Tensor, Tensor, list[bool]]:
    """Of one image, the two boxes of a class that match best into their mean, until none match."""
    box, score = list(boxes), list(scores)
    left = [float(s) > 0 for s in scores.detach()]
    while True:
        best = (math.inf, -1, -1)
        for i in range(len(box)):
            for j in range(i + 1, len(box)):
                if left[i] and left[j] and labels[i] == labels[j]:
                    a, b = box[i].detach(), box[j].detach()
                    apart = float(((a[:2] + a[2:] - b[:2] - b[2:]) / 2 / size).norm())
                    best = min(best, (apart + 1 - overlap(a, b), i, j))
        match, i, j = best
        if match > limit:
            return torch.stack(box), torch.stack(score), left
        box[i], score[i] = (box[i] + box[j]) / 2, score[i] + score[j]
        left[j] = False
