"""Losses of object detectors: of many scores that are mostly negative, and of boxes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archdsl.ops import errors, keeping_losses, passing
from archdsl.ops.base import Fn, Lowered, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.losses import PairLoss, reduced, with_option
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.nn import functional as F


@operator
@dataclass(frozen=True)
class Focal(PairLoss):
    """``-alpha_t (1 - p_t) ** gamma log(p_t)`` with ``p = sigmoid(input)``, and ``p_t = p``, ``alpha_t = alpha`` where
    the target is 1, else ``1 - p`` and ``1 - alpha`` (Lin et al., 2017; torchvision's ``sigmoid_focal_loss``).
    ``alpha=none`` weighs both alike.

    Shapes: twice ``[...]`` to ``[]``, or to ``[...]`` with ``reduction="none"``.

        input x: [B, 10]
        input y: [B, 10]
        focal(x, y)
    """

    name: ClassVar[str] = "focal"
    kept = keeping_losses.focal
    inside = passing.nothing

    alpha: float | None = argument("float", 0.25, at_least=0, at_most=1, optional=True)
    gamma: float = argument("float", 2.0, at_least=0)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        keywords = {"alpha": self.alpha, "gamma": self.gamma}
        return reduced(Fn(focal_loss, (self.input, self.target), keywords), self.reduction)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield from with_option(super().samples(), alpha=None, gamma=0.0)
        yield from with_option(super().samples(), alpha=0.75, gamma=1.5)


@operator
@dataclass(frozen=True)
class Giou(PairLoss):
    """``1 - GIoU`` of boxes ``[x1, y1, x2, y2]``: the share of the union that they don't share, and how much of the
    smallest box around both is empty (Rezatofighi et al., 2019; torchvision's ``generalized_box_iou_loss``).

    Shapes: twice ``[..., 4]`` to ``[]``, or to ``[...]`` with ``reduction="none"``.

        input x: [B, 4]
        input y: [B, 4]
        giou(x, y)
    """

    name: ClassVar[str] = "giou"
    kept = keeping_losses.boxes
    inside = passing.nothing

    eps: float = argument("float", 1e-7, above=0, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        x, _ = self.operands(inputs, sizes)
        if not x.rank:
            raise errors.wrong_rank("giou", "boxes [.., 4]", x)
        sizes.equal(x.shape[-1], 4, "the numbers of a box, x1 y1 x2 y2")
        return x.with_shape(x.shape[:-1] if self.reduction == "none" else ())

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return reduced(Fn(giou_loss, (self.input, self.target), {"eps": self.eps}), self.reduction)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        pair = {"input": Slot(0), "target": Slot(1)}
        yield Sample((TensorType((3, 5)), TensorType((3, 5))), pair, code="E0401")
        yield Sample((TensorType(()), TensorType(())), pair, code="E0404")
        yield Sample(
            (TensorType((2, 3, 4)), TensorType((2, 3, 4))), {**pair, "eps": 1e-6, "reduction": "none"}
        )


# ------------------------------------------------------------------------------------- helpers of the emitted source


def focal_loss(logits: Tensor, target: Tensor, alpha: float | None, gamma: float) -> Tensor:
    """The focal loss of each element, from logits."""
    p = torch.sigmoid(logits)
    p_t = p * target + (1 - p) * (1 - target)
    loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none") * (1 - p_t) ** gamma
    if alpha is None:
        return loss
    return (alpha * target + (1 - alpha) * (1 - target)) * loss


def giou_loss(boxes: Tensor, target: Tensor, eps: float) -> Tensor:
    """``1 - GIoU`` of each pair of boxes."""
    low, high = torch.maximum(boxes[..., :2], target[..., :2]), torch.minimum(boxes[..., 2:], target[..., 2:])
    shared = (high - low).clamp(min=0).prod(dim=-1)
    areas = [(b[..., 2:] - b[..., :2]).prod(dim=-1) for b in (boxes, target)]
    union = areas[0] + areas[1] - shared
    low, high = torch.minimum(boxes[..., :2], target[..., :2]), torch.maximum(boxes[..., 2:], target[..., 2:])
    around = (high - low).prod(dim=-1)
    return 1 - shared / (union + eps) + (around - union) / (around + eps)
