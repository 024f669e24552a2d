"""Memory of sums over indices: each product of two is a batched matrix product of operands regrouped for it.

PyTorch puts the axes of both sides in groups: those that both have and the result keeps, those of one side, those
summed over. A side whose axes don't lie like that in memory is copied. Axes that only one side has, and the result
not, are summed before; where then nothing is left to sum over, the two are multiplied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from archdsl.ops.keeping import NOTHING, Backward, Kept, numbers, sizes_of
from archdsl.ops.strides import View, contiguous, merged

if TYPE_CHECKING:
    from archdsl.ops.base import Types


@dataclass(frozen=True)
class _Operand:
    """Sizes and strides by axis; axes of one element are left out. ``source`` is an input, or None for a new tensor."""

    sizes: Mapping[str, int]
    strides: Mapping[str, int]
    source: int | None
    asked: bool

    @property
    def count(self) -> int:
        return prod(self.sizes.values())


@dataclass(frozen=True)
class _Walk:
    kept: tuple[int, ...]
    own: tuple[int, ...]
    result: _Operand


def contraction(op: Any, inputs: Types, outputs: Types, backward: Backward) -> Kept:
    """Each operand where another's gradient is asked for, copied where it had to be regrouped."""
    if len(inputs) < 2:
        return NOTHING
    walk = _walk(op, inputs, backward)
    dtype = outputs[0].dtype
    return Kept(tuple(sorted(set(walk.kept))), (), tuple(numbers(count, dtype=dtype) for count in walk.own))


def result_view(op: Any, inputs: Types, outputs: Types, backward: Backward) -> View:
    """How the result lies: a view of the last product, whose groups have an order of their own."""
    _, result = op._expanded(inputs)
    walk = _walk(op, inputs, backward)
    sizes, strides = sizes_of(outputs[0]), walk.result.strides
    return View(walk.result.source, tuple(strides.get(axis, 1) for axis in result) if sizes else ())


def _walk(op: Any, inputs: Types, backward: Backward) -> _Walk:
    terms, _ = op._expanded(inputs)
    operands = [
        _operand(term, sizes_of(inputs[slot.index]), _strides(backward, inputs, slot.index), slot.index,
                 backward.wants(slot))
        for term, slot in zip(terms, op.tensors, strict=True)
    ]  # fmt: skip
    if len(operands) == 1:
        return _Walk((), (), operands[0])
    kept: list[int] = []
    own: list[int] = []
    left = operands[0]
    for (_, _, out), right in zip(op._steps(inputs), operands[1:], strict=True):
        left = _product(left, right, out, kept, own)
    return _Walk(tuple(kept), tuple(own), left)


def _strides(backward: Backward, inputs: Types, index: int) -> tuple[int, ...]:
    return backward.strides[index] if backward.strides else contiguous(sizes_of(inputs[index]))


def _operand(
    term: tuple[str, ...], shape: tuple[int, ...], strides: tuple[int, ...], source: int, asked: bool
) -> _Operand:
    sizes: dict[str, int] = {}
    steps: dict[str, int] = {}
    for axis, size, stride in zip(term, shape, strides, strict=True):
        steps[axis] = steps.get(axis, 0) + stride  # twice in one term: a diagonal
        sizes[axis] = size
    alive = [axis for axis, size in sizes.items() if size != 1]
    return _Operand({a: sizes[a] for a in alive}, {a: steps[a] for a in alive}, source, asked)


def _product(
    left: _Operand, right: _Operand, out: tuple[str, ...], kept: list[int], own: list[int]
) -> _Operand:
    left, right = _summed(left, right, out), _summed(right, left, out)
    both = [axis for axis in out if axis in left.sizes and axis in right.sizes]
    ours = [axis for axis in out if axis in left.sizes and axis not in right.sizes]
    theirs = [axis for axis in out if axis in right.sizes and axis not in left.sizes]
    over = [axis for axis in left.sizes if axis in right.sizes and axis not in out]
    asked = left.asked or right.asked
    sizes = {**left.sizes, **right.sizes}
    if not over:
        for side, other in ((left, right), (right, left)):
            if other.asked:
                _keep(side, True, kept, own)
        order = [axis for axis in out if axis in sizes]
    else:
        groups = ((left, right, (both, ours, over)), (right, left, (both, over, theirs)))
        for side, other, parts in groups:
            if other.asked:
                _keep(side, all(_together(side, part) for part in parts), kept, own)
        order = [*both, *ours, *theirs]
    found = {axis: sizes[axis] for axis in order}
    strides = dict(zip(order, contiguous([sizes[axis] for axis in order]), strict=True))
    return _Operand(found, strides, None, asked)


def _summed(side: _Operand, other: _Operand, out: tuple[str, ...]) -> _Operand:
    """Without the axes that only this side has, and the result not."""
    stay = [axis for axis in side.sizes if axis in out or axis in other.sizes]
    if len(stay) == len(side.sizes):
        return side
    sizes = {axis: side.sizes[axis] for axis in stay}
    strides = dict(zip(stay, contiguous(list(sizes.values())), strict=True))
    return _Operand(sizes, strides, None, side.asked)


def _together(side: _Operand, axes: list[str]) -> bool:
    """Whether these axes, in this order, can be taken as one without a copy."""
    sizes, strides = [side.sizes[axis] for axis in axes], [side.strides[axis] for axis in axes]
    return not axes or merged(sizes, strides, 0, len(axes) - 1) is not None


def _keep(side: _Operand, as_it_is: bool, kept: list[int], own: list[int]) -> None:
    if side.source is not None and as_it_is:
        kept.append(side.source)
    else:
        own.append(side.count)
