"""The oracle for sequences: linear, norms over features, attention with masks, positions, recurrences, losses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.random_networks.meaning import means, need_float, simple, strict
from tests.random_networks.pieces import Piece
from tests.random_networks.runtime import Run

Mask = Callable[[Tensor, int, int], Tensor]  # of the queries, their number and that of the keys


@means("linear", weighted=True)
def _linear(run: Run, x: Tensor, out_features: int, bias: bool = True) -> Any:
    need_float(x)
    features = x.shape[-1]
    return run.module(lambda: nn.Linear(features, out_features, bias))(x)


@means("layer_norm", weighted=True)
def _layer_norm(
    run: Run, x: Tensor, dims: int = 1, elementwise_affine: bool = True, bias: bool = True
) -> Any:
    need_float(x)
    strict(dims > x.dim(), "as many dims as are normalised")
    shape = list(x.shape[-dims:])
    if not elementwise_affine:
        return F.layer_norm(x, shape)
    return run.module(lambda: nn.LayerNorm(shape, bias=bias))(x)


@means("rms_norm", weighted=True)
def _rms_norm(run: Run, x: Tensor, dims: int = 1, elementwise_affine: bool = True) -> Any:
    need_float(x)
    strict(dims > x.dim(), "as many dims as are normalised")
    shape = list(x.shape[-dims:])
    return run.module(lambda: nn.RMSNorm(shape))(x) if elementwise_affine else F.rms_norm(x, shape)


class _PowerNorm(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(features)), nn.Parameter(torch.zeros(features))
        self.register_buffer("running_square", torch.ones(features))
        self.register_buffer("running_gradient", torch.zeros(features))


@means("power_norm", weighted=True)
def _power_norm(run: Run, x: Tensor) -> Tensor:
    need_float(x)
    strict(x.dim() < 2, "a batch of features")
    features = x.shape[-1]
    m = run.module(lambda: _PowerNorm(features))
    return x / torch.sqrt(m.running_square + 1e-5) * m.weight + m.bias


# ----------------------------------------------------------------------------------------------------------- attention


def mask(text: str, see: Mask) -> Piece:
    """A mask by its text; ``see`` is true where a query may look."""
    return Piece(text, lambda run, wire: see)


def tensor_mask(piece: Piece) -> Piece:
    """A bool tensor as a mask."""
    return Piece(
        piece.text,
        lambda run, wire: piece.run(run, wire),
        piece.tight,
        piece.ops,
        piece.weighted,
        piece.names,
    )


def difference(queries: int, keys: int, device: torch.device) -> Tensor:
    """``key - query``."""
    return torch.arange(keys, device=device)[None, :] - torch.arange(queries, device=device)[:, None]


@means("attention", wire=False)
def _attention(
    run: Run, q: Tensor, k: Tensor, v: Tensor, mask: Mask | Tensor | None = None, bias: Tensor | None = None,
    scale: float | None = None,
) -> Tensor:  # fmt: skip
    strict(len({q.dim(), k.dim(), v.dim()}) > 1 or q.dim() < 3, "q, k and v of one rank, from 3")
    strict(q.shape[: max(1, q.dim() - 3)] != k.shape[: max(1, q.dim() - 3)], "a batch does not broadcast")
    strict(k.shape[: max(1, q.dim() - 2)] != v.shape[: max(1, q.dim() - 2)], "a batch does not broadcast")
    seen = mask(q, q.shape[-2], k.shape[-2]) if callable(mask) else mask
    if seen is not None and seen.dim() < 2:
        raise ValueError("a mask has queries and keys")
    scores = (*q.shape[:-1], k.shape[-2])
    extra: Tensor | None = None
    for part in (seen, bias):
        strict(
            part is not None and torch.broadcast_shapes(part.shape, scores) != scores,
            "a mask or bias is no wider",
        )
    empty = None
    if seen is not None:
        empty = ~seen.any(dim=-1, keepdim=True)
        extra = torch.zeros(seen.shape, device=q.device).masked_fill(~(seen | empty), -math.inf)
    if bias is not None:
        extra = bias if extra is None else extra + bias
    grouped = q.dim() > 3 and q.shape[-3] != k.shape[-3]
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=extra, scale=scale, enable_gqa=grouped)
    return y if empty is None else y.masked_fill(empty, 0.0)


@means("rope")
def _rope(
    run: Run, x: Tensor, theta: float = 10000.0, dims: int | None = None, interleaved: bool = False
) -> Tensor:
    strict(x.dim() < 2, "a length and features")
    need_float(x)
    width = x.shape[-1] if dims is None else dims
    strict(width % 2 == 1 or width > x.shape[-1], "pairs of features")
    half = width // 2
    angle = torch.arange(x.shape[-2], device=x.device)[:, None] * theta ** (
        -2 * torch.arange(half, device=x.device, dtype=torch.float32) / width
    )
    turned, rest = x[..., :width], x[..., width:]
    a, b = (turned[..., ::2], turned[..., 1::2]) if interleaved else (turned[..., :half], turned[..., half:])
    c, s = a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()
    both = torch.stack([c, s], -1).flatten(-2) if interleaved else torch.cat([c, s], -1)
    return torch.cat([both.to(x.dtype), rest], -1)


def table(length: int, width: int, device: torch.device) -> Tensor:
    """Sines and cosines by turns."""
    p = torch.arange(length, device=device, dtype=torch.float32)[:, None]
    i = torch.arange(width, device=device)
    angle = p / 10000 ** (2 * (i // 2).float() / width)
    return torch.where(i % 2 == 0, angle.sin(), angle.cos())


means("sinusoidal", wire=False)(lambda run, length, dim: table(length, dim, run.device))


@means("sinusoidal_2d", wire=False)
def _sinusoidal_2d(run: Run, height: int, width: int, dim: int) -> Tensor:
    strict(dim % 4 != 0, "four features for each frequency")
    rows, columns = table(height, dim // 2, run.device), table(width, dim // 2, run.device)
    return torch.cat(
        [rows[:, None].expand(height, width, dim // 2), columns[None].expand(height, width, dim // 2)], -1
    )


@means("alibi", wire=False)
def _alibi(run: Run, heads: int, queries: int, keys: int) -> Tensor:
    def powers(n: int) -> list[float]:
        return [2 ** (-8 * h / n) for h in range(1, n + 1)]

    below = 2 ** int(math.log2(heads))
    slopes = powers(below) + powers(2 * below)[::2][: heads - below]
    m = torch.tensor(slopes, device=run.device)
    return -(m[:, None, None] * difference(queries, keys, run.device).abs())[None]


class _Table(nn.Module):
    def __init__(self, buckets: int, heads: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(buckets, heads))


@means("relative_bias", weighted=True, wire=False)
def _relative_bias(
    run: Run, heads: int, buckets: int = 32, max_distance: int = 128, queries: int = 0, keys: int = 0
) -> Tensor:
    """T5, both directions, after its paper and published code."""
    weight = run.module(lambda: _Table(buckets, heads)).weight
    apart = difference(queries, keys, run.device)
    half = buckets // 2
    bucket = (apart > 0).long() * half
    apart = apart.abs()
    exact = half // 2
    far = exact + (torch.log(apart.float() / exact) / math.log(max_distance / exact) * (half - exact)).long()
    bucket = bucket + torch.where(apart < exact, apart, far.clamp(max=half - 1))
    return weight[bucket].permute(2, 0, 1)[None]


# --------------------------------------------------------------------------------------------------------- recurrences


def _recurrence(cls: Any) -> Any:
    def go(
        run: Run, x: Tensor, hidden_size: int, layers: int = 1, bidirectional: bool = False, bias: bool = True,
        return_state: bool = False, state: Any = None,
    ) -> Any:  # fmt: skip
        need_float(x)
        strict(x.dim() != 3, "a batch of sequences")
        features = x.shape[-1]
        module = run.module(
            lambda: cls(
                features, hidden_size, layers, bias=bias, batch_first=True, bidirectional=bidirectional
            )
        )
        y, last = module(x, tuple(state) if isinstance(state, list) else state)
        if not return_state:
            return y
        return [y, *last] if isinstance(last, tuple) else [y, last]

    return go


def _cell(cls: Any) -> Any:
    def go(
        run: Run, x: Tensor, hidden_size: int, h: Tensor, c: Tensor | None = None, bias: bool = True
    ) -> Any:
        need_float(x, h)
        strict(x.dim() != 2 or h.dim() != 2 or (c is not None and c.dim() != 2), "a batch of features")
        features = x.shape[-1]
        module = run.module(lambda: cls(features, hidden_size, bias))
        return list(module(x, (h, c))) if c is not None else module(x, h)

    return go


for _name in ("RNN", "LSTM", "GRU"):
    means(_name.lower(), weighted=True)(_recurrence(getattr(nn, _name)))
    means(f"{_name.lower()}_cell", weighted=True)(_cell(getattr(nn, f"{_name}Cell")))


# -------------------------------------------------------------------------------------------------------------- losses


def _alike(function: Any) -> Any:
    def go(run: Run, input: Tensor, target: Tensor, reduction: str = "mean", **more: Any) -> Any:
        strict(input.shape != target.shape, "a loss of tensors of one shape")
        need_float(input, target)
        return function(input, target, reduction=reduction, **more)

    return go


def _reduced(x: Tensor, reduction: str) -> Tensor:
    return x.mean() if reduction == "mean" else x.sum() if reduction == "sum" else x


def _bce(x: Tensor, y: Tensor, reduction: str) -> Tensor:
    """Torch looks at the values too, on the CPU: what is no number is none of our concern."""
    return F.binary_cross_entropy(x.nan_to_num(0.5), y.nan_to_num(0.5), reduction=reduction)


def _hinge(x: Tensor, y: Tensor, reduction: str, margin: float = 1.0) -> Tensor:
    return _reduced((margin - y * x).clamp(min=0), reduction)


def _focal(x: Tensor, y: Tensor, reduction: str, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    p = torch.sigmoid(x)
    right = p * y + (1 - p) * (1 - y)
    loss = F.binary_cross_entropy_with_logits(x, y, reduction="none") * (1 - right) ** gamma
    return _reduced(loss * (alpha * y + (1 - alpha) * (1 - y)), reduction)


def _giou(x: Tensor, y: Tensor, reduction: str) -> Tensor:
    strict(x.dim() == 0 or x.shape[-1] != 4, "boxes of four numbers")
    (a, b, c, d), (e, f, g, h) = x.unbind(-1), y.unbind(-1)
    width = torch.minimum(c, g) - torch.maximum(a, e)
    height = torch.minimum(d, h) - torch.maximum(b, f)
    both = torch.where((width > 0) & (height > 0), width * height, torch.zeros_like(width))
    union = (c - a) * (d - b) + (g - e) * (h - f) - both
    hull = (torch.maximum(c, g) - torch.minimum(a, e)) * (torch.maximum(d, h) - torch.minimum(b, f))
    return _reduced(1 - (both / (union + 1e-7) - (hull - union) / (hull + 1e-7)), reduction)


for _name, _function in {
    "mse": F.mse_loss, "l1": F.l1_loss, "smooth_l1": F.smooth_l1_loss, "huber": F.huber_loss, "kl_div": F.kl_div,
    "bce": _bce, "bce_with_logits": F.binary_cross_entropy_with_logits, "hinge": _hinge,
    "focal": _focal, "giou": _giou,
}.items():  # fmt: skip
    means(_name, wire=False)(_alike(_function))


def _classes(function: Any) -> Any:
    def go(run: Run, logits: Tensor, target: Tensor, dim: int, reduction: str = "mean") -> Any:
        need_float(logits)
        strict(logits.dim() < 2, "classes of a batch")
        return function(logits.movedim(dim, 1), target, reduction=reduction)

    return go


means("cross_entropy", wire=False)(_classes(F.cross_entropy))
means("nll", wire=False)(_classes(F.nll_loss))
simple()
