"""Position-sensitive RoI pooling: each bin of a region is averaged over channels of its own."""

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
    from torch.nn import functional as F


@operator
@dataclass(frozen=True)
class PsRoiPool(RoiPooling):
    """The mean over each bin of each region, of the channels that belong to that bin (R-FCN, Dai et al., 2016;
    ``torchvision.ops.ps_roi_pool``).

    Channel ``(c * height + i) * width + j`` of the features is channel c for the bin in row i and column j. ``rois`` is
    ``[B, R, 4]``: x1 y1 x2 y2 in the image's pixels, scaled by ``spatial_scale``. A bin reaches from the floor of where
    it starts to the ceiling of where it ends; one that holds nothing gives 0. No gradient reaches the boxes.
    ``convention`` says what is rounded. "torchvision": corners, after scaling; and bins end before the last row and
    column of the map. "caffe", the layer released with the paper: corners in the image's pixels, both ends included.

    Shapes: ``[B, C height width, H, W]`` to ``[B, R, C, height, width]``.

        input features: [B, 18, H=12, W=16]
        input rois: [B, R=5, 4]
        features -> ps_roi_pool(rois, 3, 0.0625)
    """

    name: ClassVar[str] = "ps_roi_pool"
    kept = keeping_regions.sums
    inside = keeping_regions.sums_made

    rois: Slot = argument("tensor")
    output_size: Ints = argument("ints", at_least=1)
    spatial_scale: float = argument("float", 1.0, above=0)
    convention: str = argument("str", "torchvision", choices=("torchvision", "caffe"), keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        x, rois = self.operands(inputs, sizes)
        down, across = self.bins()
        sizes.divisible(x.shape[1], down * across, "the channels, one for each bin,", "output_size")
        return TensorType((x.shape[0], rois.shape[1], x.shape[1] // (down * across), down, across), x.dtype)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        caffe = self.convention == "caffe"
        return Fn(ps_roi_pool, (Slot(0), self.rois, self.bins(), self.spatial_scale, caffe))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x, rois = TensorType((2, 12, 8, 9)), TensorType((2, 5, 4))
        yield Sample((x, rois), {"rois": Slot(1), "output_size": 2, "spatial_scale": 0.5})
        yield Sample((x, rois), {"rois": Slot(1), "output_size": (4, 3)})
        yield Sample((x, rois), {"rois": Slot(1), "output_size": 2, "convention": "caffe"})
        yield Sample((TensorType((1, 4, 1, 1)), TensorType((1, 1, 4))), {"rois": Slot(1), "output_size": 2})
        yield Sample((x, rois), {"rois": Slot(1), "output_size": 5}, code="E0407")
        yield from cls.refused_samples(12)


# ------------------------------------------------------------------------------------- helpers of the emitted source


def ps_roi_pool(x: Tensor, rois: Tensor, bins: tuple[int, int], scale: float, caffe: bool) -> Tensor:
    """The mean of each bin, from sums over all that lies above and left of a position."""
    b, _, height, width = x.shape
    sums = F.pad(x.to(torch.promote_types(x.dtype, torch.float32)).cumsum(2).cumsum(3), (1, 0, 1, 0))
    sums = sums.reshape(b, -1, bins[0] * bins[1], (height + 1) * (width + 1))
    corners = rois.detach().to(sums.dtype) * (1 if caffe else scale)
    corners = torch.where(corners < 0, (corners - 0.5).ceil(), (corners + 0.5).floor())  # half away from zero
    low, high = corners[..., :2], corners[..., 2:]
    if caffe:
        low, high = low * scale, (high + 1) * scale
    length = (high - low).clamp(min=0.1 if caffe else 1)
    last = 0 if caffe else 1
    rows = bin_ends(low[..., 1], length[..., 1], bins[0], height - last)
    columns = bin_ends(low[..., 0], length[..., 0], bins[1], width - last)
    found = []
    for row in rows:
        for column in columns:
            at = row[..., :, None] * (width + 1) + column[..., None, :]
            at = at.flatten(2).transpose(1, 2)[:, None].expand(-1, sums.shape[1], -1, -1)
            found.append(sums.gather(3, at))
    total = found[0] - found[1] - found[2] + found[3]
    places = (rows[1] - rows[0])[..., :, None] * (columns[1] - columns[0])[..., None, :]
    mean = total.reshape(*total.shape[:2], *bins, -1).permute(0, 4, 1, 2, 3) / places.clamp(min=1)[:, :, None]
    return mean.to(x.dtype)


def bin_ends(start: Tensor, length: Tensor, bins: int, most: int) -> tuple[Tensor, Tensor]:
    """Where the bins of each region start, and where they end, which is not included; ``most`` at most."""
    index = torch.arange(bins, device=start.device, dtype=start.dtype)
    part, start = length[..., None] / bins, start[..., None]
    low = (index * part + start).floor().clamp(0, most).long()
    high = ((index + 1) * part + start).ceil().clamp(0, most).long()
    return low, torch.maximum(low, high)
