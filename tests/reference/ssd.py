"""SSD300 in plain PyTorch: default boxes, matching, the loss with hard negatives, and what is left of the detections."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.initial import lively
from tests.reference.yolo_v1 import overlap

STEPS = (8, 16, 32, 64, 100, 300)


class Scale(nn.Module):
    """Every position's features at length 20, or what is learned instead, channel by channel."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((c,), 20.0))

    def forward(self, x: Tensor) -> Tensor:
        return x / (x**2).sum(1, keepdim=True).sqrt() * self.weight[:, None, None]


class SSD300(nn.Module):
    """Our names' order of weights. ``scales`` are shares of the image, one more than there are maps."""

    def __init__(
        self, classes: int, width: int, depths: Sequence[int], ratios: Sequence[Sequence[int]],
        scales: Sequence[float], clip: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        w, self.classes, self.clip, self.ratios, self.scales = width, classes, clip, ratios, scales
        layers, before = list[nn.Module](), 3
        for i, n in enumerate(depths):
            layers += [nn.MaxPool2d(2, ceil_mode=i == 3)] if i else []
            for _ in range(n):
                layers += [nn.Conv2d(before, w << i, 3, padding=1), nn.ReLU()]
                before = w << i
        self.early = nn.Sequential(*layers)
        self.scale = Scale(8 * w)
        fifth = [nn.MaxPool2d(2)]
        for _ in range(depths[-1]):
            fifth += [nn.Conv2d(8 * w, 8 * w, 3, padding=1), nn.ReLU()]
        fifth += [nn.MaxPool2d(3, 1, 1), nn.Conv2d(8 * w, 16 * w, 3, padding=6, dilation=6), nn.ReLU()]
        self.parts = nn.ModuleList([nn.Sequential(*fifth, nn.Conv2d(16 * w, 16 * w, 1), nn.ReLU())])
        before = 16 * w
        for c, stride, padding in ((4 * w, 2, 1), (2 * w, 2, 1), (2 * w, 1, 0), (2 * w, 1, 0)):
            last = nn.Conv2d(c, 2 * c, 3, stride, padding)
            self.parts.append(nn.Sequential(nn.Conv2d(before, c, 1), nn.ReLU(), last, nn.ReLU()))
            before = 2 * c
        self.heads = nn.ModuleList()
        for c, r in zip((8 * w, 16 * w, 8 * w, 4 * w, 4 * w, 4 * w), ratios, strict=True):
            n = 2 + 2 * len(r)
            self.heads.append(
                nn.ModuleList([nn.Conv2d(c, n * classes, 3, padding=1), nn.Conv2d(c, n * 4, 3, padding=1)])
            )
        lively(self)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits [B, N, classes], moves [B, N, 4], default boxes [N, 4] as centre and size, shares of the image."""
        x = self.early(image)
        maps = [self.scale(x)]
        for part in self.parts:
            x = part(x)
            maps.append(x)
        logits, moves = list[Tensor](), list[Tensor]()
        for m, head in zip(maps, self.heads, strict=True):
            assert isinstance(head, nn.ModuleList)
            logits.append(head[0](m).permute(0, 2, 3, 1).reshape(len(m), -1, self.classes))
            moves.append(head[1](m).permute(0, 2, 3, 1).reshape(len(m), -1, 4))
        priors = self.priors([m.shape[-1] for m in maps], image.shape[-1])
        return torch.cat(logits, 1), torch.cat(moves, 1), image.new_tensor(priors)

    def priors(self, sides: Sequence[int], size: int) -> list[list[float]]:
        found = []
        for k, side in enumerate(sides):
            s, between = self.scales[k], math.sqrt(self.scales[k] * self.scales[k + 1])
            for row in range(side):
                for column in range(side):
                    x, y = (column + 0.5) * STEPS[k] / size, (row + 0.5) * STEPS[k] / size
                    found += [[x, y, s, s], [x, y, between, between]]
                    for r in self.ratios[k]:
                        a, b = s * math.sqrt(r), s / math.sqrt(r)
                        found += [[x, y, a, b], [x, y, b, a]]
        return [[x, y, min(w, 1), min(h, 1)] for x, y, w, h in found] if self.clip else found


def as_corners(boxes: Tensor) -> Tensor:
    return torch.cat([boxes[..., :2] - boxes[..., 2:] / 2, boxes[..., :2] + boxes[..., 2:] / 2], -1)


def losses(
    logits: Tensor, moves: Tensor, priors: Tensor, truth: Tensor, labels: Tensor, valid: Tensor
) -> tuple[Tensor, Tensor]:
    """Equation 1 of the paper, box by box: of the classes and of the places. ``truth``: corners, shares of the image."""
    corners, confidence, places, matched = as_corners(priors), logits.new_zeros(()), logits.new_zeros(()), 0
    for b in range(len(logits)):
        owner = dict[int, int]()
        objects = [t for t in range(truth.shape[1]) if valid[b, t]]
        table = [[overlap(corner, truth[b, t]) for t in objects] for corner in corners]
        for n, row in enumerate(table):
            if row and max(row) >= 0.5:
                owner[n] = objects[row.index(max(row))]
        for i, t in enumerate(objects):
            column = [row[i] for row in table]
            owner[column.index(max(column))] = t
        matched += len(owner)
        for n, t in owner.items():
            x1, y1, x2, y2 = truth[b, t].tolist()
            x, y, w, h = priors[n].tolist()
            want = logits.new_tensor(
                [((x1 + x2) / 2 - x) / w / 0.1, ((y1 + y2) / 2 - y) / h / 0.1, math.log((x2 - x1) / w) / 0.2,
                 math.log((y2 - y1) / h) / 0.2]
            )  # fmt: skip
            apart = (moves[b, n] - want).abs()
            places = places + torch.where(apart < 1, apart**2 / 2, apart - 0.5).sum()
        each = [-F.log_softmax(logits[b, n], 0)[0] for n in range(len(priors)) if n not in owner]
        hard = sorted(each, key=lambda one: one.item(), reverse=True)[: 3 * len(owner)]
        right = [-F.log_softmax(logits[b, n], 0)[labels[b, t]] for n, t in owner.items()]
        confidence = confidence + torch.stack(right + hard).sum() if owner else confidence
    return confidence / max(matched, 1), places / max(matched, 1)


def greedy(boxes: Tensor, scores: Tensor, threshold: float) -> list[int]:
    """Non-maximum suppression, the best first."""
    kept = list[int]()
    for i in torch.argsort(scores, descending=True, stable=True).tolist():
        if all(overlap(boxes[i], boxes[j]) <= threshold for j in kept):
            kept.append(i)
    return kept


def best(
    boxes: Tensor, scores: Tensor, candidates: int, most: int, above: float, threshold: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Boxes [B, N, 4], or [B, N, classes, 4], with scores [B, N, classes]: those left after suppression, padded with
    zeros to ``most``."""
    each = boxes if boxes.dim() == 4 else boxes[:, :, None].expand(*scores.shape, 4)
    found_boxes, found_labels = (
        boxes.new_zeros(len(boxes), most, 4),
        torch.zeros(len(boxes), most, dtype=torch.long),
    )
    found_scores, keep = boxes.new_zeros(len(boxes), most), torch.zeros(len(boxes), most, dtype=torch.bool)
    for b in range(len(boxes)):
        left = []
        for label in range(scores.shape[2]):
            order = torch.argsort(scores[b, :, label], descending=True)[:candidates]
            order = order[scores[b, order, label] > above]
            for i in greedy(each[b, order, label], scores[b, order, label], threshold):
                left.append((order[i], label))
        left.sort(key=lambda one, b=b: -scores[b, one[0], one[1]].item())
        for place, (i, label) in enumerate(left[:most]):
            found_boxes[b, place], found_scores[b, place] = each[b, i, label], scores[b, i, label]
            found_labels[b, place], keep[b, place] = label, True
    return found_boxes, found_labels, found_scores, keep
