"""Boxes, proposals, losses and poolings of regions in plain PyTorch, from the papers (Girshick, 2015; Ren et al., 2015; Dai et
al., 2016): image by image, with lists as long as they happen to be, nothing sampled at random."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.torchvision_detection import nms

Size = tuple[int, int]
Losses = dict[str, Tensor]


def overlaps(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union, each with each."""
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    areas = [(t[:, 2:] - t[:, :2]).prod(-1) for t in (a, b)]
    return shared / (areas[0][:, None] + areas[1][None] - shared)


def centred(boxes: Tensor) -> tuple[Tensor, Tensor]:
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]


def encode(boxes: Tensor, anchors: Tensor, weights: Sequence[float]) -> Tensor:
    (centre, size), (at, extent) = centred(boxes), centred(anchors)
    return torch.cat([weights[0] * (centre - at) / extent, weights[1] * (size / extent).log()], -1)


def decode(moves: Tensor, anchors: Tensor, weights: Sequence[float]) -> Tensor:
    at, extent = centred(anchors)
    centre = at + moves[..., :2] / weights[0] * extent
    size = extent * (moves[..., 2:] / weights[1]).clamp(max=math.log(1000 / 16)).exp()
    return torch.cat([centre - size / 2, centre + size / 2], -1)


def clip(boxes: Tensor, size: Size) -> Tensor:
    most = boxes.new_tensor([size[1], size[0], size[1], size[0]])
    return torch.minimum(boxes.clamp(min=0), most)


def grid(height: int, width: int, stride: int, sizes: Sequence[float], ratios: Sequence[float]) -> Tensor:
    """Anchors, row by row, at each position all ratios, of each ratio all sizes."""
    found = []
    for y in range(height):
        for x in range(width):
            for ratio in ratios:
                for size in sizes:
                    w, h = size / math.sqrt(ratio), size * math.sqrt(ratio)
                    found.append(
                        [x * stride - w / 2, y * stride - h / 2, x * stride + w / 2, y * stride + h / 2]
                    )
    return torch.tensor(found, dtype=torch.float64)


class Proposals(nn.Module):
    """The region proposal network, on one map."""

    def __init__(
        self,
        c: int,
        hidden: int,
        sizes: list[float],
        ratios: list[float],
        before: list[int],
        after: list[int],
    ) -> None:
        super().__init__()
        self.k = len(sizes) * len(ratios)
        self.conv = nn.Conv2d(c, hidden, 3, padding=1)
        self.cls_score = nn.Conv2d(hidden, 2 * self.k, 1)
        self.bbox_pred = nn.Conv2d(hidden, 4 * self.k, 1)
        self.anchors = (sizes, ratios)
        self.before, self.after = before, after

    def forward(
        self, x: Tensor, sizes: list[Size], targets: list[Tensor]
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        t = F.relu(self.conv(x))
        scores = self.cls_score(t).unflatten(1, (2, self.k)).permute(0, 3, 4, 2, 1).flatten(1, 3)
        moves = self.bbox_pred(t).unflatten(1, (self.k, 4)).permute(0, 3, 4, 1, 2).flatten(1, 3)
        anchors = grid(*x.shape[2:], 16, *self.anchors)
        mode = 0 if self.training else 1
        found = [
            self.best(s, m, anchors, size, mode) for s, m, size in zip(scores, moves, sizes, strict=True)
        ]
        yes, places, count = x.new_zeros(()), x.new_zeros(()), 0
        for image, boxes in enumerate(targets):
            height, width = sizes[image]
            low, high = anchors[:, :2].amin(1), anchors[:, 2:] <= anchors.new_tensor([width, height])
            usable = ((low >= 0) & high.all(1)).nonzero()[:, 0]
            shared = overlaps(boxes, anchors[usable])
            most, which = shared.max(0)
            label = torch.full_like(which, -1)
            label[most < 0.3] = 0
            label[most >= 0.7] = 1
            for row in shared:
                label[row == row.max()] = 1
            learned = usable[label >= 0]
            count += len(learned)
            yes = yes + F.cross_entropy(scores[image, learned], label[label >= 0], reduction="sum")
            good = label == 1
            wanted = encode(boxes[which[good]], anchors[usable[good]], (1, 1))
            places = places + F.smooth_l1_loss(
                moves[image, usable[good]], wanted, beta=1 / 9, reduction="sum"
            )
        return found, yes / max(count, 1), places / max(count, 1)

    def best(self, scores: Tensor, moves: Tensor, anchors: Tensor, size: Size, mode: int) -> Tensor:
        score = scores.detach().softmax(-1)[:, 1]
        boxes = clip(decode(moves.detach(), anchors, (1, 1)), size)
        first = score.argsort(descending=True)[: self.before[mode]]
        first = first[(centred(boxes[first])[1] >= 1e-3).all(1)]
        return boxes[first][nms(boxes[first], score[first], 0.7)[: self.after[mode]]]


def assigned(rois: Tensor, boxes: Tensor, labels: Tensor, least: float) -> tuple[Tensor, Tensor, Tensor]:
    """Regions and targets with a class each, and the target it is for; those that overlap too little are left out."""
    every = torch.cat([rois, boxes])
    most, which = overlaps(every, boxes).max(1)
    label = torch.where(most >= 0.5, labels[which], 0)
    kept = most >= least
    return every[kept], label[kept], which[kept]


def region_losses(
    logits: Tensor, moves: Tensor, rois: Tensor, label: Tensor, matched: Tensor
) -> tuple[Tensor, Tensor]:
    """Of each region: cross-entropy, and smooth L1 of the moves of its class; ``moves`` are [R, 4] or [R, 4 classes]."""
    each = F.cross_entropy(logits, label, reduction="none")
    own = moves.unflatten(1, (-1, 4))
    own = own[torch.arange(len(label)), label if own.shape[1] > 1 else 0]
    wanted = encode(matched, rois, (10, 5))
    far = F.smooth_l1_loss(own, wanted, reduction="none").sum(1)
    return each, torch.where(label > 0, far, 0)


def detections(
    logits: Tensor, moves: Tensor, rois: Tensor, size: Size, above: float, most: int
) -> dict[str, Tensor]:
    """Class by class, then the best of all."""
    score, classes = logits.softmax(-1), logits.shape[1]
    boxes = clip(decode(moves.unflatten(1, (-1, 4)), rois[:, None], (10, 5)), size)
    boxes = boxes.expand(-1, classes, -1)
    rows = []
    for c in range(1, classes):
        usable = (score[:, c] > above) & (centred(boxes[:, c].detach())[1] >= 1e-2).all(1)
        b, s = boxes[usable, c], score[usable, c]
        kept = nms(b.detach(), s.detach(), 0.3)
        rows.append((b[kept], s[kept], torch.full((len(kept),), c)))
    b, s, c = (torch.cat(t) for t in zip(*rows, strict=True))
    order = s.argsort(descending=True, stable=True)[:most]
    return {"boxes": b[order], "scores": s[order], "labels": c[order]}


def bins(start: float, length: float, count: int, i: int, most: int) -> slice:
    """The positions of bin i, at least none."""
    low, high = math.floor(i * length / count + start), math.ceil((i + 1) * length / count + start)
    return slice(min(max(low, 0), most), max(min(max(high, 0), most), 0))


def pool(map: Tensor, rois: Tensor, side: int, scale: float) -> Tensor:
    """RoI max pooling of one image's map, [C, H, W], bin by bin."""
    found = []
    for box in rois.tolist():
        x1, y1, x2, y2 = (math.floor(v * scale + 0.5) for v in box)
        for i in range(side):
            for j in range(side):
                rows = bins(y1, max(y2 - y1 + 1, 1), side, i, map.shape[1])
                columns = bins(x1, max(x2 - x1 + 1, 1), side, j, map.shape[2])
                part = map[:, rows, columns].flatten(1)
                found.append(part.amax(1) if part.shape[1] else map.new_zeros(map.shape[0]))
    return torch.stack(found).unflatten(0, (len(rois), side, side)).permute(0, 3, 1, 2)


def vote(map: Tensor, rois: Tensor, k: int, scale: float) -> Tensor:
    """Position-sensitive pooling of one image's map, [c k k, H, W], then the mean over bins: [R, c]."""
    parts = map.unflatten(0, (-1, k, k))
    found = []
    for box in rois.tolist():
        x1, y1, x2, y2 = (math.floor(v + 0.5) for v in box)
        start, length = (
            (x1 * scale, y1 * scale),
            (max((x2 + 1 - x1) * scale, 0.1), max((y2 + 1 - y1) * scale, 0.1)),
        )
        total = map.new_zeros(parts.shape[0])
        for i in range(k):
            for j in range(k):
                rows = bins(start[1], length[1], k, i, map.shape[1])
                columns = bins(start[0], length[0], k, j, map.shape[2])
                part = parts[:, i, j, rows, columns].flatten(1)
                total = total + (part.mean(1) if part.shape[1] else 0)
        found.append(total / k**2)
    return torch.stack(found)
