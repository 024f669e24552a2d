"""torchvision's detectors beside a CPU build of torch, whose compiled operators do not load: nms from box to box, and
torchvision's own RoI align in Python, with the rule it leaves out (what lies outside the map reads as zero)."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from tests.reference import torchvision_on_cpu

_kept: list[torch.library.Library] = []


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """What is kept, best first."""
    order = scores.sort(stable=True, descending=True).indices
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low, high = (
            torch.maximum(boxes[best, :2], boxes[order, :2]),
            torch.minimum(boxes[best, 2:], boxes[order, 2:]),
        )
        shared = (high - low).clamp(min=0).prod(-1)
        areas = [(b[..., 2:] - b[..., :2]).prod(-1) for b in (boxes[best], boxes[order])]
        order = order[~(shared / (areas[0] + areas[1] - shared) > iou_threshold)]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.int64)


@cache
def ready() -> None:
    """Import torchvision and put what is missing in its place; once."""
    torchvision_on_cpu.ready()
    import torchvision.ops.boxes

    library = torch.library.Library("torchvision", "IMPL")
    library.impl("nms", nms, "CPU")
    _kept.append(library)
    torchvision.ops.boxes._assert_has_ops = lambda: None
    align = sys.modules["torchvision.ops.roi_align"]
    plain = align._roi_align.__wrapped__  # not through torch.compile
    align._roi_align = lambda x, rois, *rest: plain(x, rois.detach(), *rest)  # as the compiled one has it
    within = align._bilinear_interpolate

    def read(x: Tensor, image: Tensor, rows: Tensor, columns: Tensor, ymask: Any, xmask: Any) -> Tensor:
        height, width = x.shape[-2:]
        down = ((rows >= -1) & (rows <= height))[:, None, :, None, :, None]
        across = ((columns >= -1) & (columns <= width))[:, None, None, :, None, :]
        found: Tensor = within(x, image, rows, columns, ymask, xmask)
        return found * (down & across)

    align._bilinear_interpolate = read


class Detector(nn.Module):
    """A torchvision detector on images that need no resizing, with what it does in between as outputs too."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.backbone, self.rpn, self.roi_heads = net.backbone, net.rpn, net.roi_heads

    def forward(
        self, image: Tensor, sizes: list[tuple[int, int]], targets: list[dict[str, Tensor]]
    ) -> tuple[list[Tensor], list[dict[str, Tensor]], dict[str, Tensor]]:
        from torchvision.models.detection.image_list import ImageList

        features = self.backbone(image)
        given = targets if self.training else None
        proposals, first = self.rpn(ImageList(image, sizes), features, given)
        found, second = self.roi_heads(features, proposals, sizes, given)
        return proposals, found, first | second
