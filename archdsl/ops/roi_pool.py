"""RoI max pooling: the greatest value in each bin of a region of interest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archdsl.ops import keeping_regions
from archdsl.ops.base import Fn, Lowered, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.roi import Ints, RoiPooling
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@operator
@dataclass(frozen=True)
class RoiPool(RoiPooling):
    """The maximum over each bin of each region (Fast R-CNN, Girshick, 2015; ``torchvision.ops.roi_pool``).

    ``rois`` is ``[B, R, 4]``: x1 y1 x2 y2 in the image's pixels, scaled by ``spatial_scale`` and rounded to places of
    the feature map, both ends included. A bin reaches from the floor of where it starts to the ceiling of where it
    ends; one that holds nothing gives 0. Where a bin has several greatest values, they share the gradient. No
    gradient reaches the boxes.

    Shapes: ``[B, C, H, W]`` to ``[B, R, C, height, width]``.

        input features: [B, 16, H=12, W=16]
        input rois: [B, R=5, 4]
        features -> roi_pool(rois, 7, 0.0625)
    """

    name: ClassVar[str] = "roi_pool"
    kept = keeping_regions.maxima
    inside = keeping_regions.maxima_made

    rois: Slot = argument("tensor")
    output_size: Ints = argument("ints", at_least=1)
    spatial_scale: float = argument("float", 1.0, above=0)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        x, rois = self.operands(inputs, sizes)
        return TensorType((x.shape[0], rois.shape[1], x.shape[1], *self.bins()), x.dtype)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(roi_pool, (Slot(0), self.rois, self.bins(), self.spatial_scale))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x, rois = TensorType((2, 3, 8, 9)), TensorType((2, 5, 4))
        yield Sample((x, rois), {"rois": Slot(1), "output_size": 2, "spatial_scale": 0.5})
        yield Sample((x, rois), {"rois": Slot(1), "output_size": (7, 3)})
        yield Sample((TensorType((1, 1, 1, 1)), TensorType((1, 1, 4))), {"rois": Slot(1), "output_size": 2})
        yield from cls.refused_samples(3)


# ------------------------------------------------------------------------------------- helpers of the emitted source


def roi_pool(x: Tensor, rois: Tensor, bins: tuple[int, int], scale: float) -> Tensor:
    """The maximum of each bin, from a table of the maxima of all windows whose sides are powers of two."""
    b, c, height, width = x.shape
    corners = rois.detach().to(torch.promote_types(x.dtype, torch.float32)) * scale
    corners = torch.where(corners < 0, (corners - 0.5).ceil(), (corners + 0.5).floor())  # half away from zero
    rows = bin_windows(corners[..., 1], corners[..., 3], bins[0], height)
    columns = bin_windows(corners[..., 0], corners[..., 2], bins[1], width)
    table = [window_maxima(band, 3) for band in window_maxima(x, 2)]
    flat = torch.stack([window for band in table for window in band], dim=2).flatten(2)
    kinds = len(table[0])
    kind = rows[0].clamp(min=0)[..., :, None] * kinds + columns[0].clamp(min=0)[..., None, :]
    found = []
    for row in rows[1:]:
        for column in columns[1:]:
            at = kind * height * width + row[..., :, None] * width + column[..., None, :]
            found.append(flat.gather(2, at.reshape(b, 1, -1).expand(b, c, -1)))
    best = torch.maximum(torch.maximum(found[0], found[1]), torch.maximum(found[2], found[3]))
    best = best.reshape(b, c, -1, bins[0], bins[1]).transpose(1, 2)
    empty = (rows[0][..., :, None] < 0) | (columns[0][..., None, :] < 0)
    return best.masked_fill(empty[:, :, None], 0)


def window_maxima(x: Tensor, dim: int) -> list[Tensor]:
    """For each power of two that fits, the maximum of as many places from each on along ``dim``."""
    found, reach = [x], 1
    while 2 * reach <= x.shape[dim]:
        last = found[-1]
        later = torch.cat(
            [last.narrow(dim, reach, x.shape[dim] - reach), last.narrow(dim, x.shape[dim] - reach, reach)],
            dim,
        )
        found.append(torch.maximum(last, later))
        reach *= 2
    return found


def bin_windows(start: Tensor, end: Tensor, bins: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Two windows of one power of two that cover each bin together: its exponent (-1: no place) and their starts."""
    part = (end - start + 1).clamp(min=1)[..., None] / bins
    index = torch.arange(bins, device=start.device, dtype=start.dtype)
    low = ((index * part).floor() + start[..., None]).clamp(0, size)
    high = (((index + 1) * part).ceil() + start[..., None]).clamp(0, size)
    length = (high - low).long()
    power = torch.zeros_like(length) - (length < 1).long()
    reach = 2
    while reach <= size:
        power = power + (length >= reach).long()
        reach *= 2
    first = low.long().clamp(max=size - 1)
    side = 2 ** power.clamp(min=0)
    return power, first, (high.long() - side).clamp(min=0)
