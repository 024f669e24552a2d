"""What the backward of matrix products, attention and position codes keeps."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from archdsl.ops.keeping import NOTHING, Backward, Kept, numbers, sizes_of, slots
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    from archdsl.ops.base import Types


def _merged(x: TensorType, strides: tuple[int, ...], last: int) -> bool:
    from archdsl.ops.strides import merged

    return merged(sizes_of(x), strides, 0, last) is not None


def _rows_together(x: TensorType, strides: tuple[int, ...] | None) -> bool:
    """Whether all dims but the last can be taken as one without a copy."""
    return x.rank < 3 or strides is None or _merged(x, strides, x.rank - 2)


def _strides(backward: Backward, index: int) -> tuple[int, ...] | None:
    return backward.strides[index] if backward.strides else None


def linear(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The input for the weight's gradient, copied where its rows don't lie together."""
    (x,) = inputs
    if not backward.weights:
        return NOTHING
    return Kept((0,)) if _rows_together(x, _strides(backward, 0)) else Kept((), (), (x,))


def matrix_product(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Each side where the other's gradient is asked for; a copy where one is repeated or regrouped."""
    left, right = inputs[op.left.index], inputs[op.right.index]
    kept: list[int] = []
    own: list[TensorType] = []
    for slot, x, other, asked in (
        (op.left, left, right, backward.wants(op.right)),
        (op.right, right, left, backward.wants(op.left)),
    ):
        if not asked:
            continue
        strides = _strides(backward, slot.index)
        if x.rank <= 2:
            repeated = 1
        elif other.rank <= 2:
            # The dims before the last are taken as one; a matrix on the left is so only once turned round.
            turned = x is right and other is left and slot is op.right
            repeated = 0 if turned or not _rows_together(x, strides) else 1
        else:
            whole, mine = prod(sizes_of(outputs[0])[: outputs[0].rank - 2]), prod(sizes_of(x)[:-2])
            repeated = 1 if whole == mine and _batch_together(x, strides) else 0
            if not repeated:
                own.append(TensorType((whole, *x.shape[-2:]), x.dtype))
                continue
        if repeated:
            kept.append(slot.index)
        else:
            own.append(x)
    return Kept(tuple(dict.fromkeys(kept)), (), tuple(own))


def _batch_together(x: TensorType, strides: tuple[int, ...] | None) -> bool:
    return x.rank < 4 or strides is None or _merged(x, strides, x.rank - 3)


# --------------------------------------------------------------------------------------------------------- attention


def is_fused(q: TensorType, v: TensorType, backward: Backward) -> bool:
    """Whether PyTorch has a kernel that never writes the scores down: with heads, all features as many."""
    return backward.fused and q.rank == 4 and q.shape[-1] == v.shape[-1]


def attention(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Fused: queries, keys, values, the output, and a number for each query; else the weights, written out."""
    from archdsl.ops.mask_tensors import never_empty
    from archdsl.ops.masks import Causal

    q, k, v = (inputs[slot.index] for slot in (op.q, op.k, op.v))
    queries, keys = q.shape[-2], k.shape[-2]
    scores = TensorType((*q.shape[:-1], keys), q.dtype)
    mask_shape = _mask_shape(op, inputs)
    plain = isinstance(op.mask, Causal) and op.bias is None
    empty = op.mask is not None and not never_empty(op.mask, queries, keys)
    # A bias whose gradient is asked for, and no kernel that gives one: PyTorch takes the scores apart.
    fused = is_fused(q, v, backward) and not backward.wants(op.bias)
    own: list[TensorType] = []
    masked = mask_shape is not None and (not plain or empty)
    if empty and mask_shape is not None:
        own.append(TensorType((*mask_shape[:-1], 1), "bool"))
    if backward.wants(op.bias) and op.mask is not None and mask_shape is not None:
        own.append(TensorType(mask_shape, "bool"))
    if fused:
        if masked and mask_shape is not None:
            bias = _bias_shape(op, inputs, mask_shape)
            own.append(TensorType(bias, q.dtype))
        elif op.bias is not None:
            return Kept(slots(op.q, op.k, op.v, op.bias), (0,), (*own, numbers(*q.shape[:-1])))
        own.append(numbers(*q.shape[:-1]))
        if empty:
            return Kept(slots(op.q, op.k, op.v), (), (*own, *outputs))
        return Kept(slots(op.q, op.k, op.v), (0,), tuple(own))
    return _written_out(op, (q, k, v), scores, backward, own)


def _written_out(
    op: Any, tensors: Types, scores: TensorType, backward: Backward, own: list[TensorType]
) -> Kept:
    q, k, v = tensors
    repeat = _size(q, -3) // _size(k, -3) if q.rank > 3 else 1
    through = backward.wants(op.q) or backward.wants(op.k)
    slopes = through or backward.wants(op.bias)
    if backward.wants(op.k):
        own.append(q)
    if backward.wants(op.q):
        own += [k] * repeat
    dropped = op.dropout > 0 and backward.training
    if slopes or backward.wants(op.v):
        own.append(scores)
    if dropped and slopes:
        own += [scores] * (2 if backward.wants(op.v) else 1)
    if not slopes:
        return Kept((), (), tuple(own))
    if repeat > 1:
        return Kept((), (), (*own, *[v] * repeat))
    return Kept(slots(op.v), (), tuple(own))


def _size(x: TensorType, dim: int) -> int:
    size = x.shape[dim]
    assert isinstance(size, int)
    return size


def _mask_shape(op: Any, inputs: Types) -> tuple[Any, ...] | None:
    """The shape of the tensor that says who sees whom, as far as it is written out."""
    from archdsl.ops.mask_tensors import written_shape

    if op.mask is None:
        return None
    return written_shape(op.mask, inputs[op.q.index], inputs[op.k.index], inputs)


def _bias_shape(op: Any, inputs: Types, mask: tuple[Any, ...]) -> tuple[Any, ...]:
    """The shape of the mask with the bias in it."""
    if op.bias is None:
        return mask
    bias = inputs[op.bias.index].shape
    rank = max(len(mask), len(bias))
    sides = [(1,) * (rank - len(shape)) + tuple(shape) for shape in (mask, bias)]
    return tuple(max(a, b) for a, b in zip(*sides, strict=True))


# --------------------------------------------------------------------------------------------------------- positions


def turned(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Of rotary positions: the sines and cosines."""
    (x,) = inputs
    table = TensorType((_size(x, -2), (op.dims or _size(x, -1)) // 2), x.dtype)
    return Kept((), (), (table, table))


def buckets(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Of learned distances: which bucket each pair is in."""
    return Kept((), (), (numbers(op.queries, op.keys, dtype="int64"),))
