"""YOLO with anchors in plain PyTorch: darknet's yolov2-voc.cfg and yolov3.cfg, and the gradient its C code follows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tests.reference.yolo_v1 import overlap, unit

Anchors = Sequence[tuple[float, float]]


class YoloV2(nn.Module):
    """yolov2-voc.cfg; ``released`` takes its reorg layer as the C code has it, index by index."""

    def __init__(
        self, classes: int, width: int, anchors: Anchors, released: bool = False, early: bool = False
    ) -> None:
        super().__init__()
        w, self.released, self.early = width, released, early
        self.anchors = [(32 * a, 32 * b) for a, b in anchors]

        def stage(c: int, n: int) -> nn.Sequential:
            parts = [unit(c // 2 * w, c * w, 3)]
            for _ in range(n):
                parts += [unit(c * w, c * w // 2, 1), unit(c * w // 2, c * w, 3)]
            return nn.Sequential(nn.MaxPool2d(2), *parts)

        self.fine = nn.Sequential(
            unit(3, w, 3), nn.MaxPool2d(2), unit(w, 2 * w, 3), stage(4, 1), stage(8, 1), stage(16, 2)
        )
        self.coarse = nn.Sequential(stage(32, 2), unit(32 * w, 32 * w, 3), unit(32 * w, 32 * w, 3))
        self.passthrough = unit(16 * w, 2 * w, 1)
        self.last = nn.Sequential(unit(40 * w, 32 * w, 3), nn.Conv2d(32 * w, len(anchors) * (5 + classes), 1))

    def reorg(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        if not self.released:  # adjacent pixels into channels
            parts = [x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]
            return torch.stack(parts, 2).flatten(1, 2)
        places = torch.empty(c * h * w, dtype=torch.long)
        for k in range(c):
            part, quarter = k % (c // 4), k // (c // 4)
            for j in range(h):
                for i in range(w):
                    row, column = 2 * j + quarter // 2, 2 * i + quarter % 2
                    places[i + w * (j + h * k)] = column + 2 * w * (row + 2 * h * part)
        return x.flatten(1)[:, places].view(n, 4 * c, h // 2, w // 2)

    def forward(self, image: Tensor) -> list[Tensor]:
        fine = self.fine(image)
        return [self.last(torch.cat([self.reorg(self.passthrough(fine)), self.coarse(fine)], 1))]


class Residual(nn.Module):
    def __init__(self, c: int) -> None:
        super().__init__()
        self.body = nn.Sequential(unit(c, c // 2, 1), unit(c // 2, c, 3))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class YoloV3(nn.Module):
    """yolov3.cfg. ``anchors`` from the coarsest map to the finest."""

    def __init__(self, classes: int, width: int, layers: Sequence[int], anchors: Sequence[Anchors]) -> None:
        super().__init__()
        w, self.anchors = width, [a for level in anchors for a in level]
        self.stem = unit(3, w, 3)
        self.stages = nn.ModuleList(
            nn.Sequential(unit(w << i, w << i + 1, 3, 2), *(Residual(w << i + 1) for _ in range(n)))
            for i, n in enumerate(layers)
        )
        self.levels = nn.ModuleList()
        for i, own in enumerate(anchors):
            c = 16 * w >> i
            parts = nn.ModuleDict({"up": unit(2 * c, c, 1)} if i else {})
            first = 3 * c if i else 2 * c
            parts["five"] = nn.Sequential(
                unit(first, c, 1), unit(c, 2 * c, 3), unit(2 * c, c, 1), unit(c, 2 * c, 3), unit(2 * c, c, 1)
            )
            parts["out"] = nn.Sequential(unit(c, 2 * c, 3), nn.Conv2d(2 * c, len(own) * (5 + classes), 1))
            self.levels.append(parts)

    def forward(self, image: Tensor) -> list[Tensor]:
        x, taps, maps = self.stem(image), [], []
        for stage in self.stages:
            x = stage(x)
            taps.append(x)
        for i, level in enumerate(self.levels):
            assert isinstance(level, nn.ModuleDict)
            if i:
                x = level["up"](x).repeat_interleave(2, 2).repeat_interleave(2, 3)
                x = torch.cat([x, taps[4 - i]], 1)
            x = level["five"](x)
            maps.append(level["out"](x))
        return maps


def flat(maps: Sequence[Tensor], anchors: int) -> Tensor:
    """[B, boxes, 5 + classes]: map by map, anchor by anchor, row by row."""
    each = anchors // len(maps)
    return torch.cat([m.unflatten(1, (each, -1)).permute(0, 1, 3, 4, 2).flatten(1, 3) for m in maps], 1)


def places(maps: Sequence[Tensor], anchors: Anchors, size: int) -> list[tuple[int, int, int, float, float]]:
    """Of every box of ``flat`` its column, row, stride and anchor."""
    each, found = len(anchors) // len(maps), []
    for i, m in enumerate(maps):
        h, w = m.shape[2:]
        for aw, ah in anchors[i * each : (i + 1) * each]:
            found += [(column, row, size // w, aw, ah) for row in range(h) for column in range(w)]
    return found


def corners(maps: Sequence[Tensor], anchors: Anchors, size: int) -> Tensor:
    numbers, found = flat(maps, len(anchors)), []
    for i, (column, row, stride, aw, ah) in enumerate(places(maps, anchors, size)):
        x, y = (numbers[:, i, 0].sigmoid() + column) * stride, (numbers[:, i, 1].sigmoid() + row) * stride
        w, h = numbers[:, i, 2].exp() * aw, numbers[:, i, 3].exp() * ah
        found.append(torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1))
    return torch.stack(found, 1)


def darknet(
    maps: Sequence[Tensor], anchors: Anchors, size: int, truth: Tensor, labels: Tensor, valid: Tensor,
    ignore: float, region: bool, early: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """What the C code of darknet's [yolo] and, with ``region``, [region] layers leaves as ``delta``, the negative
    gradient, laid out as ``flat``; and the loss that has it: logistic terms for what goes through a sigmoid, squares
    for width and height, a cross-entropy for classes that exclude each other."""
    numbers, boxes = flat(maps, len(anchors)).detach(), corners(maps, anchors, size).detach()
    where, delta = places(maps, anchors, size), torch.zeros_like(numbers)
    value = torch.zeros(*numbers.shape[:2], 3, dtype=numbers.dtype)  # of a box's place, objectness, classes
    for b in range(len(truth)):
        objects = [i for i in range(truth.shape[1]) if valid[b, i]]
        raw, out = numbers[b], numbers[b].sigmoid()
        if region:
            out[:, 5:] = raw[:, 5:].softmax(-1)
        for i in range(len(where)):
            if max((overlap(boxes[b, i], truth[b, t]) for t in objects), default=0.0) <= ignore:
                delta[b, i, 4] = 0 - out[i, 4]
                value[b, i, 1] = -torch.log(1 - out[i, 4])
            if early:
                delta[b, i, :4] = 0.01 * (
                    torch.tensor([0.5, 0.5, 0, 0]) - torch.cat([out[i, :2], raw[i, 2:4]])
                )
                squares = (raw[i, 2:4] ** 2).sum() / 2
                value[b, i, 0] = 0.01 * (squares + sum(logistic(raw[i, k], 0.5) for k in (0, 1)))
        touched = dict[int, set[int]]()
        for t in objects:
            x1, y1, x2, y2 = truth[b, t].tolist()
            w, h, x, y, label = x2 - x1, y2 - y1, (x1 + x2) / 2, (y1 + y2) / 2, int(labels[b, t])
            shapes = [min(w, a) * min(h, c) / (w * h + a * c - min(w, a) * min(h, c)) for a, c in anchors]
            aw, ah = anchors[shapes.index(max(shapes))]
            (i,) = [
                i for i, (column, row, stride, *own) in enumerate(where)
                if own == [aw, ah] and column == int(x / stride) and row == int(y / stride)
            ]  # fmt: skip
            column, row, stride, *_ = where[i]
            scale = 2 - w * h / size**2
            want = (x / stride - column, y / stride - row, math.log(w / aw), math.log(h / ah))
            now = (out[i, 0], out[i, 1], raw[i, 2], raw[i, 3])
            for k in range(4):
                delta[b, i, k] = scale * (want[k] - now[k])
            squares = sum((want[k] - now[k]) ** 2 for k in (2, 3))
            value[b, i, 0] = scale * (squares / 2 + sum(logistic(raw[i, k], want[k]) for k in (0, 1)))
            weight, sure = (5, overlap(boxes[b, i], truth[b, t])) if region else (1, 1.0)
            delta[b, i, 4] = weight * (sure - out[i, 4])
            value[b, i, 1] = weight * logistic(raw[i, 4], sure)
            if region or i not in touched:
                delta[b, i, 5:] = 0 - out[i, 5:]
            touched.setdefault(i, set()).add(label)
            delta[b, i, 5 + label] = 1 - out[i, 5 + label]
            if region:
                value[b, i, 2] = -torch.log(out[i, 5 + label])
            else:
                terms = [logistic(v, float(k in touched[i])) for k, v in enumerate(raw[i, 5:])]
                value[b, i, 2] = torch.stack(terms).sum()
    return delta, value.sum() / len(truth)


def logistic(x: Tensor, target: float) -> Tensor:
    return -(target * torch.log(x.sigmoid()) + (1 - target) * torch.log(1 - x.sigmoid()))


class Followed(torch.autograd.Function):
    """A loss given by its value and its gradient."""

    @staticmethod
    def forward(ctx, numbers: Tensor, value: Tensor, gradient: Tensor) -> Tensor:  # type: ignore[no-untyped-def, override]
        ctx.save_for_backward(gradient)
        return value.clone()

    @staticmethod
    def backward(ctx, upstream: Tensor) -> tuple[Tensor, None, None]:  # type: ignore[no-untyped-def, override]
        (gradient,) = ctx.saved_tensors
        return upstream * gradient, None, None


def darknet_loss(numbers: Tensor, deltas: Tensor, value: Tensor) -> Tensor:
    """The loss per picture, with the gradient that darknet follows."""
    return Followed.apply(numbers, value, -deltas / len(numbers))  # type: ignore[no-any-return, no-untyped-call]
