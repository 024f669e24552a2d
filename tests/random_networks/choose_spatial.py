"""Random uses of convolutions, pools, norms over channels, resampling and padding."""

from __future__ import annotations

from typing import Any

import torch

from tests.random_networks.choose_pointwise import chooses
from tests.random_networks.maker import Maker, shape_over, shape_piece
from tests.random_networks.meaning import TORCH, call
from tests.random_networks.pieces import IDENTITY, Piece, name, pipe


def is_map(g: Maker, least: int = 3) -> bool:
    """Whether the wire is a feature map whose channels are a number."""
    return g.is_float and least <= g.rank <= 5 and g.dims[1] is not None


def _ints(g: Maker, good: list[int], bad: list[int]) -> Any:
    """A number, or a list of one for each spatial dim."""
    value: Any = g.pick(good, bad)
    if g.maybe(0.15):
        value = [g.pick(good, bad) for _ in range(g.pick([g.rank - 2], [g.rank - 1, 1]))]
    return value


@chooses("conv", weight=7)
def conv(g: Maker) -> Piece | None:
    if not is_map(g) and not g.wild():
        return None
    more: dict[str, Any] = {}
    kernel = _ints(g, [1, 3, 3, 3, 5, 7], [2, 4, 9, 120])
    channels = (g.dims[1] if g.rank > 1 else None) or 4
    out = g.pick([4, 8, channels, 6])
    stride: Any = _ints(g, [1, 1, 2], [3, 4])
    if g.maybe(0.25):
        more["groups"] = g.pick(
            [n for n in (1, 2, 4, channels) if channels % n == 0 and out % n == 0], [2, 3, 5]
        )
    if g.maybe(0.2):
        more["dilation"] = g.pick([1, 2, 3], [40])
    if (
        g.maybe(0.35)
        or kernel in (2, 4)
        or stride in (3, 4)
        or isinstance(kernel, list)
        or isinstance(stride, list)
    ):
        more["padding"] = _ints(g, [0, 1, 2], [5])
    if g.maybe(0.15):
        more["bias"] = False
    if g.maybe(0.15):
        more["padding_mode"] = g.pick(["reflect", "replicate", "circular"], ["mirror"])
    args = [] if stride == 1 else [stride]
    made = g.call("conv", out, kernel, *args, **more)
    if g.maybe(0.1):
        made = pipe(made, normed(g, "batch_norm"))
    return made


def normed(g: Maker, kind: str) -> Piece:
    """``norm`` where it is known to mean ``kind``."""
    function = TORCH[kind]
    plain = Piece("norm", lambda run, wire: function(run, wire), True, frozenset({"norm"}), True)
    return g.weighted(plain)


@chooses("conv_transpose", weight=1.2)
def _conv_transpose(g: Maker) -> Piece | None:
    if not is_map(g) and not g.wild():
        return None
    stride = g.pick([1, 2, 3])
    more: dict[str, Any] = {}
    if g.maybe(0.3):
        more["padding"] = g.pick([1, 0], [3])
    if g.maybe(0.3):
        more["output_padding"] = g.pick(list(range(stride)), [stride, 4])
    if g.maybe(0.2):
        more["dilation"] = 2
    if g.maybe(0.2):
        more["groups"] = g.pick([1, 2], [3])
    return g.call("conv_transpose", g.pick([4, 8, 6]), g.pick([2, 3, 4]), stride=stride, **more)


@chooses("locally_connected", weight=0.7)
def _local(g: Maker) -> Piece | None:
    known = g.rank == 4 and is_map(g) and (None not in g.dims[2:] or g.wild())
    if known and max(g.dims[2] or 0, g.dims[3] or 0) <= 32:
        return g.call("locally_connected", 3, g.pick([1, 3]), bias=g.maybe(0.7))
    return None


@chooses("max_pool", "avg_pool", weight=1.5)
def _pool(g: Maker) -> Piece | None:
    if not is_map(g) and not g.wild():
        return None
    op = g.pick(["max_pool", "avg_pool"])
    kernel = g.pick([2, 2, 3, 4], [7, 110])
    more: dict[str, Any] = {}
    if g.maybe(0.6):
        more["stride"] = _ints(g, [1, 2, 3], [5])
    if g.maybe(0.4):
        more["padding"] = g.pick([0, 1], [2, 3])
    if g.maybe(0.4):
        more["ceil_mode"] = True
    if op == "max_pool" and g.maybe(0.2):
        more["dilation"] = 2
    if op == "avg_pool" and g.maybe(0.3):
        more["count_include_pad"] = False
    return call(op, kernel, **more)


@chooses("adaptive_avg_pool", "adaptive_max_pool", weight=0.5)
def _adaptive(g: Maker) -> Piece | None:
    if not is_map(g) and not g.wild():
        return None
    size: Any = g.pick([1, 3, 7])
    if g.maybe(0.3):
        size = [g.pick([2, 4]) for _ in range(g.pick([g.rank - 2], [1, 3]))]
    return call(g.pick(["adaptive_avg_pool", "adaptive_max_pool"]), size)


@chooses("global_avg_pool", "global_max_pool", weight=0.4)
def _global(g: Maker) -> Piece | None:
    if not is_map(g) and not g.wild():
        return None
    keep = {"keep": True} if g.maybe(0.5) else {}
    return call(g.pick(["global_avg_pool", "global_max_pool"]), **keep)


@chooses("batch_norm", "instance_norm", "group_norm", "local_response_norm", weight=0.6)
def _norm(g: Maker) -> Piece | None:
    if not is_map(g) and not g.wild():
        return None
    channels = (g.dims[1] if g.rank > 1 else None) or 4
    match g.pick(["batch_norm", "batch_norm", "instance_norm", "group_norm", "local_response_norm"]):
        case "batch_norm":
            return g.call("batch_norm", **g.pick([{}, {}, {"affine": False}, {"track_running_stats": False}]))
        case "instance_norm":
            return g.call(
                "instance_norm",
                **g.pick([{}, {"affine": True}, {"affine": True, "track_running_stats": True}]),
            )
        case "group_norm":
            return g.call("group_norm", g.pick([n for n in (1, 2, 3, 4) if channels % n == 0], [3, 5, 64]))
    return call("local_response_norm", g.pick([3, 5]), k=2.0)


@chooses("norm", weight=0.5)
def _norm_by_features(g: Maker) -> Piece | None:
    if is_map(g):
        return pipe(g.call("conv", 4, 1), normed(g, "batch_norm"))
    if g.is_float and g.rank >= 2 and g.dims[-1]:
        return pipe(g.call("linear", 8), normed(g, "layer_norm"))
    return None


@chooses("interpolate", weight=1.2)
def _interpolate(g: Maker) -> Piece | None:
    if not is_map(g) and not g.wild():
        return None
    modes = {3: ["nearest", "linear", "area"], 4: ["nearest", "bilinear", "bicubic", "area", "nearest-exact"],
             5: ["nearest", "trilinear"]}.get(g.rank, ["nearest"])  # fmt: skip
    mode = g.pick(modes, ["trilinear", "linear"])
    more: dict[str, Any] = {} if mode == "nearest" else {"mode": mode}
    if mode in ("bilinear", "bicubic", "linear") and g.maybe(0.3):
        more["align_corners"] = True
    if mode == "bilinear" and g.maybe(0.2):
        more["antialias"] = True
    if g.maybe(0.6):
        return call("interpolate", scale=g.pick([2, 0.5, 1.5, 3], [0.3, 0.01]), **more)
    others = [n for n in g.live(g.rank) if g.values(n)[0].dtype == torch.float32]
    if others and g.maybe(0.5):
        return call("interpolate", like=name(g.rng.choice(others)), **more)
    return call("interpolate", size=g.pick([5, 8, shape_over(2, 2)]), **more)


@chooses("grid_sample", weight=0.4)
def _grid_sample(g: Maker) -> Piece | None:
    if g.rank != 4 or not is_map(g):
        return None
    grid = call("zeros", [shape_piece(0), 5, g.pick([3, shape_piece(3)]), g.pick([2], [3])])
    mode = g.pick(["bilinear", "nearest", "bicubic"])
    return call("grid_sample", grid, mode, g.pick(["zeros", "border", "reflection"]))


@chooses("pixel_shuffle", "pixel_unshuffle", weight=0.8)
def _pixels(g: Maker) -> Piece | None:
    if g.rank != 4 or not is_map(g):
        return None
    channels = g.dims[1] or 1
    if channels % 4 == 0 or g.wild():
        return call("pixel_shuffle", 2)
    divisible = all(w.shape[2] % 2 == 0 and w.shape[3] % 2 == 0 for w in g.wires)
    return call("pixel_unshuffle", 2) if divisible or g.wild() else None


@chooses("channel_shuffle", weight=0.4)
def _channel_shuffle(g: Maker) -> Piece | None:
    if not is_map(g):
        return None
    channels = g.dims[1] or 1
    return call("channel_shuffle", g.pick([n for n in (1, 2, 3, 4) if channels % n == 0], [2, 3, 5]))


@chooses("pad", weight=0.8)
def _pad(g: Maker) -> Piece | None:
    if not 2 <= g.rank <= 5:
        return None
    mode = g.pick(["constant", "constant", "zeros", "reflect", "replicate", "circular"])
    dims = g.pick([1, 2]) if mode in ("constant", "zeros") else max(1, g.rank - 2)
    dims = min(dims, g.rank)
    if mode not in ("constant", "zeros") and (g.rank < 3 or not g.is_float) and not g.wild():
        return None
    good = [0, 1, 2, -1] if mode in ("constant", "zeros") else [0, 1, 2]
    return call(
        "pad",
        [g.pick(good, [-3, 9, 60]) for _ in range(2 * dims)],
        **({} if mode == "constant" else {"mode": mode}),
    )


@chooses("unfold", "fold", weight=0.5)
def _unfold(g: Maker) -> Piece | None:
    if g.rank != 4 or not is_map(g):
        return None
    kernel, stride = g.pick([2, 3]), g.pick([1, 2])
    columns = call("unfold", kernel, stride, g.pick([0, 1], [4]))
    if None not in g.dims[2:] and g.maybe(0.6):
        size = [g.dims[2], g.dims[3]]
        return pipe(call("unfold", kernel, stride), call("fold", size, kernel, stride=stride))
    if g.maybe(0.3):
        return pipe(call("unfold", 2), call("fold", [shape_of(g, 2), shape_of(g, 3)], 2))
    return columns


def shape_of(g: Maker, dim: int) -> Any:
    """A size of a model input by its name: the wire is another one inside a pipe."""
    for item in g.program.inputs if not g.depth else ():
        if len(item.dims) == 4 and g.runs[0].env.get(item.name) is g.tensor:
            found = item.dims[dim]
            return name(found) if isinstance(found, str) else found
    return 12


__all__ = ["IDENTITY", "conv", "is_map", "normed"]
