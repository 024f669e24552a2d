"""The oracle, element by element: activations, arithmetic, comparisons, reductions, sorting, sources."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.random_networks.meaning import DTYPES, means, need_float, numbers, simple, strict
from tests.random_networks.runtime import Run

simple(
    abs=torch.abs, ceil=torch.ceil, cos=torch.cos, erf=torch.erf, exp=torch.exp, floor=torch.floor, isnan=torch.isnan,
    log=torch.log, negative=torch.neg, reciprocal=torch.reciprocal, round=torch.round, rsqrt=torch.rsqrt,
    sign=torch.sign, sin=torch.sin, sqrt=torch.sqrt, square=torch.square, detach=Tensor.detach,
    celu=F.celu, elu=F.elu, hard_sigmoid=F.hardsigmoid, hard_swish=F.hardswish, hardshrink=F.hardshrink,
    hardtanh=F.hardtanh, leaky_relu=F.leaky_relu, logsigmoid=F.logsigmoid, mish=F.mish, relu=F.relu, relu6=F.relu6,
    selu=F.selu, sigmoid=torch.sigmoid, silu=F.silu, softplus=F.softplus, softshrink=F.softshrink, softsign=F.softsign,
    tanh=torch.tanh, glu=F.glu, cumsum=torch.cumsum, cumprod=torch.cumprod,
)  # fmt: skip
simple(
    wire=False, add=torch.add, subtract=torch.sub, multiply=torch.mul, divide=torch.true_divide,
    floor_divide=torch.floor_divide, remainder=torch.remainder, power=torch.pow, equal=torch.eq, not_equal=torch.ne,
    less=torch.lt, less_equal=torch.le, greater=torch.gt, greater_equal=torch.ge, matmul=torch.matmul,
    logical_and=torch.logical_and, logical_or=torch.logical_or, where=torch.where,
)  # fmt: skip
simple(logical_not=torch.logical_not)

INFIX = {
    "+": ("add", operator.add), "-": ("subtract", operator.sub), "*": ("multiply", operator.mul),
    "/": ("divide", operator.truediv), "//": ("floor_divide", operator.floordiv), "%": ("remainder", operator.mod),
    "**": ("power", operator.pow), "@": ("matmul", operator.matmul), "==": ("equal", torch.eq),
    "!=": ("not_equal", torch.ne), "<": ("less", operator.lt), "<=": ("less_equal", operator.le),
    ">": ("greater", operator.gt), ">=": ("greater_equal", operator.ge),
    "and": ("logical_and", torch.logical_and), "or": ("logical_or", torch.logical_or),
    "++": ("concatenate", lambda a, b: torch.cat([a, b], dim=1)),
}  # fmt: skip


@means("maximum", "minimum", wire=False)
def _extreme(run: Run, left: Any, right: Any) -> Any:
    raise NotImplementedError


def _both(function: Any) -> Any:
    def go(run: Run, left: Any, right: Any) -> Any:
        if not isinstance(right, Tensor):
            right = torch.as_tensor(right, device=left.device)
        return function(left, right)

    return go


means("maximum", wire=False)(_both(torch.maximum))
means("minimum", wire=False)(_both(torch.minimum))
means("pow")(lambda run, x, exponent: torch.pow(x, exponent))
means("clamp")(lambda run, x, min=None, max=None: torch.clamp(x, min, max))
means("cast")(lambda run, x, dtype: x.to(dtype))
means("softmax")(lambda run, x, dim=-1: F.softmax(x, dim))
means("softmin")(lambda run, x, dim=-1: F.softmin(x, dim))
means("log_softmax")(lambda run, x, dim=-1: F.log_softmax(x, dim))


@means("gelu")
def _gelu(run: Run, x: Tensor, approximate: str = "none") -> Tensor:
    return x * torch.sigmoid(1.702 * x) if approximate == "sigmoid" else F.gelu(x, approximate=approximate)


@means("prelu", weighted=True)
def _prelu(run: Run, x: Tensor, num_parameters: int = 1, init: float = 0.25) -> Tensor:
    need_float(x)
    found: Tensor = run.module(lambda: nn.PReLU(num_parameters, init))(x)
    return found


def _reduction(function: Any, float_only: bool = False) -> Any:
    def go(run: Run, x: Tensor, dim: Any = None, keep: bool = False, **more: Any) -> Any:
        return function(
            x, dim=dim if dim is None or isinstance(dim, int) else tuple(dim), keepdim=keep, **more
        )

    return go


for _name, _function in {
    "sum": torch.sum, "mean": torch.mean, "max": torch.amax, "min": torch.amin, "logsumexp": torch.logsumexp,
    "var": torch.var, "std": torch.std, "argmax": torch.argmax, "argmin": torch.argmin,
}.items():  # fmt: skip
    means(_name)(_reduction(_function))


@means("any", "all")
def _overall(run: Run, x: Tensor) -> Tensor:
    raise NotImplementedError


def _truth(function: Any) -> Any:
    def go(run: Run, x: Tensor, dim: Any = None, keep: bool = False) -> Tensor:
        dims = list(range(x.dim())) if dim is None else numbers(dim)
        found: Tensor = function(x, dim=tuple(dims), keepdim=keep) if dims else function(x)
        return found

    return go


means("any")(_truth(torch.any))
means("all")(_truth(torch.all))


@means("prod")
def _prod(run: Run, x: Tensor, dim: Any, keep: bool = False) -> Tensor:
    if any(not -x.dim() <= d < x.dim() for d in numbers(dim)):
        raise IndexError("no such dim")
    dims = sorted((d + x.dim() if d < 0 else d for d in numbers(dim)), reverse=True)
    strict(len(set(dims)) < len(dims), "a dim twice")
    for d in dims:
        x = torch.prod(x, d, keepdim=keep)
    return x


@means("norm_p")
def _norm_p(run: Run, x: Tensor, p: float = 2.0, dim: Any = None, keep: bool = False) -> Tensor:
    return torch.linalg.vector_norm(x, p, dim=dim if isinstance(dim, int) else tuple(dim), keepdim=keep)


@means("l2_norm")
def _l2_norm(run: Run, x: Tensor, dim: int = 1, scale: float | None = None) -> Tensor:
    found = F.normalize(x, dim=dim)
    if scale is not None:
        weight = run.module(lambda: _Scale(x.shape[dim])).weight
        found = found * weight.view([-1 if d == dim % x.dim() else 1 for d in range(x.dim())])
    return found


class _Scale(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))


means("sort")(
    lambda run, x, dim=-1, descending=False, stable=True: list(torch.sort(x, dim=dim, descending=descending))
)
means("argsort")(
    lambda run, x, dim=-1, descending=False, stable=True: torch.argsort(x, dim=dim, descending=descending)
)
means("topk")(lambda run, x, k, dim=-1, largest=True: list(torch.topk(x, k, dim=dim, largest=largest)))
means("one_hot")(lambda run, x, classes: _one_hot(x, classes))
means("gather")(lambda run, x, index, dim: torch.gather(x, dim, index))
means("take")(lambda run, x, index, dim: torch.index_select(x, dim, index))


def _one_hot(x: Tensor, classes: int) -> Tensor:
    if x.dtype != torch.int64:
        raise TypeError("one_hot is only applicable to index tensor")
    return torch.nn.functional.one_hot(x, classes)


@means("scatter_add", wire=False)
def _scatter_add(run: Run, index: Tensor, src: Tensor, dim: int, size: int) -> Tensor:
    shape = list(index.shape)
    shape[dim] = size
    return torch.zeros(shape, dtype=src.dtype, device=src.device).scatter_add(dim, index, src)


@means("zeros", "ones", "rand", "randn", wire=False)
def _filled(run: Run, size: Any, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.zeros(numbers(size), dtype=dtype, device=run.device)


means("ones", wire=False)(
    lambda run, size, dtype=torch.float32: torch.ones(numbers(size), dtype=dtype, device=run.device)
)
means("full", wire=False)(lambda run, size, value: torch.full(numbers(size), value, device=run.device))
means("eye", wire=False)(lambda run, n, m=None: torch.eye(n, n if m is None else m, device=run.device))


@means("arange", wire=False)
def _arange(
    run: Run, start: int, end: int | None = None, step: int = 1, dtype: torch.dtype = DTYPES["int"]
) -> Tensor:
    first, last = (0, start) if end is None else (start, end)
    return torch.arange(first, last, step, dtype=dtype, device=run.device)


means("dropout", "drop_path")(lambda run, x, p=0.5: _dropped(x, p))
means("dropout_channels")(lambda run, x, p=0.5: _dropped(x, p, not 3 <= x.dim() <= 5))


def _dropped(x: Tensor, p: float, flat: bool = False) -> Tensor:
    need_float(x)
    strict(flat, "a batch, channels, one to three spatial dims")
    if not 0 <= p <= 1:
        raise ValueError("a probability")
    return x


@means("embedding", weighted=True)
def _embedding(run: Run, x: Tensor, n: int, features: int, padding_idx: int | None = None) -> Any:
    if padding_idx is not None and not -n <= padding_idx < n:
        raise ValueError("padding_idx")
    return run.module(lambda: nn.Embedding(n, features, padding_idx))(x)
