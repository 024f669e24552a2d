"""What the backward of losses keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.ops.keeping import Backward, Kept, sizes_of, slots
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    from archdsl.ops.base import Types


def signs(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Of an absolute difference: the difference."""
    return Kept((), (), (inputs[op.input.index],))


def smooth(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Both sides; with no smooth part the difference."""
    return Kept(slots(op.input, op.target)) if op.beta else signs(op, inputs, outputs, backward)


def divergence(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The target; the input too, where the target is trained. Of a target in logarithms, its exponential."""
    x = inputs[op.input.index]
    if op.log_target:
        return Kept((), (), (x, x) if backward.wants(op.target) else (x,))
    return Kept(slots(op.input, op.target) if backward.wants(op.target) else slots(op.target))


def margin(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """What was multiplied, and what is left of the margin."""
    x = inputs[op.input.index]
    sides = [op.target] if backward.wants(op.input) else []
    sides += [op.input] if backward.wants(op.target) else []
    if op.reduction == "none":
        return Kept(slots(*sides), (0,))
    return Kept(slots(*sides), (), (x,))


def classes(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The target and the logarithms of the probabilities."""
    x, target = inputs[op.logits.index], inputs[op.target.index]
    own: tuple[TensorType, ...] = (x,)
    if not target.is_float:
        smoothed = getattr(op, "label_smoothing", 0)
        own += (TensorType(target.shape, "bool"),) if smoothed else ()
        return Kept(slots(op.target), (), own)
    if getattr(op, "label_smoothing", 0):
        return Kept((), (), (x, x) if backward.wants(op.logits) else own)
    return Kept(slots(op.target) if backward.wants(op.logits) else (), (), own)


def _is_copied(x: TensorType, dim: int) -> bool:
    """Whether the elements are out of order once ``dim`` is dim 1."""
    from archdsl.ops.strides import contiguous, is_contiguous

    shape = sizes_of(x)
    order = [d for d in range(len(shape)) if d != dim]
    order.insert(1, dim)
    strides = contiguous(shape)
    return not is_contiguous([shape[d] for d in order], [strides[d] for d in order])


def picked(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The target and the input, copied where its classes are not in dim 1 and there are not two more dims."""
    x = inputs[op.logits.index]
    if op.dim is not None and x.rank not in (2, 4) and _is_copied(x, op.dim % x.rank):
        return Kept(slots(op.target), (), (x,))
    return Kept(slots(op.logits, op.target))


def focal(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Both sides, and a number per element for each product on the way."""
    x = inputs[op.input.index]
    many = (5 if op.alpha is None else 6) + (1 if op.alpha is None else 2) * backward.wants(op.target)
    return Kept(slots(op.input, op.target), (), (x,) * many)


def boxes(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Both sets of boxes, and the corners and areas of what they share and span."""
    x = inputs[op.input.index]
    corner, area = TensorType((*x.shape[:-1], 2), x.dtype), TensorType(x.shape[:-1], x.dtype)
    return Kept(slots(op.input, op.target), (), (corner,) * 5 + (area,) * 7)
