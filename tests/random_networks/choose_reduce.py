"""Random uses of operators that reduce, sort, look up places, or make tensors."""

from __future__ import annotations

from typing import Any

import torch

from tests.random_networks.choose_pointwise import any_dim, chooses, infixed, number
from tests.random_networks.maker import Maker, shape_minus, shape_over, shape_piece
from tests.random_networks.meaning import call, dtype
from tests.random_networks.pieces import IDENTITY, Piece, pipe

REDUCTIONS = [
    "sum",
    "mean",
    "max",
    "min",
    "prod",
    "logsumexp",
    "var",
    "std",
    "norm_p",
    "any",
    "all",
    "argmax",
    "argmin",
]


@chooses(*REDUCTIONS, weight=0.12)
def _reduction(g: Maker) -> Piece | None:
    op = g.pick(REDUCTIONS)
    if g.rank < 2 and not g.wild():
        return None
    keep = {"keep": True} if g.maybe(0.4) else {}
    if op in ("any", "all"):
        test = infixed(IDENTITY, ">", number(0))
        return pipe(test, call(op, **g.pick([{"dim": any_dim(g)}, {"dim": any_dim(g), "keep": True}])))
    if op in ("argmax", "argmin"):
        return call(op, dim=any_dim(g), **keep)
    dims: Any = any_dim(g)
    if g.maybe(0.3):
        dims = (
            sorted({any_dim(g) % max(1, g.rank) for _ in range(2)})
            if not g.wild()
            else [any_dim(g), any_dim(g)]
        )
    more = {"p": g.pick([1.0, 2.0, 3.0])} if op == "norm_p" else {}
    return call(op, **more, dim=dims, **keep)


@chooses("l2_norm", weight=0.3)
def _l2_norm(g: Maker) -> Piece | None:
    if not g.is_float and not g.wild():
        return None
    dim = any_dim(g)
    scale = {"scale": 2.0} if g.maybe(0.6) else {}
    piece = call("l2_norm", dim=dim, **scale)
    return g.weighted(piece) if scale else piece


@chooses("sort", "topk", "argsort", weight=0.3)
def _ordered(g: Maker) -> Piece | None:
    """Sorted values or their places: the first or the second of a list."""
    if g.rank == 0 and not g.wild():
        return None
    dim, op = any_dim(g), g.pick(["sort", "topk", "argsort"])
    if op == "argsort":
        return call(op, dim=dim, descending=g.maybe(0.5))
    which = g.pick([0, 0, 1])
    made = call("sort", dim=dim) if op == "sort" else call("topk", g.pick([1, 2], [9, 200]), dim)
    return Piece(f"({made.text})[{which}]", lambda run, w: made.run(run, w)[which], True, made.ops)


@chooses("gather", "take", "scatter_add", weight=0.4)
def _indexed(g: Maker) -> Piece | None:
    if g.rank < 2 and not g.wild():
        return None
    dim, op = any_dim(g), g.pick(["gather", "take", "scatter_add"])
    if op == "take":
        index = call("arange", g.pick([2, shape_piece(dim) if -g.rank <= dim < g.rank else 3], [400]))
        return call("take", index, dim=dim)
    order = call("argsort", dim=dim)
    if op == "gather":
        return call("gather", order, dim=dim)
    size = shape_piece(dim) if -g.rank <= dim < g.rank else 3
    return call("scatter_add", order, IDENTITY, dim=dim, size=size)


@chooses("one_hot", weight=0.4)
def _one_hot(g: Maker) -> Piece | None:
    if g.tensor.dtype == torch.int64 or g.wild():
        return pipe(infixed(IDENTITY, "%", number(5)), call("one_hot", 5), call("cast", dtype("float32")))
    return None


SOURCES = ["zeros", "ones", "rand", "randn", "full", "eye", "arange"]


@chooses(*SOURCES, weight=0.15)
def _source(g: Maker) -> Piece | None:
    """Added to or multiplied with the wire."""
    op = g.pick(SOURCES)
    if not g.is_float or not 1 <= g.rank <= 5:
        return None
    last: Any = g.dims[-1] or shape_piece(-1)
    if op == "eye":
        return infixed(IDENTITY, "@", call("eye", last)) if g.rank > 1 else None
    if op == "arange":
        return infixed(IDENTITY, "+", call("arange", g.pick([last], [7]), dtype=dtype("float32")))
    size = [g.pick([last], [3, shape_minus(-1, 1), shape_over(-1, 2)])]
    if g.rank > 1 and g.maybe(0.5):
        size = [g.dims[-2] or shape_piece(-2), *size]
    value = [0.5] if op == "full" else []
    return infixed(IDENTITY, g.pick(["+", "*"]), call(op, size, *value))
