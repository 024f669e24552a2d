"""The oracle for shapes: reshaping, joining and splitting, einops patterns by a small reader of our own, einsum."""

from __future__ import annotations

import math
import re
from typing import Any

import torch
from torch import Tensor

from tests.random_networks.meaning import means, numbers, strict
from tests.random_networks.runtime import Run

means("flatten")(lambda run, x, start=1, end=-1: torch.flatten(x, start, end))
means("unflatten")(lambda run, x, dim, sizes: torch.unflatten(x, dim, sizes))
means("transpose")(lambda run, x, dim0=-2, dim1=-1: torch.transpose(x, dim0, dim1))
means("permute")(lambda run, x, dims: torch.permute(x, dims))
means("unsqueeze")(lambda run, x, dim: torch.unsqueeze(x, dim))
means("flip")(lambda run, x, dims: torch.flip(x, numbers(dims)))
means("roll")(lambda run, x, shifts, dims: torch.roll(x, shifts, dims))
means("select")(lambda run, x, index, dim: torch.select(x, dim, index))
means("narrow")(lambda run, x, start, length, dim: torch.narrow(x, dim, start, length))
means("chunk")(lambda run, x, n, dim: list(torch.chunk(x, n, dim)))
means("cat", wire=False)(lambda run, tensors, dim: torch.cat(_many(tensors), dim))
means("stack", wire=False)(lambda run, tensors, dim: torch.stack(_many(tensors), dim))
means("concatenate", wire=False)(lambda run, tensors: torch.cat(_many(tensors), 1))


def _many(tensors: list[Tensor]) -> list[Tensor]:
    strict(any(t.dim() != tensors[0].dim() for t in tensors), "tensors of one rank")
    return tensors


@means("split")
def _split(run: Run, x: Tensor, sizes: Any, dim: int) -> list[Tensor]:
    given = sizes[0] if isinstance(sizes, list) and len(sizes) == 1 else sizes
    return list(torch.split(x, given, dim))


@means("squeeze")
def _squeeze(run: Run, x: Tensor, dims: Any) -> Tensor:
    strict(any(x.shape[d] != 1 for d in numbers(dims)), "squeeze drops dims of size 1 only")
    return torch.squeeze(x, dims if isinstance(dims, int) else tuple(dims))


# ---------------------------------------------------------------------------------------------------- einops patterns


def _groups(side: str) -> list[list[str]]:
    return [t.strip("()").split() if t[0] == "(" else [t] for t in re.findall(r"\([^)]*\)|\S+", side)]


def _read(
    pattern: str, x: Tensor, given: dict[str, int]
) -> tuple[Tensor, dict[str, int], list[str], list[list[str]]]:
    """The tensor with one dim for each axis of the left side, their sizes, their order, and the right side."""
    left, right = (_groups(side) for side in pattern.split("->"))
    if ["..."] in left:
        at = left.index(["..."])
        extra = [f"_{i}" for i in range(x.dim() - len(left) + 1)]
        left[at : at + 1] = [[e] for e in extra]
        if ["..."] in right:
            at = right.index(["..."])
            right[at : at + 1] = [[e] for e in extra]
    if len(left) != x.dim():
        raise ValueError("another number of dims")
    sizes = dict(given)
    for group, size in zip(left, x.shape, strict=True):
        group[:] = [a for a in group if a != "1"]
        sizes.update({a: int(a) for a in group if a.isdigit()})
        free = [a for a in group if a not in sizes]
        known = math.prod(sizes[a] for a in group if a in sizes)
        if len(free) > 1 or (not free and known != size) or size % known:
            raise ValueError("sizes don't fit")
        if free:
            sizes[free[0]] = size // known
    order = [a for group in left for a in group]
    return x.reshape([sizes[a] for a in order]), sizes, order, [[a for a in g if a != "1"] for g in right]


def _written(x: Tensor, order: list[str], right: list[list[str]], sizes: dict[str, int]) -> Tensor:
    wanted = [a for g in right for a in g]
    if sorted(wanted) != sorted(order):
        raise ValueError("axes differ")
    x = x.permute([order.index(a) for a in wanted])
    return x.reshape([math.prod(sizes[a] for a in g) for g in right])


@means("rearrange")
def _rearrange(run: Run, x: Tensor, pattern: str, **axes: int) -> Tensor:
    x, sizes, order, right = _read(pattern, x, axes)
    return _written(x, order, right, sizes)


@means("reduce")
def _reduce(run: Run, x: Tensor, pattern: str, op: str, **axes: int) -> Tensor:
    x, sizes, order, right = _read(pattern, x, axes)
    kept = {a for g in right for a in g}
    gone = [i for i, a in enumerate(order) if a not in kept]
    if gone:
        if op == "prod":
            for i in reversed(gone):
                x = x.prod(i)
        else:
            function = {"mean": torch.mean, "sum": torch.sum, "max": torch.amax, "min": torch.amin}[op]
            x = function(x, dim=tuple(gone))  # type: ignore[operator]
    strict(op == "mean" and not x.is_floating_point(), "floats only")
    return _written(x, [a for a in order if a in kept], right, sizes)


@means("expand")
def _expand(run: Run, x: Tensor, pattern: str, **axes: int) -> Tensor:
    x, sizes, order, right = _read(pattern, x, axes)
    for axis in [a for g in right for a in g if a not in order]:
        sizes[axis] = int(axis) if axis.isdigit() else sizes[axis]
        x = x.unsqueeze(-1).expand(*x.shape, sizes[axis])
        order.append(axis)
    return _written(x, order, right, sizes)


@means("einsum", wire=False)
def _einsum(run: Run, pattern: str, tensors: list[Tensor]) -> Tensor:
    strict(any(t.dtype != tensors[0].dtype for t in tensors), "tensors of one dtype")
    letters: dict[str, str] = {}

    def short(term: str) -> str:
        if " " not in pattern.replace(", ", ",").replace(" -> ", "->"):
            return term.strip()
        return "".join(
            letters.setdefault(a, chr(97 + len(letters))) if a != "..." else a for a in term.split()
        )

    left, right = pattern.split("->")
    return torch.einsum(",".join(short(t) for t in left.split(",")) + "->" + short(right), *tensors)
