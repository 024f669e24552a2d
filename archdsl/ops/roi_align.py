"""RoI align: regions of interest read between the positions of a feature map, without rounding."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archdsl.ops import keeping_regions
from archdsl.ops.axes import numel
from archdsl.ops.base import Fn, Lowered, Macs, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.roi import Ints, RoiPooling
from archdsl.ops.spatial import int_dim
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.nn import functional as F


@operator
@dataclass(frozen=True)
class RoiAlign(RoiPooling):
    """The mean of what is read at some points of each bin of each region (Mask R-CNN, He et al., 2017;
    ``torchvision.ops.roi_align``).

    ``rois`` is ``[B, R, 4]``: x1 y1 x2 y2 in the image's pixels, scaled by ``spatial_scale``. A bin is read at
    ``sampling_ratio`` by ``sampling_ratio`` points, bilinearly; more than one position outside the map there is zero.
    ``sampling_ratio=none`` takes as many points as a bin is long, rounded up; no more than for a region as large as the
    map. ``aligned`` puts a pixel's value in its middle (half a position to the left); without it, as at first
    published, regions are at least one position long. No gradient reaches the boxes.

    Shapes: ``[B, C, H, W]`` to ``[B, R, C, height, width]``.

        input features: [B, 16, H=12, W=16]
        input rois: [B, R=5, 4]
        features -> roi_align(rois, 7, 0.0625)
    """

    name: ClassVar[str] = "roi_align"
    kept = keeping_regions.points
    inside = keeping_regions.points_made

    rois: Slot = argument("tensor")
    output_size: Ints = argument("ints", at_least=1)
    spatial_scale: float = argument("float", 1.0, above=0)
    sampling_ratio: int | None = argument("int", 2, at_least=1, optional=True)
    aligned: bool = argument("bool", False)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        x, rois = self.operands(inputs, sizes)
        return TensorType((x.shape[0], rois.shape[1], x.shape[1], *self.bins()), x.dtype)

    def macs(self, inputs: Types, outputs: Types) -> Macs:
        """Reading at points is not counted; with as many points as fit, rows and columns are weighed by matmuls."""
        if self.sampling_ratio is not None:
            return Macs()
        height, width = int_dim(inputs[0], 2), int_dim(inputs[0], 3)
        across = self.bins()[1]
        return Macs(matmul=numel(outputs[0]) // across * width * (height + across))

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """One per point read."""
        return numel(outputs[0]) * (self.sampling_ratio or 1) ** 2

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        words = (Slot(0), self.rois, self.bins(), self.spatial_scale)
        if self.sampling_ratio is None:
            return Fn(roi_align_adaptive, (*words, self.aligned))
        return Fn(roi_align, (*words, self.sampling_ratio, self.aligned))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x, rois = TensorType((2, 3, 8, 9)), TensorType((2, 5, 4))
        yield Sample((x, rois), {"rois": Slot(1), "output_size": 2, "spatial_scale": 0.5})
        yield Sample(
            (x, rois), {"rois": Slot(1), "output_size": (7, 3), "sampling_ratio": 1, "aligned": True}
        )
        yield Sample((x, rois), {"rois": Slot(1), "output_size": (2, 3), "sampling_ratio": None})
        yield Sample((TensorType((1, 1, 1, 1)), TensorType((1, 1, 4))), {"rois": Slot(1), "output_size": 2})
        yield from cls.refused_samples(3)


# ------------------------------------------------------------------------------------- helpers of the emitted source


def roi_edges(x: Tensor, rois: Tensor, scale: float, aligned: bool) -> tuple[Tensor, Tensor]:
    """Where regions begin on the feature map, and how long they are: across, then down."""
    corners = rois.detach().to(torch.promote_types(x.dtype, torch.float32)) * scale - 0.5 * aligned
    start, length = corners[..., :2], corners[..., 2:] - corners[..., :2]
    return start, length if aligned else length.clamp(min=1)


def roi_align(
    x: Tensor, rois: Tensor, bins: tuple[int, int], scale: float, points: int, aligned: bool
) -> Tensor:
    """Bins of as many points each, read between positions and averaged."""
    b, c, height, width = x.shape
    start, length = roi_edges(x, rois, scale, aligned)
    places, inside = [], []
    for i, (count, size) in enumerate(((bins[1], width), (bins[0], height))):
        steps = torch.arange(count * points, dtype=start.dtype, device=x.device)
        place = start[..., i, None] + (steps + 0.5) / points * (length[..., i, None] / count)
        inside.append((place >= -1) & (place <= size))
        # What lies outside by less than a position is read at the edge.
        places.append(2 * place.clamp(0, size - 1) / max(size - 1, 1) - 1)
    across, down = (
        places[0][:, :, None].expand(-1, -1, bins[0] * points, -1),
        places[1][..., None].expand(-1, -1, -1, bins[1] * points),
    )
    grid = torch.stack([across, down], dim=-1).flatten(1, 2)
    seen = F.grid_sample(x.to(grid.dtype), grid, padding_mode="border", align_corners=True)
    seen = seen.reshape(b, c, -1, bins[0] * points, bins[1] * points)
    seen = seen * (inside[1][..., None] & inside[0][:, :, None])[:, None]
    mean = F.avg_pool2d(seen.flatten(0, 1), points)
    return mean.reshape(b, c, -1, bins[0], bins[1]).transpose(1, 2).to(x.dtype)


def roi_align_adaptive(x: Tensor, rois: Tensor, bins: tuple[int, int], scale: float, aligned: bool) -> Tensor:
    """Bins of as many points as they are long: the weights of rows and of columns, each a matrix, applied in turn."""
    start, length = roi_edges(x, rois, scale, aligned)
    columns, rows = (
        bin_weights(start[..., i], length[..., i], bins[1 - i], x.shape[3 - i]) for i in range(2)
    )
    found = torch.einsum("brph,bchw->brcpw", rows, x.to(rows.dtype))
    return torch.einsum("brcpw,brqw->brcpq", found, columns).to(x.dtype)


def bin_weights(start: Tensor, length: Tensor, bins: int, size: int) -> Tensor:
    """How much each of ``size`` positions counts in each bin of each region: ``[B, R, bins, size]``."""
    most = -(-size // bins) + 1
    part = (length / bins)[..., None, None]
    wanted = part.ceil().clamp(0, most)  # a region without extent has none
    count = wanted.clamp(min=1)
    index = torch.arange(bins, dtype=start.dtype, device=start.device)[:, None]
    point = torch.arange(most, dtype=start.dtype, device=start.device)
    place = start[..., None, None] + (index + (point + 0.5) / count) * part
    used = (point < wanted) & (place >= -1) & (place <= size)
    place = place.clamp(0, size - 1)
    low = place.floor()
    above = (place - low) * used / count
    below = (1 - (place - low)) * used / count
    low = low.long()
    weights = torch.zeros(*place.shape[:-1], size, dtype=start.dtype, device=start.device)
    weights = weights.scatter_add(-1, low, below)
    return weights.scatter_add(-1, (low + 1).clamp(max=size - 1), above)
