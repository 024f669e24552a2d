"""Set losses in plain PyTorch, image by image and object by object; all ways of matching are tried."""

from __future__ import annotations

from itertools import permutations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def cheapest(cost: Tensor) -> list[int]:
    """Which answer is for which object, of all ways the one whose costs sum to least."""
    answers, objects = cost.shape
    numbers = cost.tolist()
    ways = permutations(range(answers), objects)
    return list(min(ways, key=lambda way: sum(numbers[n][m] for m, n in enumerate(way))))


def not_overlapping(a: Tensor, b: Tensor) -> Tensor:
    """1 - GIoU of two boxes by centre and size."""
    (ax, ay, aw, ah), (bx, by, bw, bh) = a.unbind(), b.unbind()
    left, right = torch.stack([ax - aw / 2, bx - bw / 2]), torch.stack([ax + aw / 2, bx + bw / 2])
    top, bottom = torch.stack([ay - ah / 2, by - bh / 2]), torch.stack([ay + ah / 2, by + bh / 2])
    inside = (right.min() - left.max()).clamp(min=0) * (bottom.min() - top.max()).clamp(min=0)
    union = aw * ah + bw * bh - inside
    hull = (right.max() - left.min()) * (bottom.max() - top.min())
    return 1 - inside / (union + 1e-7) + (hull - union) / (hull + 1e-7)


def focal(logits: Tensor, target: Tensor) -> Tensor:
    """Lin et al. (2017), equation 5, with alpha 0.25 and gamma 2, summed."""
    p = 1 / (1 + torch.exp(-logits))
    yes, no = -0.25 * (1 - p) ** 2 * p.log(), -0.75 * p**2 * (1 - p).log()
    return torch.where(target, yes, no).sum()


def box_set_loss(
    logits: Tensor, boxes: Tensor, labels: Tensor, wanted: Tensor, there: Tensor, binary: bool
) -> Tensor:
    """DETR's, or with ``binary`` Deformable DETR's: classes 1 (2), distance 5, overlap 2."""
    batch, answers, classes = logits.shape
    objects = max(int(there.sum()), 1)
    target = torch.full((batch, answers), classes - 1)
    yes = torch.zeros(batch, answers, classes, dtype=torch.bool)
    distance, apart = torch.zeros(()), torch.zeros(())
    for i in range(batch):
        real = there[i].nonzero().flatten().tolist()
        cost = torch.zeros(answers, len(real))
        for n in range(answers):
            for k, m in enumerate(real):
                p = logits[i, n].sigmoid() if binary else logits[i, n].softmax(0)
                q = p[labels[i, m]]
                one = (
                    2 * (-0.25 * (1 - q) ** 2 * (q + 1e-8).log() + 0.75 * q**2 * (1 - q + 1e-8).log())
                    if binary
                    else -q
                )
                far = (boxes[i, n] - wanted[i, m]).abs().sum()
                cost[n, k] = (one + 5 * far + 2 * not_overlapping(boxes[i, n], wanted[i, m])).detach()
        for m, n in zip(real, cheapest(cost), strict=True):
            target[i, n], yes[i, n, labels[i, m]] = labels[i, m], True
            distance = distance + (boxes[i, n] - wanted[i, m]).abs().sum()
            apart = apart + not_overlapping(boxes[i, n], wanted[i, m])
    if binary:
        named = 2 * focal(logits, yes) / objects
    else:
        weight = torch.ones(classes, dtype=logits.dtype)
        weight[-1] = 0.1
        named = F.cross_entropy(logits.flatten(0, 1), target.flatten(), weight)
    return named + 5 * distance / objects + 2 * apart / objects


class WithBoxes(nn.Module):
    """A detector and its loss: of the last layer, of each earlier one, and of proposals where there are any."""

    def __init__(self, net: nn.Module, binary: bool) -> None:
        super().__init__()
        self.net, self.binary = net, binary

    def forward(
        self, image: Tensor, valid: Tensor, labels: Tensor, wanted: Tensor, there: Tensor
    ) -> dict[str, Tensor]:
        found = self.net(image=image, valid=valid)
        outputs = {name: found[name] for name in ("logits", "boxes")}
        if not self.training:
            return outputs
        rest = (labels, wanted, there, self.binary)
        loss = box_set_loss(found["logits"], found["boxes"], *rest)
        for layer in range(found["aux_logits"].shape[1]):
            loss = loss + box_set_loss(found["aux_logits"][:, layer], found["aux_boxes"][:, layer], *rest)
        if "first_logits" in found:
            nothing = torch.zeros_like(labels)
            loss = loss + box_set_loss(
                found["first_logits"], found["first_places"], nothing, wanted, there, self.binary
            )
        return outputs | {"loss": loss}


def lane(curve: Tensor, y: Tensor) -> Tensor:
    """Equation 5 of Liu et al. (2020): where a lane is at the height y."""
    _, _, k, f, m, n, b, c = curve.unbind()
    return k / (y - f) ** 2 + m / (y - f) + n + b * y - c


class WithLanes(nn.Module):
    """LSTR and its loss: classes 3, ends 2, points 5."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor, valid: Tensor, **lanes: Tensor) -> dict[str, Tensor]:
        found = self.net(image=image, valid=valid)
        outputs = {name: found[name] for name in ("logits", "curves")}
        if not self.training:
            return outputs
        loss = lane_set_loss(found["logits"], found["curves"], **lanes)
        for layer in range(found["aux_logits"].shape[1]):
            loss = loss + lane_set_loss(found["aux_logits"][:, layer], found["aux_curves"][:, layer], **lanes)
        return outputs | {"loss": loss}


def lane_set_loss(
    logits: Tensor,
    curves: Tensor,
    labels: Tensor,
    ends: Tensor,
    x: Tensor,
    y: Tensor,
    seen: Tensor,
    there: Tensor,
) -> Tensor:
    batch, answers, _ = logits.shape
    target = torch.zeros(batch, answers, dtype=torch.long)
    total, count = torch.zeros(()), max(int(there.sum()), 1)
    for i in range(batch):
        real = there[i].nonzero().flatten().tolist()

        def wrong(n: int, m: int, i: int = i) -> Tensor:
            points = seen[i, m]
            far = (lane(curves[i, n], y[i, m][points]) - x[i, m][points]).abs().mean()
            return 2 * (curves[i, n, :2] - ends[i, m]).abs().sum() + 5 * far

        chances = logits[i].softmax(1)
        cost = torch.tensor(
            [
                [float((wrong(n, m) - 3 * chances[n, labels[i, m]]).detach()) for m in real]
                for n in range(answers)
            ]
        ).reshape(answers, len(real))
        for m, n in zip(real, cheapest(cost), strict=True):
            target[i, n] = labels[i, m]
            total = total + wrong(n, m)
    return 3 * F.cross_entropy(logits.flatten(0, 1), target.flatten()) + total / count
