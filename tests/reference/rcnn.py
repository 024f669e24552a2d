"""R-CNN in plain PyTorch: regions warped point by point, Caffe's network, one machine and one regression per class."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.initial import lively
from tests.reference.yolo_v1 import overlap


def warped(image: Tensor, box: Tensor, size: int, context: int) -> Tensor:
    """One region of [C, H, W] with its surroundings, read bilinearly; outside there is nothing."""
    c, height, width = image.shape
    x1, y1, x2, y2 = box.tolist()
    grow = size / (size - 2 * context)
    w, h = (x2 - x1) * grow, (y2 - y1) * grow
    left, top = (x1 + x2 - w) / 2, (y1 + y2 - h) / 2
    found = image.new_zeros(c, size, size)
    for i in range(size):
        y = top + (i + 0.5) * h / size
        if not 0 <= y <= height:
            continue
        a = min(max(y - 0.5, 0), height - 1)
        upper, part = int(a), a - int(a)
        row = image[:, upper] * (1 - part) + image[:, min(upper + 1, height - 1)] * part
        for j in range(size):
            x = left + (j + 0.5) * w / size
            if not 0 <= x <= width:
                continue
            b = min(max(x - 0.5, 0), width - 1)
            first, share = int(b), b - int(b)
            found[:, i, j] = row[:, first] * (1 - share) + row[:, min(first + 1, width - 1)] * share
    return found


class Network(nn.Module):
    """Caffe's reference network up to fc7."""

    def __init__(self, widths: Sequence[int], hidden: int, flat: int, rate: float = 0.0) -> None:
        super().__init__()
        a, b, c, d, e = widths
        norm = (nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0), nn.LocalResponseNorm(5, 1e-4, 0.75, 1.0))
        self.convolutions = nn.Sequential(
            nn.Conv2d(3, a, 11, 4), nn.ReLU(), nn.MaxPool2d(3, 2), norm[0],
            nn.Conv2d(a, b, 5, padding=2, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2), norm[1],
            nn.Conv2d(b, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, d, 3, padding=1, groups=2), nn.ReLU(),
            nn.Conv2d(d, e, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        )  # fmt: skip
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Linear(flat, hidden), nn.ReLU(), nn.Dropout(rate), nn.Linear(hidden, hidden), nn.ReLU(),
            nn.Dropout(rate),
        )  # fmt: skip
        lively(self)

    def forward(self, crops: Tensor) -> Tensor:
        return self.dense(self.convolutions(crops))  # type: ignore[no-any-return]


class RCNN(nn.Module):
    def __init__(
        self, classes: int, widths: Sequence[int], hidden: int, flat: int, size: int, context: int
    ) -> None:
        super().__init__()
        self.machines = nn.Linear(hidden, classes)
        self.regressions = nn.Linear(flat, 4 * classes)
        self.network, self.size, self.context, self.classes = (
            Network(widths, hidden, flat),
            size,
            context,
            classes,
        )

    def forward(self, image: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
        """Scores [B, R, classes] and moves [B, R, classes, 4]."""
        crops = [
            warped(one, box, self.size, self.context)
            for one, own in zip(image, rois, strict=True)
            for box in own
        ]
        pooled = self.network.convolutions(torch.stack(crops)).detach()
        scores = self.machines(self.network.dense(pooled).detach())
        shape = (len(image), -1, self.classes)
        return scores.view(shape), self.regressions(pooled.flatten(1)).view(*shape, 4)


def svm_loss(
    machines: nn.Linear, scores: Tensor, rois: Tensor, truth: Tensor, labels: Tensor, valid: Tensor
) -> Tensor:
    """What liblinear minimises, summed over the classes; ``scores`` of the regions, then of the objects."""
    total = 0.5 * (machines.weight**2).sum() + 0.5 * ((machines.bias / 10) ** 2).sum()
    for b in range(len(scores)):
        objects = [t for t in range(truth.shape[1]) if valid[b, t]]
        for c in range(scores.shape[2]):
            own = [t for t in objects if labels[b, t] == c]
            for t in own:
                total = total + 1e-3 * 2 * (1 - scores[b, rois.shape[1] + t, c]).clamp(min=0)
            regions = [(r, rois[b, r]) for r in range(rois.shape[1])]
            for r, box in regions + [(rois.shape[1] + t, truth[b, t]) for t in objects]:
                if max((overlap(box, truth[b, t]) for t in own), default=0.0) < 0.3:
                    total = total + 1e-3 * (1 + scores[b, r, c]).clamp(min=0)
    return total


def moves_to(box: Tensor, target: Tensor) -> list[float]:
    (x1, y1, x2, y2), (u1, v1, u2, v2) = box.tolist(), target.tolist()
    w, h = x2 - x1, y2 - y1
    return [
        (u1 + u2 - x1 - x2) / 2 / w, (v1 + v2 - y1 - y2) / 2 / h, math.log((u2 - u1) / w), math.log((v2 - v1) / h)
    ]  # fmt: skip


def ridge_loss(
    regressions: nn.Linear, moves: Tensor, regions: Tensor, truth: Tensor, labels: Tensor, valid: Tensor
) -> Tensor:
    """Equation 5 of the paper, summed over the classes."""
    total = 1000 * (regressions.weight**2).sum()
    for b in range(len(moves)):
        objects = [t for t in range(truth.shape[1]) if valid[b, t]]
        for r, box in enumerate(regions[b]):
            shared = [overlap(box, truth[b, t]) for t in objects]
            if shared and max(shared) > 0.6:
                t = objects[shared.index(max(shared))]
                want = moves.new_tensor(moves_to(box, truth[b, t]))
                total = total + ((moves[b, r, labels[b, t]] - want) ** 2).sum()
    return total


def moved(boxes: Tensor, moves: Tensor) -> Tensor:
    """Boxes [B, R, 4] by moves [B, R, classes, 4]."""
    x, y = ((boxes[..., i] + boxes[..., i + 2])[..., None] / 2 for i in (0, 1))
    w, h = ((boxes[..., i + 2] - boxes[..., i])[..., None] for i in (0, 1))
    x, y, w, h = (
        x + w * moves[..., 0],
        y + h * moves[..., 1],
        w * moves[..., 2].exp(),
        h * moves[..., 3].exp(),
    )
    return torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1)


def finetuned(net: nn.Module, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    logits = net(inputs["image"])
    return {"logits": logits} | ({"loss": F.cross_entropy(logits, inputs["target"])} if net.training else {})
