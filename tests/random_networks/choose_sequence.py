"""Random uses of linear layers, norms over features, attention, positions, recurrences, embeddings, losses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tests.random_networks.choose_pointwise import chooses, infixed, number
from tests.random_networks.maker import Maker, shape_piece
from tests.random_networks.meaning import call, dtype, strict
from tests.random_networks.pieces import IDENTITY, Piece, listed, name, pipe
from tests.random_networks.torch_sequence import difference, mask, tensor_mask


def has_features(g: Maker, least: int = 2) -> bool:
    """Whether the last dim of the wire is a number."""
    return g.is_float and least <= g.rank <= 5 and g.dims[-1] is not None


@chooses("linear", weight=5)
def linear(g: Maker) -> Piece | None:
    if not has_features(g, 1) and not g.wild():
        return None
    return g.call(
        "linear",
        g.pick([8, 16, 12, g.dims[-1] if g.rank and g.dims[-1] else 4]),
        **({"bias": False} if g.maybe(0.2) else {}),
    )


@chooses("layer_norm", "rms_norm", "power_norm", weight=0.8)
def _norm(g: Maker) -> Piece | None:
    if not has_features(g) and not g.wild():
        return None
    op = g.pick(["layer_norm", "layer_norm", "rms_norm", "power_norm"])
    if op == "power_norm":
        return g.call(op)
    more = g.pick([{}, {}, {"elementwise_affine": False}], [{"dims": 2}, {"dims": 9}])
    return g.call(op, **more) if "elementwise_affine" not in more else call(op, **more)


@chooses("embedding", weight=3)
def _embedding(g: Maker) -> Piece | None:
    if g.tensor.dtype not in (torch.int64, torch.int32) and not g.wild():
        return None
    if g.rank > 3:
        return None
    made = g.call("embedding", 50, g.pick([8, 16]), **g.pick([{}, {"padding_idx": 0}], [{"padding_idx": 50}]))
    direct = any(g.tensor is g.runs[0].env.get(i.name) for i in g.program.inputs)
    return (
        made if direct or g.tensor.dtype == torch.float32 else pipe(infixed(IDENTITY, "%", number(50)), made)
    )


def _negated(piece: Piece) -> Piece:
    def go(run: Any, wire: Any) -> Any:
        see = piece.run(run, wire)
        return (lambda q, n, k: ~see(q, n, k)) if callable(see) else ~see

    return Piece(f"not {piece.closed}", go, False)


def _combined(left: Piece, word: str, right: Piece) -> Piece:
    def go(run: Any, wire: Any) -> Any:
        a, b = left.run(run, wire), right.run(run, wire)

        def see(q: Tensor, n: int, k: int) -> Tensor:
            one, two = (x(q, n, k) if callable(x) else x for x in (a, b))
            return one & two if word == "and" else one | two

        return see

    return Piece(
        f"{left.closed} {word} {right.closed}",
        go,
        False,
        left.ops | right.ops,
        names=left.names | right.names,
    )


def _mask(g: Maker, depth: int = 0) -> Piece:
    causal = mask("causal", lambda q, n, k: difference(n, k, q.device) <= 0)
    size = g.pick([1, 3], [-1])
    near = mask(f"window({size})", lambda q, n, k: difference(n, k, q.device).abs() <= _length(size))
    first = mask(
        f"prefix({size})", lambda q, n, k: torch.arange(k, device=q.device).expand(n, k) < _length(size)
    )
    choices = [causal, causal, near, first]
    for item in g.program.inputs:
        if item.dtype == "int64" and len(item.dims) == 1 and item.name in g.runs[0].env:
            choices.append(_padding(item.name))
        if item.dtype == "int64" and len(item.dims) == 2 and item.name in g.runs[0].env and g.maybe(0.5):
            choices.append(_document(item.name))
    if depth < 2 and g.maybe(0.3):
        return _combined(_mask(g, depth + 1), g.pick(["and", "or"]), _mask(g, depth + 1))
    if depth < 2 and g.maybe(0.1):
        return _negated(_mask(g, 2))
    return g.rng.choice(choices)


def _length(size: int) -> int:
    strict(size < 0, "a length from 0 on")
    return size


def _padding(text: str) -> Piece:
    def go(run: Any, wire: Any) -> Any:
        lengths = run.env[text]

        def see(q: Tensor, n: int, k: int) -> Tensor:
            found = torch.arange(k, device=q.device)[None, :] < lengths[:, None]
            return found.view(len(lengths), *([1] * (q.dim() - 2)), k)

        return see

    return Piece(f"padding({text})", go, names=frozenset({text}))


def _document(text: str) -> Piece:
    def go(run: Any, wire: Any) -> Any:
        ids = run.env[text]

        def see(q: Tensor, n: int, k: int) -> Tensor:
            if ids.shape[1] != n or ids.shape[1] != k:
                raise ValueError("one id for each place")
            same = ids[:, :, None] == ids[:, None, :]
            return same.view(len(ids), *([1] * (q.dim() - 3)), n, k)

        return see

    return Piece(f"document({text})", go, names=frozenset({text}))


@chooses("attention", weight=2)
def _attention(g: Maker) -> Piece | None:
    if not has_features(g, 3) and not (g.wild() and g.rank > 1):
        return None
    rank, more = g.rank, dict[str, Any]()
    heads = 1
    if rank == 3 and g.maybe(0.6):
        width = g.dims[-1] or 8
        heads = g.pick([n for n in (1, 2, 4) if width % n == 0], [3, 5])
        split = call("rearrange", "b t (h d) -> b h t d", h=heads)
        q, k, v = (pipe(g.call("linear", width, bias=g.maybe(0.5)), split) for _ in range(3))
    else:
        q, k, v = IDENTITY, g.pick([IDENTITY, call("tanh")]), IDENTITY
        heads = (g.dims[1] if rank == 4 else None) or 1
    if g.maybe(0.6):
        chosen = _mask(g)
        more["mask"] = tensor_mask(chosen) if g.maybe(0.2) else chosen
    if g.maybe(0.25):
        more["scale"] = 0.5
    length: Any = g.dims[-2] or shape_piece(-2)
    if g.maybe(0.3) and (rank == 4 or heads > 1):
        more["bias"] = g.pick([
            call("alibi", heads, length, length), g.call("relative_bias", heads, queries=length, keys=length)
        ], [call("zeros", [3, 5])])  # fmt: skip
    made = call("attention", q, k, v, **more)
    if heads > 1 and rank == 3:
        made = pipe(made, call("rearrange", "b h t d -> b t (h d)"))
    return made


@chooses("alibi", "relative_bias", weight=0.5)
def _score_bias(g: Maker) -> Piece | None:
    if g.rank != 4 or not g.is_float or g.dims[1] is None or g.dims[1] > 64:
        return None
    length: Any = g.dims[2] or shape_piece(2)
    op = g.pick(["alibi", "relative_bias"])
    heads = g.pick([g.dims[1]], [3, 1])
    bias = (
        call("alibi", heads, length, length)
        if op == "alibi"
        else g.call("relative_bias", heads, queries=length, keys=length)
    )
    return call("attention", IDENTITY, IDENTITY, IDENTITY, bias=bias)


@chooses("rope", weight=0.6)
def _rope(g: Maker) -> Piece | None:
    if not has_features(g) and not g.wild():
        return None
    width = (g.dims[-1] if g.rank else None) or 1
    if width % 2 and not g.wild():
        return None
    return call(
        "rope",
        **g.pick([{}, {"interleaved": True}, {"theta": 500.0}, {"dims": 2}], [{"dims": 3}, {"dims": 64}]),
    )


@chooses("sinusoidal", "sinusoidal_2d", weight=0.5)
def _table(g: Maker) -> Piece | None:
    if not has_features(g):
        return None
    width = g.dims[-1] or 1
    if g.rank >= 3 and (width % 4 == 0 or g.wild()) and g.maybe(0.5):
        a, b = (g.dims[-3] or shape_piece(-3)), (g.dims[-2] or shape_piece(-2))
        return infixed(IDENTITY, "+", call("sinusoidal_2d", a, b, g.pick([width], [7])))
    return infixed(
        IDENTITY, "+", call("sinusoidal", g.dims[-2] or shape_piece(-2), g.pick([width], [width + 1]))
    )


@chooses("rnn", "lstm", "gru", weight=0.5)
def _recurrence(g: Maker) -> Piece | None:
    if (g.rank != 3 or not has_features(g)) and not g.wild():
        return None
    op = g.pick(["rnn", "lstm", "gru"])
    hidden, layers = g.pick([8, 4]), g.pick([1, 1, 2])
    more: dict[str, Any] = {"bidirectional": True} if g.maybe(0.3) else {}
    if g.maybe(0.2):
        more["bias"] = False
    if g.maybe(0.3):
        places = layers * (2 if "bidirectional" in more else 1)
        one = call("zeros", [g.pick([places], [3]), shape_piece(0), hidden])
        more["state"] = listed([one, one]) if op == "lstm" else one
    if g.maybe(0.2):
        made = g.call(op, hidden, layers, return_state=True, **more)
        return Piece(f"({made.text})[0]", lambda run, w: made.run(run, w)[0], True, made.ops, True)
    return g.call(op, hidden, layers, **more)


@chooses("rnn_cell", "lstm_cell", "gru_cell", weight=0.5)
def _cell(g: Maker) -> Piece | None:
    if (g.rank != 2 or not has_features(g)) and not g.wild():
        return None
    op = g.pick(["rnn_cell", "lstm_cell", "gru_cell"])
    hidden = g.pick([8, 5])
    h = call("zeros", [shape_piece(0), g.pick([hidden], [3])])
    if op != "lstm_cell":
        return g.call(op, hidden, h)
    made = g.call(op, hidden, h, c=h)
    return Piece(f"({made.text})[0]", lambda run, w: made.run(run, w)[0], True, made.ops, True)


ALIKE = ["mse", "l1", "smooth_l1", "huber", "kl_div", "hinge", "focal", "bce_with_logits", "bce", "giou"]


@chooses(*ALIKE, "cross_entropy", "nll", weight=0.1)
def _loss(g: Maker) -> Piece | None:
    """Losses with ``reduction="none"`` mostly, so that the network can go on."""
    if not g.is_float or not 1 <= g.rank <= 5:
        return None
    more = {"reduction": "none"} if g.maybe(0.8) else {}
    op = g.pick([*ALIKE, "cross_entropy", "nll"])
    if op in ("cross_entropy", "nll"):
        if g.rank < 2:
            return None
        dim = g.pick([1], range(g.rank))
        return call(op, IDENTITY, call("argmax", dim=g.pick([dim], [0])), dim=dim, **more)
    if op == "giou":
        boxes = g.call("linear", 4) if has_features(g) else call("tanh")
        return pipe(boxes, call("giou", IDENTITY, infixed(IDENTITY, "+", number(1)), **more))
    if op == "bce":
        return call(op, call("sigmoid"), call("sigmoid"), **more)
    same = [n for n in g.live(g.rank) if g.values(n)[0].dtype == torch.float32]
    target = name(g.rng.choice(same)) if same and g.maybe(0.4) else call("tanh")
    return call(op, IDENTITY, target, **more)


__all__ = ["dtype", "has_features", "linear"]
