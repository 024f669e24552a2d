"""Masks on their way to torch: whether they fit the scores, and the bool tensors they become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from archdsl.dims import Dim
from archdsl.ops import errors
from archdsl.ops.base import Fn, Slot, Types, is_dim
from archdsl.ops.checker import Checker
from archdsl.ops.masks import (
    Causal,
    Combined,
    Document,
    Mask,
    Negated,
    Padding,
    Prefix,
    TensorMask,
    Window,
)
from archdsl.tensors import INTEGERS, TensorType

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Shape = tuple[Dim, ...]


def check_mask(mask: Mask, scores: Shape, inputs: Types, sizes: Checker) -> None:
    """Refuse a mask whose numbers or tensors don't fit scores of this shape ([batch, .., queries, keys])."""
    match mask:
        case Combined(left=left, right=right):
            check_mask(left, scores, inputs, sizes)
            check_mask(right, scores, inputs, sizes)
        case Negated(mask=inner):
            check_mask(inner, scores, inputs, sizes)
        case Window(size=size):
            _check_number(size, "window", sizes)
        case Prefix(length=length) if not isinstance(length, Slot):
            _check_number(length, "prefix", sizes)
        case Prefix(length=Slot(index)) | Padding(lengths=Slot(index)):
            lengths = _check_integers(mask, inputs[index], 1, "[B]")
            sizes.equal(lengths.shape[0], scores[0], "the batch of the mask's lengths")
        case Document(ids=Slot(index)):
            ids = _check_integers(mask, inputs[index], 2, "[B, T]")
            sizes.equal(ids.shape[0], scores[0], "the batch of the document ids")
            sizes.equal(ids.shape[1], scores[-2], "document ids against queries")
            sizes.equal(ids.shape[1], scores[-1], "document ids against keys")
        case TensorMask(tensor=Slot(index)):
            tensor = inputs[index]
            if tensor.dtype != "bool":
                raise errors.wrong_dtype(
                    "attention's mask", "a bool tensor (scores are added with bias=)", tensor
                )
            check_scores("mask", tensor, scores, sizes)


def check_scores(what: str, tensor: TensorType, scores: Shape, sizes: Checker) -> None:
    """Refuse a tensor that doesn't broadcast to the scores: each dim is theirs, or a literal 1."""
    if not 2 <= tensor.rank <= len(scores):
        want = f"a {what} that broadcasts to the {len(scores)} dims of the scores, [.., queries, keys]"
        raise errors.wrong_rank("attention", want, tensor)
    for back in range(-tensor.rank, 0):
        if tensor.shape[back] != 1:
            sizes.equal(tensor.shape[back], scores[back], f"dim {back} of the {what} against the scores")


def _check_number(size: Any, name: str, sizes: Checker) -> None:
    if not is_dim(size):
        raise errors.bad_argument("mask", f"{name} takes a whole number or a size")
    if isinstance(size, int):
        if size < 0:
            raise errors.bad_argument("mask", f"{name}({size}): the number can't be negative")
        return
    sizes.at_least(size, 0, f"the size of the {name}")


def _check_integers(mask: Mask, tensor: TensorType, rank: int, want: str) -> TensorType:
    name = type(mask).__name__.lower()
    if tensor.rank != rank:
        raise errors.wrong_rank(f"the mask {name}", f"integers {want}", tensor)
    if tensor.dtype not in INTEGERS:
        raise errors.wrong_dtype(f"the mask {name}", "integers", tensor)
    return tensor


def never_empty(mask: Mask, queries: Dim, keys: Dim) -> bool:
    """Whether it is certain, whatever the data, that every query sees some key."""
    numbers = isinstance(queries, int) and isinstance(keys, int)
    square = queries <= keys if numbers else queries == keys
    if _all_see_first(mask) or (square and _all_see_themselves(mask)):
        return True
    if isinstance(mask, Combined) and mask.operator == "or":
        return never_empty(mask.left, queries, keys) or never_empty(mask.right, queries, keys)
    return False


def _all_see_first(mask: Mask) -> bool:
    match mask:
        case Causal():
            return True
        case Prefix(length=int(length)):
            return length > 0
        case Combined(operator=operator, left=left, right=right):
            sides = _all_see_first(left), _all_see_first(right)
            return all(sides) if operator == "and" else any(sides)
    return False


def _all_see_themselves(mask: Mask) -> bool:
    match mask:
        case Causal() | Window() | Document():
            return True
        case Combined(operator=operator, left=left, right=right):
            sides = _all_see_themselves(left), _all_see_themselves(right)
            return all(sides) if operator == "and" else any(sides)
    return False


def lower_mask(mask: Mask, q: Slot, k: Slot) -> Fn | Slot:
    """The mask as an expression: a bool tensor that broadcasts to [batch, .., queries, keys]."""
    match mask:
        case Causal():
            return Fn(causal_mask, (q, k))
        case Window(size=size):
            return Fn(window_mask, (q, k, size))
        case Prefix(length=length) if not isinstance(length, Slot):
            return Fn(prefix_mask, (k, length))
        case Prefix(length=lengths) | Padding(lengths=lengths):
            return Fn(padding_mask, (k, lengths))
        case Document(ids=ids):
            return Fn(document_mask, (q, ids))
        case TensorMask(tensor=Slot() as tensor):
            return tensor
        case Negated(mask=inner):
            return Fn("operator.invert", (lower_mask(inner, q, k),))
        case Combined(operator=operator, left=left, right=right):
            target = "operator.and_" if operator == "and" else "operator.or_"
            return Fn(target, (lower_mask(left, q, k), lower_mask(right, q, k)))
    raise TypeError(mask)


def written_shape(mask: Mask, q: TensorType, k: TensorType, inputs: Types) -> Shape:
    """The shape of the tensor that ``lower_mask`` gives: dims of one where all rows or all samples are alike."""
    queries, keys = q.shape[-2], k.shape[-2]
    ones = (1,) * (q.rank - 3)
    match mask:
        case Causal() | Window():
            return (queries, keys)
        case Prefix(length=length) if not isinstance(length, Slot):
            return (1, keys)
        case Prefix() | Padding():
            return (q.shape[0], *ones, 1, keys)
        case Document():
            return (q.shape[0], *ones, queries, keys)
        case TensorMask(tensor=Slot(index)):
            return inputs[index].shape
        case Negated(mask=inner):
            return written_shape(inner, q, k, inputs)
        case Combined(left=left, right=right):
            sides = [written_shape(side, q, k, inputs) for side in (left, right)]
            rank = max(map(len, sides))
            first, second = ((1,) * (rank - len(side)) + side for side in sides)
            return tuple(b if a == 1 else a for a, b in zip(first, second, strict=True))
    raise TypeError(mask)


# ------------------------------------------------------------------------------------- helpers of the emitted source


def causal_mask(q: Tensor, k: Tensor) -> Tensor:
    """[queries, keys]: query i sees keys 0..i."""
    return torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).tril()


def window_mask(q: Tensor, k: Tensor, size: int) -> Tensor:
    """[queries, keys]: query i sees keys i - size..i + size."""
    queries = torch.arange(q.shape[-2], device=q.device)
    keys = torch.arange(k.shape[-2], device=q.device)
    return (queries[:, None] - keys).abs() <= size


def prefix_mask(k: Tensor, length: int) -> Tensor:
    """[1, keys]: every query sees the first keys."""
    return (torch.arange(k.shape[-2], device=k.device) < length)[None]


def padding_mask(k: Tensor, lengths: Tensor) -> Tensor:
    """[batch, 1, .., keys]: every query sees the keys before its sequence's length."""
    return torch.arange(k.shape[-2], device=k.device) < lengths.view(-1, *[1] * (k.ndim - 1))


def document_mask(q: Tensor, ids: Tensor) -> Tensor:
    """[batch, 1, .., queries, keys]: queries see the keys of their own document."""
    rows = ids.view(-1, *[1] * (q.ndim - 3), ids.shape[-1])
    return rows[..., :, None] == rows[..., None, :]
