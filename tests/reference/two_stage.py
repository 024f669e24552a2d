"""Detectors in two stages in plain PyTorch, from the papers (Girshick, 2015; Ren et al., 2015; Dai et al., 2016): all that
may be learned from is learned from."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.reference.regions import Losses, Proposals, Size, assigned, detections, pool, region_losses, vote


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
