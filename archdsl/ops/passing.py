"""What operators of several torch calls make on their way and let go again: the most that is there at once.

Each rule is a function that an operator's class takes for its method ``inside``, for an inference.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from archdsl.ops.keeping import Backward, count, numbers, sizes_of, slots
from archdsl.ops.keeping_products import is_fused
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    from archdsl.ops.base import Types


def nothing(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    return ()


def once_more(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """As much as the first input."""
    return (inputs[0],)


def twice_more(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """Twice as much as the first input: a result, and the one it is made of."""
    return (inputs[0], inputs[0])


def unit_length(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """The unit vectors that a scale multiplies, or the lengths alone."""
    (x,) = inputs
    if op.scale is not None:
        return (x,)
    dim = op.dim % x.rank
    return (TensorType((*x.shape[:dim], *x.shape[dim + 1 :]), x.dtype),)


def copies(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """What a product of many matrices repeats; a product with one matrix repeats nothing."""
    left, right = inputs[op.left.index], inputs[op.right.index]
    own: Types = op.kept(inputs, outputs, backward).own
    return own if left.rank > 2 and right.rank > 2 else ()


def scores(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """Of attention: the mask as numbers, where it is fused; else scaled queries and keys beside the scores, or the
    scores before and after their softmax."""
    q, k, v = (inputs[slot.index] for slot in (op.q, op.k, op.v))
    if is_fused(q, v, backward):
        asked = tuple(i in slots(op.q, op.k, op.v) for i in range(len(inputs)))  # a bias asks for none here
        own: Types = op.kept(inputs, outputs, replace(backward, inputs=asked)).own
        return own
    repeat = count(q) // max(count(k), 1) if q.rank > 3 and q.shape[-3] != k.shape[-3] else 1
    grid = count(TensorType((*q.shape[:-1], k.shape[-2])))
    out = count(outputs[0])
    most = max(count(q) + repeat * count(k) + grid, 2 * grid, grid + out) - out
    masks = grid // max(sizes_of(q)[0], 1) if op.mask is not None else 0
    return (numbers(max(most, 0), dtype=q.dtype), numbers(masks, dtype="bool"))


def overlaps(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """Of non-maximum suppression: what each pair of boxes shares and spans, and whether one leaves the other out."""
    *before, many, _ = sizes_of(inputs[0])
    return (
        numbers(5, *before, many, many, dtype=inputs[0].dtype),
        numbers(*before, many, many, dtype="bool"),
    )


def turned(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """Of rotary positions: angles, sines and cosines, and the halves before they are put together."""
    (x,) = inputs
    shape = sizes_of(x)
    dims = op.dims or shape[-1]
    return (numbers(3, shape[-2], dims // 2, dtype=x.dtype), TensorType((*shape[:-1], dims), x.dtype))


def distances(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """Of learned distances: the distances, their logarithms and buckets, all gone before the table is read."""
    pairs = 6 * 8 + 4
    return (numbers(max(op.queries * op.keys * (pairs - 4 * op.heads), 0), dtype="uint8"),)


def slopes(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """Of linear biases: the distances of all pairs, and a slope for each head."""
    return (numbers(2, op.queries, op.keys, dtype="int64"), numbers(op.heads, dtype="int64"))


def waves(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """Of sinusoidal tables: angles, sines and cosines."""
    half = (op.dim + 1) // 2
    return (numbers(3, op.length, half, dtype=outputs[0].dtype), numbers(half))


def steps(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """Of a recurrence that is written out: the gates of all steps, every output, and what a step makes."""
    batch, length, _ = sizes_of(inputs[0])
    gates = numbers(op.gates + 1, op.directions, length, batch, op.hidden_size, dtype=inputs[0].dtype)
    return (gates, numbers(1 if op.gates == 1 else 6, batch, op.hidden_size, dtype=inputs[0].dtype))


def sequence(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """Of a fused recurrence: the sequence turned round, and the states at both ends."""
    batch = sizes_of(inputs[0])[0]
    states = numbers(6 * op.layers * op.directions, batch, op.hidden_size, dtype=inputs[0].dtype)
    return (inputs[0], states)


def gates(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """Of one step: both products of each gate, and what is made of them, some of it in place."""
    many = {1: 2, 3: 7, 4: 6}[op.gates]
    return (numbers(many, *outputs[0].shape, dtype=outputs[0].dtype),)


def patches(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """What a convolution with kernels of its own everywhere writes out, the padded input, and the turned result."""
    return (*op.kept(inputs, outputs, backward).own, inputs[0], outputs[0])


def moved_patches(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """What a deformable convolution reads, and the places on the way to where it reads."""
    offset = inputs[op.offset.index]
    return (*op.kept(inputs, outputs, backward).own, offset, offset)
