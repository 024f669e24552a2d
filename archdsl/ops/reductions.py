"""Reductions over named dims: sums, means, extremes, products, norms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from archdsl.ops import keeping, keeping_layers
from archdsl.ops.axes import in_model_dtype, need_float, resolve_dims
from archdsl.ops.base import Fn, Lowered, Sample, Slot, Types, argument
from archdsl.ops.reducing import Reduction
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType


class FloatReduction(Reduction):
    """Reductions that torch has for floats only."""

    def dtype(self, x: TensorType) -> str:
        need_float(self.name, x)
        return x.dtype

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for sample in super().samples():
            x = sample.inputs[0]
            yield sample if x.is_float or sample.code else replace(sample, code="E0405")


@operator
@dataclass(frozen=True)
class Sum(Reduction):
    """The sum over ``dim``, a dim or a list of them (``torch.sum``).

    Shapes: the reduced dims are gone, or 1 with ``keep=true``. Whole numbers and bools add up to int.

        input x: [B, T=8, 16]
        sum(dim=1)
    """

    name: ClassVar[str] = "sum"
    function: ClassVar[str] = "torch.sum"
    kept = keeping.nothing

    dim: int | tuple[int, ...] = argument("ints", keyword_only=True)
    keep: bool = argument("bool", False, keyword_only=True)

    def dtype(self, x: TensorType) -> str:
        return x.dtype if x.is_float else "int64"


@operator
@dataclass(frozen=True)
class Mean(FloatReduction):
    """The mean over ``dim``, a dim or a list of them (``torch.mean``). Floats only.

    Shapes: the reduced dims are gone, or 1 with ``keep=true``.

        input x: [B, T=8, 16]
        mean(dim=1)
    """

    name: ClassVar[str] = "mean"
    function: ClassVar[str] = "torch.mean"
    kept = keeping.nothing

    dim: int | tuple[int, ...] = argument("ints", keyword_only=True)
    keep: bool = argument("bool", False, keyword_only=True)


@operator
@dataclass(frozen=True)
class Max(Reduction):
    """The greatest value over ``dim``, a dim or a list of them (``torch.amax``).

    Shapes: the reduced dims are gone, or 1 with ``keep=true``. Equal ones share the gradient.

        input x: [B, T=8, 16]
        max(dim=1)
    """

    name: ClassVar[str] = "max"
    function: ClassVar[str] = "torch.amax"

    dim: int | tuple[int, ...] = argument("ints", keyword_only=True)
    keep: bool = argument("bool", False, keyword_only=True)


@operator
@dataclass(frozen=True)
class Min(Reduction):
    """The least value over ``dim``, a dim or a list of them (``torch.amin``).

    Shapes: the reduced dims are gone, or 1 with ``keep=true``. Equal ones share the gradient.

        input x: [B, T=8, 16]
        min(dim=1)
    """

    name: ClassVar[str] = "min"
    function: ClassVar[str] = "torch.amin"

    dim: int | tuple[int, ...] = argument("ints", keyword_only=True)
    keep: bool = argument("bool", False, keyword_only=True)


@operator
@dataclass(frozen=True)
class Prod(Reduction):
    """The product over ``dim``, a dim or a list of them (``torch.prod``).

    Shapes: the reduced dims are gone, or 1 with ``keep=true``. Whole numbers and bools give int.

        input x: [B, T=8, 16]
        prod(dim=1)
    """

    name: ClassVar[str] = "prod"
    function: ClassVar[str] = "torch.prod"
    kept = keeping_layers.products_over_dims

    dim: int | tuple[int, ...] = argument("ints", keyword_only=True)
    keep: bool = argument("bool", False, keyword_only=True)

    def dtype(self, x: TensorType) -> str:
        return x.dtype if x.is_float else "int64"

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        # torch multiplies over one dim at a time; from the last one, so that the others keep their numbers.
        dims = sorted(resolve_dims(self.name, self.dim, inputs[0]), reverse=True)
        called: Lowered = Slot(0)
        for dim in dims:
            called = Fn(".prod", (called, dim), {"keepdim": True} if self.keep else {})
        return called


@operator
@dataclass(frozen=True)
class LogSumExp(Reduction):
    """``log(sum(exp(x)))`` over ``dim``, computed without overflow (``torch.logsumexp``).

    Shapes: the reduced dims are gone, or 1 with ``keep=true``. Whole numbers become floats.

        input x: [B, T=8, 16]
        logsumexp(dim=1)
    """

    name: ClassVar[str] = "logsumexp"
    function: ClassVar[str] = "torch.logsumexp"

    dim: int | tuple[int, ...] = argument("ints", keyword_only=True)
    keep: bool = argument("bool", False, keyword_only=True)

    def dtype(self, x: TensorType) -> str:
        return x.dtype if x.is_float else "float32"

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return in_model_dtype(self.call(inputs), outputs[0].dtype, inputs)


@operator
@dataclass(frozen=True)
class NormP(FloatReduction):
    """The p-norm ``sum(|x| ** p) ** (1 / p)`` over ``dim`` (``torch.linalg.vector_norm``).

    Shapes: the reduced dims are gone, or 1 with ``keep=true``. Floats only; ``p`` may be 0 (how many are not 0).

        input x: [B, T=8, 16]
        norm_p(2, dim=-1)
    """

    name: ClassVar[str] = "norm_p"
    function: ClassVar[str] = "torch.linalg.vector_norm"

    dim: int | tuple[int, ...] = argument("ints", keyword_only=True)
    keep: bool = argument("bool", False, keyword_only=True)
    p: float = argument("float", 2.0)

    def call(self, inputs: Types) -> Fn:
        found = super().call(inputs)
        return Fn(found.target, (*found.args, self.p), found.kwargs)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        for p in (0, 1, 2.5):
            yield Sample((TensorType((2, 3, 4)),), {"dim": (0, 2), "p": p})


@operator
@dataclass(frozen=True)
class Var(FloatReduction):
    """The variance over ``dim``, a dim or a list of them (``torch.var``). Floats only.

    Shapes: the reduced dims are gone, or 1 with ``keep=true``.

    Divides by the number of elements less ``correction``: 1 for that of a sample, 0 for that of the whole.

        input x: [B, T=8, 16]
        var(dim=1)
    """

    name: ClassVar[str] = "var"
    function: ClassVar[str] = "torch.var"
    kept = keeping.wire

    dim: int | tuple[int, ...] = argument("ints", keyword_only=True)
    keep: bool = argument("bool", False, keyword_only=True)
    correction: float = argument("float", 1, keyword_only=True)

    def call(self, inputs: Types) -> Fn:
        found = super().call(inputs)
        extra = {} if self.correction == 1 else {"correction": self.correction}
        return Fn(found.target, found.args, {**found.kwargs, **extra})

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield Sample((TensorType((2, 3, 4)),), {"dim": (0, 2), "correction": 0})


@operator
@dataclass(frozen=True)
class Std(FloatReduction):
    """The standard deviation over ``dim``, a dim or a list of them (``torch.std``). Floats only.

    Shapes: the reduced dims are gone, or 1 with ``keep=true``.

    Divides by the number of elements less ``correction``: 1 for that of a sample, 0 for that of the whole.

        input x: [B, T=8, 16]
        std(dim=1)
    """

    name: ClassVar[str] = "std"
    function: ClassVar[str] = "torch.std"

    dim: int | tuple[int, ...] = argument("ints", keyword_only=True)
    keep: bool = argument("bool", False, keyword_only=True)
    correction: float = argument("float", 1, keyword_only=True)

    def call(self, inputs: Types) -> Fn:
        found = super().call(inputs)
        extra = {} if self.correction == 1 else {"correction": self.correction}
        return Fn(found.target, found.args, {**found.kwargs, **extra})

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield Sample((TensorType((2, 3, 4)),), {"dim": (0, 2), "correction": 0})
