"""Non-maximum suppression with a fixed size: which boxes are the best of their place, as a mask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archdsl.ops import errors, passing
from archdsl.ops.axes import need_float, numel
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@operator
@dataclass(frozen=True)
class Nms(Operator):
    """Which boxes greedy non-maximum suppression keeps: going from the highest score down, a box is dropped where its
    intersection over union with one that was kept is greater than ``iou_threshold`` (``torchvision.ops.nms``).

    Shapes: boxes ``[..., N, 4]`` as x1 y1 x2 y2 and scores ``[..., N]`` to bool ``[..., N]``, each row by itself. The
    boxes stay where they are, so that sizes are known; of equal scores the first counts as higher. Padding keeps out
    of the way with scores below all others, and is masked afterwards. For classes that don't suppress each other:
    ``batched_nms``.

        input boxes: [B, 8, 4]
        input scores: [B, 8]
        nms(boxes, scores, 0.5)
    """

    name: ClassVar[str] = "nms"
    role: ClassVar[Role] = "index"
    takes_wire: ClassVar[bool] = False
    inside = passing.overlaps

    boxes: Slot = argument("tensor")
    scores: Slot = argument("tensor")
    iou_threshold: float = argument("float", 0.5, at_least=0, at_most=1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        boxes, scores = inputs[self.boxes.index], inputs[self.scores.index]
        need_float(self.name, boxes, scores)
        if boxes.rank < 2:
            raise errors.wrong_rank("nms", "boxes [.., N, 4]", boxes)
        sizes.equal(boxes.shape[-1], 4, "the numbers of a box, x1 y1 x2 y2")
        if scores.rank != boxes.rank - 1:
            raise errors.wrong_rank("nms", f"a score for each box of {boxes}", scores)
        for dim, (score, box) in enumerate(zip(scores.shape, boxes.shape, strict=False)):
            sizes.equal(score, box, f"dim {dim} of nms's scores {scores} and its boxes {boxes}")
        return TensorType(scores.shape, "bool")

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """One overlap for each pair of boxes."""
        (keep,) = outputs
        assert isinstance(keep.shape[-1], int)
        return numel(keep) * keep.shape[-1]

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(nms, (self.boxes, self.scores, self.iou_threshold))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        both = {"boxes": Slot(0), "scores": Slot(1)}
        boxes, scores = TensorType((2, 7, 4)), TensorType((2, 7))
        yield Sample((boxes, scores), both)
        yield Sample((TensorType((5, 4)), TensorType((5,))), {**both, "iou_threshold": 0.0})
        yield Sample((TensorType((2, 3, 1, 4)), TensorType((2, 3, 1))), {**both, "iou_threshold": 1.0})
        yield Sample((boxes, boxes), both, code="E0404")
        yield Sample((TensorType((4,)), TensorType(())), both, code="E0404")
        yield Sample((boxes, TensorType((2, 8))), both, code="E0401")
        yield Sample((TensorType((2, 7, 5)), scores), both, code="E0401")
        yield Sample((TensorType((2, 7, 4), "int64"), scores), both, code="E0405")


# ------------------------------------------------------------------------------------- helpers of the emitted source


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """The mask of the boxes that greedy suppression keeps."""
    order = scores.detach().argsort(dim=-1, descending=True, stable=True)
    ranked = boxes.detach().to(torch.promote_types(boxes.dtype, torch.float32))
    ranked = ranked.gather(-2, order[..., None].expand(boxes.shape))
    x1, y1, x2, y2 = ranked.unbind(-1)
    area = (x2 - x1) * (y2 - y1)
    wide = torch.minimum(x2[..., :, None], x2[..., None, :]) - torch.maximum(
        x1[..., :, None], x1[..., None, :]
    )
    high = torch.minimum(y2[..., :, None], y2[..., None, :]) - torch.maximum(
        y1[..., :, None], y1[..., None, :]
    )
    shared = wide.clamp(min=0) * high.clamp(min=0)
    union = area[..., :, None] + area[..., None, :] - shared
    kept = unsuppressed((shared / union > iou_threshold).triu(1))
    return torch.zeros_like(kept).scatter(-1, order, kept)


def unsuppressed(over: Tensor) -> Tensor:
    """Which of the ranked boxes stay, where ``over[.., j, i]`` says that j suppresses i if j itself stays.

    Each round settles at least the next box: once a round changes nothing, this is what going from box to box gives.
    """
    if torch.compiler.is_compiling():

        def unsettled(count: Tensor, kept: Tensor, before: Tensor) -> Tensor:
            return (count <= over.shape[-1]) & (kept != before).any()

        def settle(count: Tensor, kept: Tensor, before: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            return count + 1, ~(over & kept[..., None]).any(dim=-2), kept.clone()

        every = torch.ones_like(over[..., 0, :])
        start = torch.zeros((), dtype=torch.int64, device=over.device)
        state = (start, every, torch.zeros_like(every))
        found: list[Tensor] = torch.while_loop(unsettled, settle, state)  # type: ignore[no-untyped-call]
        return found[1]
    kept = ~over.any(dim=-2)
    while not over.is_meta:
        after = ~(over & kept[..., None]).any(dim=-2)
        if torch.equal(after, kept):
            break
        kept = after
    return kept
