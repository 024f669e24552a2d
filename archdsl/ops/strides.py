"""Where the elements of a tensor lie in memory: strides, and what operators that only look elsewhere make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

from archdsl.ops.base import Fn, Lowered, Slot
from archdsl.ops.keeping import Backward, sizes_of
from archdsl.ops.keeping_layers import is_quiet

if TYPE_CHECKING:
    from archdsl.ops.base import Operator, Types

Shape = tuple[int, ...]
Strides = tuple[int, ...]


@dataclass(frozen=True)
class View:
    """One output: the input whose storage it looks into (None: a storage of its own), and its strides."""

    source: int | None
    strides: Strides


@dataclass(frozen=True)
class _Seen:
    shape: Shape
    strides: Strides
    source: int | None


def contiguous(shape: Sequence[int]) -> Strides:
    """The strides of a tensor whose elements follow each other in the order of its dims."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def is_contiguous(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements lie in the order of the dims, dims of one element aside."""
    return all(
        size == 1 or a == b for size, a, b in zip(shape, strides, contiguous(shape), strict=True)
    ) or not prod(shape)


def is_dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements fill their stretch of memory, in whatever order."""
    step = 1
    for stride, size in sorted((b, a) for a, b in zip(shape, strides, strict=True) if a != 1):
        if stride != step:
            return False
        step *= size
    return True


def like(shape: Sequence[int], strides: Sequence[int]) -> Strides:
    """The strides of a new tensor that an elementwise function makes of one: the same order where that is dense."""
    return tuple(strides) if is_dense(shape, strides) else contiguous(shape)


def channels_last(shape: Sequence[int]) -> Strides:
    """The strides of ``[B, C, *spatial]`` whose channels lie innermost."""
    batch, channels, *spatial = shape
    inner = contiguous((batch, *spatial, channels))
    return (inner[0], inner[-1], *inner[1:-1])


def is_channels_last(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether a convolution takes the tensor for one whose channels lie innermost."""
    if len(shape) not in (4, 5) or is_contiguous(shape, strides):
        return False
    wanted = channels_last(shape)
    return all(size == 1 or a == b for size, a, b in zip(shape, strides, wanted, strict=True))


def merged(shape: Sequence[int], strides: Sequence[int], first: int, last: int) -> int | None:
    """The stride of dims ``first`` to ``last`` taken as one; None where that needs a copy."""
    dims = [(shape[i], strides[i]) for i in range(first, last + 1) if shape[i] != 1]
    for (_, outer), (size, inner) in pairwise(dims):
        if outer != size * inner:
            return None
    return dims[-1][1] if dims else 1


def view_of(lowered: Lowered, shapes: Sequence[Shape], strides: Sequence[Strides]) -> tuple[View, ...] | None:
    """What a lowering made of nothing but views gives: for each output. None for any other lowering."""
    if isinstance(lowered, Fn) and lowered.target in ("torch.split", "torch.chunk"):
        seen = _seen(lowered.args[0], shapes, strides)
        return None if seen is None else (View(seen.source, seen.strides),) * 10_000
    seen = _seen(lowered, shapes, strides)
    return None if seen is None else (View(seen.source, seen.strides),)


def _seen(node: Any, shapes: Sequence[Shape], strides: Sequence[Strides]) -> _Seen | None:
    if isinstance(node, Slot):
        return _Seen(shapes[node.index], strides[node.index], node.index)
    if not isinstance(node, Fn) or not isinstance(node.target, str) or not node.args:
        return None
    step = _STEPS.get(node.target)
    if step is None:
        return None
    seen = _seen(node.args[0], shapes, strides)
    return None if seen is None else step(seen, *node.args[1:], **node.kwargs)


def _transpose(x: _Seen, a: int, b: int) -> _Seen:
    order = list(range(len(x.shape)))
    order[a], order[b] = order[b], order[a]
    return _permute(x, *order)


def _permute(x: _Seen, *dims: Any) -> _Seen:
    order = dims[0] if len(dims) == 1 and isinstance(dims[0], tuple | list) else dims
    return _Seen(tuple(x.shape[d] for d in order), tuple(x.strides[d] for d in order), x.source)


def _unsqueeze(x: _Seen, dim: int) -> _Seen:
    at = dim % (len(x.shape) + 1)
    step = x.shape[at] * x.strides[at] if at < len(x.shape) else 1
    return _Seen((*x.shape[:at], 1, *x.shape[at:]), (*x.strides[:at], step, *x.strides[at:]), x.source)


def _squeeze(x: _Seen, dim: Any) -> _Seen:
    rank = len(x.shape)
    gone = {d % rank for d in (dim if isinstance(dim, tuple | list) else (dim,)) if x.shape[d] == 1}
    keep = [d for d in range(rank) if d not in gone]
    return _Seen(tuple(x.shape[d] for d in keep), tuple(x.strides[d] for d in keep), x.source)


def _unflatten(x: _Seen, dim: int, sizes: Sequence[int]) -> _Seen:
    at = dim % len(x.shape)
    known = prod(size for size in sizes if size != -1)
    sizes = tuple(x.shape[at] // known if size == -1 else size for size in sizes)
    inner = tuple(step * x.strides[at] for step in contiguous(sizes))
    return _Seen(
        (*x.shape[:at], *sizes, *x.shape[at + 1 :]),
        (*x.strides[:at], *inner, *x.strides[at + 1 :]),
        x.source,
    )


def _flatten(x: _Seen, start_dim: int = 0, end_dim: int = -1) -> _Seen:
    rank = len(x.shape)
    if not rank:
        return _Seen((1,), (1,), x.source)
    first, last = start_dim % rank, end_dim % rank
    shape = (*x.shape[:first], prod(x.shape[first : last + 1]), *x.shape[last + 1 :])
    stride = merged(x.shape, x.strides, first, last)
    if stride is None:
        return _Seen(shape, contiguous(shape), None)
    return _Seen(shape, (*x.strides[:first], stride, *x.strides[last + 1 :]), x.source)


def _narrow(x: _Seen, dim: int, start: int, length: int) -> _Seen:
    at = dim % len(x.shape)
    return _Seen((*x.shape[:at], length, *x.shape[at + 1 :]), x.strides, x.source)


def _select(x: _Seen, dim: int, index: int) -> _Seen:
    at = dim % len(x.shape)
    return _Seen((*x.shape[:at], *x.shape[at + 1 :]), (*x.strides[:at], *x.strides[at + 1 :]), x.source)


def _expand(x: _Seen, *sizes: Any) -> _Seen:
    wanted = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else sizes
    new = len(wanted) - len(x.shape)
    shape = tuple(x.shape[i - new] if size == -1 else size for i, size in enumerate(wanted))
    strides = tuple(
        0 if i < new or x.shape[i - new] != size else x.strides[i - new] for i, size in enumerate(shape)
    )
    return _Seen(shape, strides, x.source)


def _same(x: _Seen) -> _Seen:
    return x


_STEPS: dict[str, Any] = {
    ".transpose": _transpose, ".permute": _permute, ".unsqueeze": _unsqueeze, ".squeeze": _squeeze,
    ".unflatten": _unflatten, ".flatten": _flatten, ".narrow": _narrow, ".select": _select,
    ".expand": _expand, ".detach": _same,
}  # fmt: skip


# --------------------------------------------------------------------------------------------- what an operator gives

_ELEMENTWISE = ("activation", "arithmetic", "regularisation", "merge")
_SPATIAL = ("convolution", "pool", "normalisation", "resample")


def outputs_of(
    op: Operator, inputs: Types, outputs: Types, strides: Sequence[Strides], training: bool, fused: bool
) -> tuple[View, ...]:
    """For each output of an operator: whose storage it looks into, and its strides."""
    shapes = [sizes_of(x) for x in inputs]
    results = [sizes_of(y) for y in outputs]
    if op.role == "regularisation" and is_quiet(op, training):
        return (View(0, tuple(strides[0])),)
    if op.name == "center_crop":
        return (View(0, tuple(strides[0])),)
    if op.name == "einsum":
        from archdsl.ops.contractions import result_view

        return (result_view(op, inputs, outputs, Backward((False,) * len(inputs), strides=tuple(strides))),)
    if op.role in ("shape", "index", "arithmetic"):
        seen = view_of(op.lower(inputs, outputs), shapes, strides)
        if seen is not None:
            return seen[: len(outputs)]
    return tuple(View(None, _new(op, shapes, strides, y, fused)) for y in results)


def _new(
    op: Operator, shapes: Sequence[Shape], strides: Sequence[Strides], shape: Shape, fused: bool
) -> Strides:
    if op.role in _ELEMENTWISE:
        for given, found in zip(shapes, strides, strict=True):
            if given == shape:
                return like(shape, found)
    elif op.role in _SPATIAL and shapes and len(shape) == len(shapes[0]):
        if op.name == "layer_norm" or op.name == "rms_norm":
            return contiguous(shape)
        return channels_last(shape) if is_channels_last(shapes[0], strides[0]) else contiguous(shape)
    elif op.role == "attention" and fused and len(shape) == 4 and shape[-1] == shapes[0][-1]:
        _, heads, length, size = shape
        return (heads * length * size, size, heads * size, 1)
    return contiguous(shape)
