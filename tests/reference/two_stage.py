"""Detectors in two stages in plain PyTorch, from the papers (Girshick, 2015; Ren et al., 2015; Dai et al., 2016): image by
image, with lists as long as they happen to be, nothing sampled at random (all that may be learned from is)."""

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


def vgg_map(depths: Sequence[int], widths: Sequence[int]) -> nn.Sequential:
    """Stages of convolutions, a pool between any two."""
    layers: list[nn.Module] = []
    last = 3
    for i, (n, c) in enumerate(zip(depths, widths, strict=True)):
        layers += [nn.MaxPool2d(2)] if i else []
        for _ in range(n):
            layers += [nn.Conv2d(last, c, 3, padding=1), nn.ReLU()]
            last = c
    return nn.Sequential(*layers)


class RegionHead(nn.Module):
    """Two wide layers on pooled regions, then scores and moves."""

    def __init__(self, c: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.fc6, self.fc7 = nn.Linear(49 * c, hidden), nn.Linear(hidden, hidden)
        self.cls_score, self.bbox_pred = nn.Linear(hidden, classes), nn.Linear(hidden, 4 * classes)

    def forward(self, map: Tensor, rois: Tensor) -> tuple[Tensor, Tensor]:
        t = F.relu(self.fc7(F.relu(self.fc6(pool(map, rois, 7, 1 / 16).flatten(1)))))
        return self.cls_score(t), self.bbox_pred(t)


class FastRCNN(nn.Module):
    """On given regions; in training gives all that may be learned from, and two losses."""

    def __init__(
        self, classes: int, depths: list[int], widths: list[int], hidden: int, above: float, most: int
    ) -> None:
        super().__init__()
        self.body = vgg_map(depths, widths)
        self.head = RegionHead(widths[-1], hidden, classes)
        self.above, self.most = above, most

    def forward(
        self,
        image: Tensor,
        rois: list[Tensor],
        sizes: list[Size],
        targets: list[Tensor],
        labels: list[Tensor],
    ) -> tuple[list[dict[str, Tensor]], Losses]:
        maps, found, losses = self.body(image), [], []
        self.learned: list[Tensor] = []
        for i, size in enumerate(sizes):
            if self.training:
                regions, label, which = assigned(rois[i], targets[i], labels[i], 0.1)
                self.learned.append(regions)
                logits, moves = self.head(maps[i], regions)
                losses.append(region_losses(logits, moves, regions, label, targets[i][which]))
            else:
                logits, moves = self.head(maps[i], rois[i])
                found.append(detections(logits, moves, rois[i], size, self.above, self.most))
                found[-1] |= {"logits": logits, "moves": moves}
        return found, averaged(losses)


def averaged(losses: list[tuple[Tensor, Tensor]]) -> Losses:
    """Over the regions of all images."""
    if not losses:
        return {}
    each, far = (torch.cat(t) for t in zip(*losses, strict=True))
    return {"class": each.mean(), "box": far.mean()}


class FasterRCNN(nn.Module):
    """Proposals from the map that they are pooled from."""

    def __init__(
        self, classes: int, depths: list[int], widths: list[int], hidden: int, rpn: Proposals, above: float, most: int
    ) -> None:  # fmt: skip
        super().__init__()
        self.body, self.rpn = vgg_map(depths, widths), rpn
        self.head = RegionHead(widths[-1], hidden, classes)
        self.above, self.most = above, most

    def forward(
        self, image: Tensor, sizes: list[Size], targets: list[Tensor], labels: list[Tensor]
    ) -> tuple[list[Tensor], list[dict[str, Tensor]], Losses]:
        maps = self.body(image)
        rois, yes, places = self.rpn(maps, sizes, targets)
        found, losses = [], []
        for i, size in enumerate(sizes):
            if self.training:
                regions, label, which = assigned(rois[i], targets[i], labels[i], 0)
                logits, moves = self.head(maps[i], regions)
                losses.append(region_losses(logits, moves, regions, label, targets[i][which]))
            else:
                logits, moves = self.head(maps[i], rois[i])
                found.append(detections(logits, moves, rois[i], size, self.above, self.most))
        return rois, found, {"yes": yes, "places": places} | averaged(losses)


class FixedNorm(nn.Module):
    """By statistics that stay as they are."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(c)), nn.Parameter(torch.zeros(c))
        self.register_buffer("running_mean", torch.zeros(c))
        self.register_buffer("running_var", torch.ones(c))

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias)


class Bottleneck(nn.Module):
    """The stride in the first convolution, the dilation in the second."""

    def __init__(self, before: int, c: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, c, 1, stride, bias=False), FixedNorm(c)
        self.conv2 = nn.Conv2d(c, c, 3, padding=dilation, dilation=dilation, bias=False)
        self.bn2 = FixedNorm(c)
        self.conv3, self.bn3 = nn.Conv2d(c, 4 * c, 1, bias=False), FixedNorm(4 * c)
        self.shortcut = None
        if before != 4 * c or stride != 1:
            self.shortcut = nn.Sequential(nn.Conv2d(before, 4 * c, 1, stride, bias=False), FixedNorm(4 * c))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn3(self.conv3(F.relu(self.bn2(self.conv2(y)))))
        return F.relu(y + (x if self.shortcut is None else self.shortcut(x)))


class RFCN(nn.Module):
    """Votes on maps that know their place; the regions with the highest losses are learned from."""

    def __init__(
        self, classes: int, layers: list[int], width: int, c: int, k: int, moves: int, rpn: Proposals, hard: int,
        above: float, most: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 7, 2, 3, bias=False), FixedNorm(width))
        stages, before = [], width
        for i, n in enumerate(layers):
            blocks = []
            for j in range(n):
                stride = 2 if j == 0 and i in (1, 2) else 1
                blocks.append(Bottleneck(before, width * 2**i, stride, 2 if i == 3 else 1))
                before = 4 * width * 2**i
            stages.append(nn.Sequential(*blocks))
        self.stages, self.rpn = nn.ModuleList(stages), rpn
        self.conv_new = nn.Conv2d(before, c, 1)
        self.rfcn_cls, self.rfcn_bbox = nn.Conv2d(c, k * k * classes, 1), nn.Conv2d(c, k * k * moves, 1)
        self.k, self.hard, self.above, self.most = k, hard, above, most

    def forward(
        self, image: Tensor, sizes: list[Size], targets: list[Tensor], labels: list[Tensor]
    ) -> tuple[list[Tensor], list[dict[str, Tensor]], Losses]:
        x = F.max_pool2d(F.relu(self.stem(image)), 3, 2, 1)
        for stage in self.stages[:3]:
            x = stage(x)
        rois, yes, places = self.rpn(x, sizes, targets)
        x = F.relu(self.conv_new(self.stages[3](x)))
        scores, shifts = self.rfcn_cls(x), self.rfcn_bbox(x)
        found, worst = [], []
        for i, size in enumerate(sizes):
            regions = rois[i]
            if self.training:
                regions, label, which = assigned(rois[i], targets[i], labels[i], 0)
            logits = vote(scores[i], regions, self.k, 1 / 16)
            moves = vote(shifts[i], regions, self.k, 1 / 16)[:, -4:]
            if self.training:
                each, far = region_losses(logits, moves, regions, label, targets[i][which])
                worst.append((each + far).sort(descending=True).values[: self.hard])
            else:
                found.append(detections(logits, moves, regions, size, self.above, self.most))
        losses = {"yes": yes, "places": places}
        return rois, found, losses | ({"hard": torch.cat(worst).mean()} if worst else {})
