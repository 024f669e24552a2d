"""Random uses of operators that move elements: reshaping, patterns, joining, splitting, einsum."""

from __future__ import annotations

from typing import Any

from tests.random_networks.choose_pointwise import any_dim, chooses, infixed
from tests.random_networks.maker import Maker, shape_minus, shape_over
from tests.random_networks.meaning import call
from tests.random_networks.pieces import IDENTITY, Piece, listed, pipe

AXES = ["b", "c", "h", "w", "d"]


@chooses("flatten", weight=0.8)
def _flatten(g: Maker) -> Piece | None:
    if g.rank < 3 and not g.wild():
        return None
    start = g.pick(range(1, max(2, g.rank - 1)), [0, g.rank])
    return call("flatten", start, g.pick([-1], [-2, 0])) if g.maybe(0.6) else call("flatten")


@chooses("unflatten", weight=0.5)
def _unflatten(g: Maker) -> Piece | None:
    found = [i for i, d in enumerate(g.dims) if d and d % 2 == 0] or list(range(g.rank))
    if not found:
        return None
    return call("unflatten", g.rng.choice(found), g.pick([[2, -1], [-1, 2]], [[3, 5], [4, -1], [-1, -1]]))


@chooses("transpose", weight=0.4)
def _transpose(g: Maker) -> Piece | None:
    if g.maybe(0.5) and g.rank >= 2:
        return Piece("id.T", lambda run, w: w.transpose(-2, -1), True, frozenset({"transpose"}))
    return call("transpose", any_dim(g), any_dim(g)) if g.rank or g.wild() else None


@chooses("permute", weight=0.4)
def _permute(g: Maker) -> Piece | None:
    order = list(range(g.rank))
    g.rng.shuffle(order)
    return call("permute", g.pick([order], [order[:-1], [0] * g.rank])) if g.rank > 1 else None


@chooses("unsqueeze", "squeeze", weight=0.3)
def _squeeze(g: Maker) -> Piece | None:
    ones = [i for i, d in enumerate(g.dims) if d == 1]
    if ones and g.maybe(0.6):
        return call("squeeze", g.rng.choice(ones))
    if g.wild():
        return call("squeeze", any_dim(g))
    if g.rank > 4:
        return None
    dim = g.rng.randint(-g.rank - 1, g.rank)
    return pipe(call("unsqueeze", dim), call("squeeze", dim)) if g.maybe(0.5) else call("unsqueeze", dim)


@chooses("flip", "roll", weight=0.3)
def _flip(g: Maker) -> Piece | None:
    if not g.rank and not g.wild():
        return None
    return call("flip", any_dim(g)) if g.maybe(0.5) else call("roll", g.pick([1, -2, 5]), any_dim(g))


@chooses("select", weight=0.3)
def _select(g: Maker) -> Piece | None:
    if g.rank < 3 and not g.wild():
        return None
    return call("select", g.pick([0, -1, 1], [60, -60]), any_dim(g))


@chooses("narrow", weight=0.5)
def _narrow(g: Maker) -> Piece | None:
    if not g.rank:
        return None
    dim = any_dim(g)
    length: Any = g.pick([1, 2], [40, 100])
    if -g.rank <= dim < g.rank and g.maybe(0.6):
        length = g.pick([shape_minus(dim, 2), shape_over(dim, 2)], [shape_minus(dim, -1)])
    return call("narrow", g.pick([0, 1], [-1, 5]), length, dim)


@chooses("crop", "center_crop", weight=0.5)
def _crop(g: Maker) -> Piece | None:
    if g.rank < 3 and not g.wild():
        return None
    if (g.rank == 4 and g.maybe(0.5)) or g.rank < 2:
        size = g.pick([2, 5, [shape_minus(2, 3), shape_over(3, 2)]], [[4], 200])
        return call("center_crop", size=size)
    rows, columns = shape_minus(-2, g.pick([2, 3])), g.pick([3, shape_over(-1, 2)], [150])
    return call("crop", g.pick([1, 0, 2], [3, 60]), g.pick([0, 1]), rows, columns)


@chooses("chunk", "split", weight=0.5)
def _parts(g: Maker) -> Piece | None:
    """Parts put together again, or one of them."""
    if g.rank < 2 and not g.wild():
        return None
    dim = any_dim(g)
    n = g.pick([2, 3], [5, 0])
    known = g.dims[dim] if -g.rank <= dim < g.rank else None
    if known is None or g.maybe(0.4):
        parts = call("chunk", n, dim=dim)
    elif g.maybe(0.5):
        parts = call("split", g.pick([1, max(1, known // 2)], [0, known + 1]), dim=dim)
    else:
        first = g.pick([max(1, known // 3)], [known, 0])
        parts = call("split", [first, known - first], dim=dim)
    if g.maybe(0.5):
        return Piece(f"({parts.text})[0]", lambda run, w: parts.run(run, w)[0], True, parts.ops)
    return pipe(parts, call_joined(g, dim))


def call_joined(g: Maker, dim: int) -> Piece:
    """``cat(dim=..)`` of the list on the wire: the operator takes no wire, so it is filled with the list."""
    from tests.random_networks.meaning import TORCH

    return Piece(f"cat(dim={dim})", lambda run, wire: TORCH["cat"](run, wire, dim), True, frozenset({"cat"}))


@chooses("cat", "stack", "concatenate", weight=0.5)
def _join(g: Maker) -> Piece | None:
    if not g.rank:
        return None
    other = g.pick([call("flip", 0), infixed(IDENTITY, "*", IDENTITY)])
    if g.maybe(0.4) and g.rank > 1 and not (other.tight is False and g.maybe(0.5)):
        return infixed(IDENTITY, "++", other)
    if g.rank < 5 and g.maybe(0.4):
        return call("stack", listed([IDENTITY, other]), dim=any_dim(g))
    return call("cat", listed([IDENTITY, other]), dim=any_dim(g))


@chooses("rearrange", "reduce", "expand", weight=0.5)
def _pattern(g: Maker) -> Piece | None:
    if not 2 <= g.rank <= 5:
        return None
    axes = AXES[: g.rank]
    kind = g.pick(["rearrange", "rearrange", "reduce", "expand"])
    left = " ".join(axes)
    order = axes[1:]
    g.rng.shuffle(order)
    right = [axes[0], *order]
    given: dict[str, Any] = {}
    even = [a for a, d in zip(axes, g.dims, strict=True) if d and d % 2 == 0]
    if even and g.maybe(0.6):
        axis = g.rng.choice(even)
        left = left.replace(axis, f"({axis} p)" if g.maybe(0.5) else f"(p {axis})")
        given["p"] = g.pick([2], [3, 5])
        right.append("p")
        if g.maybe(0.4):
            right[-2:] = [f"({right[-2]} p)"]
    if kind == "reduce":
        gone = g.rng.choice(right[1:] or right)
        return call(
            "reduce",
            f"{left} -> {' '.join(r for r in right if r != gone)}",
            g.pick(["mean", "sum", "max", "min", "prod"]),
            **given,
        )
    if kind == "expand":
        right.insert(g.rng.randint(0, len(right)), "n")
        given["n"] = g.pick([2, 3])
    elif len(right) > 2 and g.maybe(0.4):
        right[1:3] = [f"({right[1]} {right[2]})".replace("((", "(").replace("))", ")")]
    if g.wild() and given:
        given.pop("p", None)
    return call(kind, f"{left} -> {' '.join(right)}", **given)


@chooses("einsum", "matmul", weight=0.5)
def _product(g: Maker) -> Piece | None:
    if not g.is_float or not 2 <= g.rank <= 4:
        return None
    if g.maybe(0.5):
        transposed = Piece("id.T", lambda run, w: w.transpose(-2, -1), True, frozenset({"transpose"}))
        return infixed(IDENTITY, "@", g.pick([transposed], [IDENTITY]))
    if g.rank == 2:
        return call(
            "einsum",
            g.pick(["i d, j d -> i j", "bi,bj->bij"], ["i d, d j -> i j"]),
            listed([IDENTITY, IDENTITY]),
        )
    if g.rank == 3:
        return call(
            "einsum", g.pick(["b i d, b j d -> b i j", "bij,bij->bi"]), listed([IDENTITY, call("tanh")])
        )
    return call(
        "einsum",
        g.pick(["b c h w, b c h v -> b h w v", "... i j, ... k j -> ... i k"]),
        listed([IDENTITY, IDENTITY]),
    )
