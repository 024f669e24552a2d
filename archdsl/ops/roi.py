"""What the poolings of regions of interest share: a feature map, boxes on it, a grid of bins in each box."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from archdsl.ops import errors
from archdsl.ops.axes import numel
from archdsl.ops.base import Operator, Reach, Role, Sample, Slot, Types, broadcast_ints
from archdsl.ops.checker import Checker
from archdsl.ops.spatial import require_model_float
from archdsl.tensors import TensorType

Ints = int | tuple[int, ...]


class RoiPooling(Operator):
    """Features ``[B, C, H, W]`` and ``rois`` ``[B, R, 4]``: R boxes x1 y1 x2 y2 of each image, in its pixels.

    Caffe and torchvision write all boxes of a batch as rows of five, the image's number first. Rows of an image are
    gathered here, as many for each image, so that shapes are known: short lists are padded, and what is made of the
    padding is masked later.
    """

    role: ClassVar[Role] = "pool"

    rois: Slot
    output_size: Ints

    def bins(self) -> tuple[int, int]:
        """How many bins down and across."""
        found = broadcast_ints(self.output_size, 2)
        if found is None:
            raise errors.bad_argument(
                "output_size", f"{self.name}: output_size is a number or two, height and width"
            )
        return found[0], found[1]

    def operands(self, inputs: Types, sizes: Checker) -> tuple[TensorType, TensorType]:
        """The feature map and the boxes, refused where they don't fit."""
        x, rois = inputs[0], inputs[self.rois.index]
        for what, t, rank, want in (("", x, 4, "[B, C, H, W]"), (": the rois", rois, 3, "[B, R, 4]")):
            if t.rank != rank:
                raise errors.wrong_rank(f"{self.name}{what}", want, t)
            require_model_float(self.name, t)
        sizes.equal(rois.shape[0], x.shape[0], f"{self.name}: the images of {rois} and of {x}")
        sizes.equal(rois.shape[2], 4, "the numbers of a box, x1 y1 x2 y2")
        return x, rois

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """One per element of the result."""
        return numel(outputs[0])

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def caption(self, inputs: Types, outputs: Types) -> str:
        return f"{self.name} {'×'.join(map(str, self.bins()))}"

    @classmethod
    def refused_samples(cls, channels: int, **more: Any) -> Iterable[Sample]:
        """What every one of them refuses."""
        x, rois = TensorType((2, channels, 8, 9)), TensorType((2, 3, 4))
        words = {"rois": Slot(1), "output_size": 2, **more}
        yield Sample((x, TensorType((3, 3, 4))), words, code="E0401")
        yield Sample((x, TensorType((2, 3, 5))), words, code="E0401")
        yield Sample((x, TensorType((6, 5))), words, code="E0404")
        yield Sample((TensorType((2, channels, 8)), rois), words, code="E0404")
        yield Sample((x, TensorType((2, 3, 4), "int64")), words, code="E0405")
        yield Sample((x, rois), {**words, "output_size": (2, 2, 2)}, code="E0501")
