"""What the backward of operators that read regions of a feature map keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.ops.keeping import NOTHING, Backward, Kept, numbers, sizes_of
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    from archdsl.ops.base import Types

_CORNERS = 4


def _bins(op: Any, inputs: Types) -> tuple[int, int, int, int]:
    """Samples, regions in each, and the bins of a region."""
    batch, regions, _ = sizes_of(inputs[op.rois.index])
    return (batch, regions, *op.bins())


def maxima(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The maxima of all windows whose sides are powers of two, and what each was chosen from; where bins look."""
    if not backward.inputs[0]:
        return NOTHING
    (x, y), bins = (inputs[0], outputs[0]), numbers(*_bins(op, inputs), dtype="int64")
    down, across = (size.bit_length() - 1 for size in sizes_of(x)[2:])
    chosen = 2 * down + (down + 1) * max(2 * across - 1, 0)
    table = TensorType(((down + 1) * (across + 1), *x.shape), x.dtype)
    looked = (bins,) * _CORNERS
    found = (y,) * (2 * _CORNERS - 2)
    empty = numbers(*bins.shape, dtype="bool")
    return Kept((0,) if down or across else (), (), ((x,) * chosen) + (table, *looked, *found, empty))


def points(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Where the points of the bins lie, what was read there, which of them count; or the weights of all positions."""
    if not backward.inputs[0]:
        return NOTHING
    x = inputs[0]
    batch, regions, down, across = _bins(op, inputs)
    if op.sampling_ratio is None:
        _, _, height, width = sizes_of(x)
        rows = numbers(batch, regions, down, height, dtype=x.dtype)
        return Kept((), (), (rows, numbers(batch, regions, across, width, dtype=x.dtype)))
    places = (regions, down * op.sampling_ratio, across * op.sampling_ratio)
    read = TensorType((batch, x.shape[1], *places), x.dtype)
    return Kept((0,), (), (numbers(batch, *places, 2), read, numbers(batch, *places, dtype="bool")))


def sums(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """The sums over all that lies above and left of a position, where bins look, and how many positions each has."""
    if not backward.inputs[0]:
        return NOTHING
    batch, channels, height, width = sizes_of(inputs[0])
    bins = numbers(*_bins(op, inputs), dtype="int64")
    return Kept((), (), (numbers(batch, channels, height + 1, width + 1), *(bins,) * (_CORNERS + 1)))


# --------------------------------------------------------------------------- what is there at once in an inference


def maxima_made(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """The maxima of all windows, one by one and put together."""
    x = inputs[0]
    down, across = (size.bit_length() for size in sizes_of(x)[2:])
    return (TensorType((2 * down * across, *x.shape), x.dtype),)


def points_made(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """What is read at the points, before and after it is masked; or what the weights of rows leave."""
    x = inputs[0]
    batch, regions, down, across = _bins(op, inputs)
    own = points(op, inputs, outputs, backward).own
    if op.sampling_ratio is None:
        left = numbers(2, batch, regions, sizes_of(x)[1], down, sizes_of(x)[3], dtype=x.dtype)
        return (*own, left)
    places = (regions, down * op.sampling_ratio, across * op.sampling_ratio)
    return (*own, TensorType((batch, x.shape[1], *places), x.dtype))


def sums_made(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Types:
    """The sums before and after they are given an edge."""
    batch, channels, height, width = sizes_of(inputs[0])
    return (inputs[0], numbers(batch, channels, height + 1, width + 1))
