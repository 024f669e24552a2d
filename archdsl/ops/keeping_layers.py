"""What the backward of convolutions, norms, pools and noise keeps."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from archdsl.ops.keeping import NOTHING, Backward, Kept, count, numbers, sizes_of
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    from archdsl.ops.base import Types

_ROW = 2  # the mean and the inverse deviation of what is normalised together


def _size(x: TensorType, dim: int) -> int:
    size = x.shape[dim]
    assert isinstance(size, int)
    return size


# ------------------------------------------------------------------------------------------------------ convolutions


def convolution(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The input; where its border is mirrored, repeated or wrapped round, the padded one."""
    (x,) = inputs
    if op.padding_mode == "zeros":
        return Kept((0,))
    _, _, padding, _ = op._window(x.rank - 2)
    sides = (_size(x, 2 + i) + 2 * p for i, p in enumerate(padding))
    padded = TensorType((*x.shape[:2], *sides), x.dtype)
    return Kept((0,) if op.padding_mode != "circular" and backward.inputs[0] else (), (), (padded,))


def patches(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Of a convolution with kernels of its own everywhere: every patch, written out."""
    (x,) = inputs
    (weight, *_) = op.weights(inputs)
    positions, columns, _ = weight.shape
    return Kept((), (), (TensorType((positions, x.shape[0], columns), x.dtype),))


def moved_patches(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Of a deformable convolution: what was read, where, and what the mask multiplied."""
    x, offset = inputs[0], inputs[op.offset.index]
    batch, height, width = _size(x, 0), _size(offset, 2), _size(offset, 3)
    points = prod(op._window()[0])
    read = TensorType((batch, _size(x, 1) * points, height * width), x.dtype)
    grid = TensorType((batch, _size(offset, 1) // 2, height * width, 2), x.dtype)
    by_groups = () if op.groups == 1 else (TensorType((batch, *op.weights(inputs)[0].shape), x.dtype),)
    masked = backward.wants(op.mask) if op.mask is not None else False
    asked = backward.inputs[0] or backward.wants(op.offset)
    own: list[TensorType] = [read] if backward.weights else []
    own += list(by_groups) if asked or masked else []
    if asked:
        own.append(grid)
    if masked:
        own.append(read)
    kept = [0] if asked else []
    if op.mask is not None and asked:
        kept.append(op.mask.index)
    return Kept(tuple(kept), (), tuple(own))


# ------------------------------------------------------------------------------------------------------------- norms


def batch_norm(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The input, and in training the statistics of the batch."""
    (x,) = inputs
    of_batch = backward.training or not getattr(op, "track_running_stats", True)
    return Kept((0,), (), (numbers(x.shape[1]),) * _ROW if of_batch else ())


def batch_or_layer_norm(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Of the norm that goes by where the features are."""
    (x,) = inputs
    if x.features == "first":
        return batch_norm(op, inputs, outputs, backward)
    return Kept((0,), (), (numbers(*x.shape[:-1], 1),) * _ROW)


def layer_norm(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    (x,) = inputs
    return Kept((0,), (), (TensorType(x.shape[: x.rank - op.dims], x.dtype),) * _ROW)


def rms_norm(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The input in single precision, one number for each row, and the normalised input where a weight multiplies it."""
    (x,) = inputs
    low = x.dtype in ("float16", "bfloat16")
    exact = TensorType(x.shape, "float32" if low else x.dtype)
    row = TensorType(x.shape[: x.rank - op.dims], exact.dtype)
    normalised = (exact,) if backward.weights else ()
    if not backward.inputs[0]:
        return Kept((), (), normalised)
    return Kept(() if low else (0,), (), (row, *normalised, *((exact,) if low else ())))


def group_norm(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    (x,) = inputs
    return Kept((0,), (), (TensorType((x.shape[0], op.groups), x.dtype),) * _ROW)


def instance_norm(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """As batch norm on each sample alone; weight and running statistics are repeated for that."""
    (x,) = inputs
    of_sample = backward.training or not op.track_running_stats
    row = TensorType((_size(x, 0) * _size(x, 1),), x.dtype)
    many = (_ROW if of_sample else 0) + op.affine + (2 if op.track_running_stats else 0)
    return Kept((0,), (), (row,) * many)


def response_norm(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The input, the padded squares, the sum over neighbours and its power."""
    (x,) = inputs
    padded = TensorType((x.shape[0], _size(x, 1) + op.size - 1, *x.shape[2:]), x.dtype)
    return Kept((0,), (), (padded, x, x))


def unit_length(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The input and its lengths, before and after they are kept from zero; what a learned scale multiplies."""
    (x,) = inputs
    dim = op.dim % x.rank
    lengths = TensorType((*x.shape[:dim], *x.shape[dim + 1 :]), x.dtype)
    scaled = (x,) if op.scale is not None and backward.weights else ()
    return Kept((0,), (), (lengths, lengths, *scaled)) if backward.inputs[0] else Kept((), (), scaled)


def power_norm(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """What is normalised, and one number for each channel."""
    (x,) = inputs
    channels = 1 if x.features == "first" else x.rank - 1
    size = op.weights(inputs)[0].shape[0] if op.weights(inputs) else _size(x, channels)
    normalised = (x,) if backward.weights else ()
    return Kept((), (), (*normalised, numbers(size)) if backward.inputs[0] else normalised)


# ------------------------------------------------------------------------------------------------------ pools, noise


def adaptive_average(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The input, unless all of it is averaged."""
    spatial = outputs[0].shape[2:]
    return NOTHING if all(size == 1 for size in spatial) and len(spatial) < 3 else Kept((0,))


def resized(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Nothing; by areas it is an adaptive pool."""
    return adaptive_average(op, inputs, outputs, backward) if op.mode == "area" else NOTHING


def padded(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The input where its border is mirrored or repeated."""
    return Kept((0,)) if op.mode in ("reflect", "replicate") else NOTHING


def is_quiet(op: Any, training: bool) -> bool:
    """Whether noise does nothing: at inference, and at a rate that is known to be zero."""
    return not training or (isinstance(op.p, int | float) and op.p == 0)


def _keeps_no_mask(op: Any, training: bool) -> bool:
    """Whether nothing is drawn; all is dropped at a rate of one, without a mask."""
    return is_quiet(op, training) or (isinstance(op.p, int | float) and op.p == 1)


def elements_dropped(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """What each element was multiplied with."""
    return NOTHING if _keeps_no_mask(op, backward.training) else Kept((), (), outputs)


def channels_dropped(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """What each channel was multiplied with."""
    (x,) = inputs
    mask = TensorType(x.shape[:2], x.dtype)
    return NOTHING if _keeps_no_mask(op, backward.training) else Kept((), (), (mask,))


def samples_dropped(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """What each sample was multiplied with."""
    (x,) = inputs
    mask = TensorType(x.shape[:1], x.dtype)
    return NOTHING if is_quiet(op, backward.training) else Kept((), (), (mask,))


def products_over_dims(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """A product over several dims is taken one at a time, from the last: the input of each, and the result of all."""
    (x,) = inputs
    shape, between = list(x.shape), []
    for dim in sorted(op.dims(x), reverse=True):
        del shape[dim]
        between.append(TensorType(tuple(shape), x.dtype))
    return Kept((0,), (0,), tuple(between[:-1]))


def wrapped(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """What the wrapped operator keeps, and the weight that was made for it, with what that was made from."""
    kept: Kept = op.inner.kept(inputs, outputs, backward)
    weight, _, _ = op.split(inputs)
    made = TensorType(weight.shape, weight.dtype)
    return Kept(kept.inputs, kept.outputs, (*kept.own, made))


def spread(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """What a reduction of a pattern keeps: nothing for sums, what was compared or multiplied otherwise."""
    if op.op in ("sum", "mean"):
        return NOTHING
    if op.op != "prod":
        return Kept((0,), (0,))
    (x,), (y,) = inputs, outputs
    sizes = list(sizes_of(x))
    between: list[TensorType] = []
    while sizes and prod(sizes[:-1]) > count(y):
        sizes.pop()
        between.append(TensorType(tuple(sizes), x.dtype))
    return Kept((0,), (0,), tuple(between))
