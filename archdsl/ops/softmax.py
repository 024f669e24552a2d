"""What looks along one dim: softmax and its kin, and the gated linear unit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from archdsl.ops import errors, keeping, passing
from archdsl.ops.base import Fn, Lowered, Operator, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.spatial import numel, require_float
from archdsl.tensors import TensorType


@dataclass(frozen=True)
class AlongDim(Operator):
    """What they share."""

    role: ClassVar[Role] = "activation"
    function: ClassVar[str]

    dim: int = argument("int", -1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if not -x.rank <= self.dim < x.rank:
            raise errors.bad_dim(self.name, self.dim, x)
        require_float(self.name, x)
        return x

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(self.function, (Slot(0),), {"dim": self.dim})

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 6, 4), features="last")
        yield Sample((x,))
        for dim in (0, 1, -3):
            yield Sample((x,), {"dim": dim})
        yield Sample((TensorType((2, 4), "float16"),))
        yield Sample((x,), {"dim": 3}, "E0409")
        yield Sample((x,), {"dim": -4}, "E0409")
        yield Sample((TensorType(()),), {}, "E0409")
        yield Sample((TensorType((2, 4), "int64"),), {}, "E0405")


@operator
@dataclass(frozen=True)
class Softmax(AlongDim):
    """``exp(x) / sum of exp(x)`` along ``dim``, by default the last (``torch.nn.functional.softmax``).

    Any shape, unchanged. ``elementwise`` counts output elements.

        input scores: [B, T=10, 64]
        softmax
    """

    name: ClassVar[str] = "softmax"
    function: ClassVar[str] = "F.softmax"
    kept = keeping.result


@operator
@dataclass(frozen=True)
class LogSoftmax(AlongDim):
    """``x - log(sum of exp(x))`` along ``dim``, by default the last (``torch.nn.functional.log_softmax``).

    Any shape, unchanged. ``elementwise`` counts output elements.

        input scores: [B, T=10, 64]
        log_softmax(dim=1)
    """

    name: ClassVar[str] = "log_softmax"
    function: ClassVar[str] = "F.log_softmax"
    kept = keeping.result


@operator
@dataclass(frozen=True)
class Softmin(AlongDim):
    """``softmax(-x)`` along ``dim``, by default the last (``torch.nn.functional.softmin``).

    Any shape, unchanged. ``elementwise`` counts output elements.

        input distances: [B, T=10, 64]
        softmin
    """

    name: ClassVar[str] = "softmin"
    function: ClassVar[str] = "F.softmin"
    kept = keeping.result
    inside = passing.once_more


@operator
@dataclass(frozen=True)
class Glu(AlongDim):
    """``a * sigmoid(b)`` with ``a`` and ``b`` the two halves along ``dim`` (``torch.nn.functional.glu``).

    ``[..., 2 n, ...]`` to ``[..., n, ...]`` (Dauphin et al., 2016). ``elementwise`` counts output elements.

        input x: [B, T=10, 64]
        linear(128) -> glu
    """

    name: ClassVar[str] = "glu"
    function: ClassVar[str] = "F.glu"

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        x = super().shape(inputs, sizes)
        dim = self.dim % x.rank
        sizes.divisible(x.shape[dim], 2, f"the size of dim {self.dim}, which glu splits in two", "dim")
        return replace(x, shape=(*x.shape[:dim], x.shape[dim] // 2, *x.shape[dim + 1 :]))

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn("F.glu", (Slot(0),), {} if self.dim == -1 else {"dim": self.dim})

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield Sample((TensorType((2, 5)),), {}, "E0407")
