"""Normalisation by neighbouring channels, and to unit length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.ops import errors, keeping_layers, passing
from archdsl.ops.base import Fn, Lowered, Mod, Operator, Role, Sample, Slot, Types, Weight, argument
from archdsl.ops.checker import Checker
from archdsl.ops.initializers import Initializer
from archdsl.ops.registry import operator
from archdsl.ops.spatial import int_dim, numel, require_float, require_model_float, spatial_rank
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F


@operator
@dataclass(frozen=True)
class LocalResponseNorm(Operator):
    """``x / (k + alpha / size * sum of x^2 over size neighbouring channels)^beta`` (Krizhevsky et al., 2012).

    ``[B, C, *spatial]``, unchanged. As in torch (``F.local_response_norm``) ``alpha`` is divided by ``size``; the paper
    does not, so its 1e-4 over 5 channels is ``alpha=5e-4`` here. ``elementwise`` counts output elements.

        input image: [B, 3, H=32, W=32]
        conv(8) -> relu -> local_response_norm(5, alpha=5e-4, k=2)
    """

    name: ClassVar[str] = "local_response_norm"
    role: ClassVar[Role] = "normalisation"
    kept = keeping_layers.response_norm
    inside = passing.twice_more

    size: int = argument("int", at_least=1)
    alpha: float = argument("float", 1e-4, keyword_only=True)
    beta: float = argument("float", 0.75, keyword_only=True)
    k: float = argument("float", 1.0, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        spatial_rank(self.name, x)
        require_float(self.name, x)
        return replace(x, features="first")

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        words = {"alpha": (self.alpha, 1e-4), "beta": (self.beta, 0.75), "k": (self.k, 1.0)}
        return Fn(
            "F.local_response_norm",
            (Slot(0), self.size),
            {name: value for name, (value, default) in words.items() if value != default},
        )

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for shape in ((2, 6, 7), (2, 6, 5, 4), (2, 6, 2, 3, 4)):
            yield Sample((TensorType(shape),), {"size": 5})
        yield Sample((TensorType((2, 3, 5, 4)),), {"size": 4, "alpha": 5e-4, "beta": 0.5, "k": 2.0})
        yield Sample((TensorType((2, 3)),), {"size": 5}, "E0404")
        yield Sample((TensorType((2, 3, 4), "int64"),), {"size": 5}, "E0405")


def l2_norm() -> type:
    """The module with a learned scale: torch has none."""

    class L2Norm(nn.Module):
        """Unit length along ``dim``, times a learned scale per channel (Liu et al., "ParseNet")."""

        def __init__(
            self, channels: int, scale: float, dim: int = 1, trailing: int = 0, eps: float = 1e-12
        ) -> None:
            super().__init__()
            self.dim, self.trailing, self.eps = dim, trailing, eps
            self.weight = nn.Parameter(torch.full((channels,), float(scale)))

        def forward(self, x: Tensor) -> Tensor:
            weight = self.weight.view(-1, *[1] * self.trailing)
            return F.normalize(x, dim=self.dim, eps=self.eps) * weight

    return L2Norm


@operator
@dataclass(frozen=True)
class L2Norm(Operator):
    """``x / max(|x|, eps)`` along ``dim``, times a learned scale per element of ``dim`` where ``scale`` is given.

    Any shape, unchanged (``torch.nn.functional.normalize``; with ``scale=20``, its start, SSD's and ParseNet's layer).
    ``elementwise`` counts output elements.

        input x: [B, 512, H=38, W=38]
        l2_norm(scale=20)
    """

    name: ClassVar[str] = "l2_norm"
    role: ClassVar[Role] = "normalisation"
    kept = keeping_layers.unit_length
    inside = passing.unit_length

    dim: int = argument("int", 1, keyword_only=True)
    scale: float | None = argument("float", None, keyword_only=True)
    eps: float = argument("float", 1e-12, above=0, keyword_only=True)
    weight_init: Any = argument("initializer", None, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if not -x.rank <= self.dim < x.rank:
            raise errors.bad_dim(self.name, self.dim, x)
        if self.scale is None:
            require_float(self.name, x)
            return x
        require_model_float(self.name, x)
        sizes.constant(x.shape[self.dim], "the number of channels that are scaled")
        return x

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        if self.scale is None:
            return ()
        start = self.weight_init or Initializer("constant", (("val", self.scale),))
        return (Weight("weight", (int_dim(inputs[0], self.dim),), start),)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        (x,) = inputs
        words: dict[str, Any] = {} if self.dim == 1 else {"dim": self.dim}
        eps = {} if self.eps == 1e-12 else {"eps": self.eps}
        if self.scale is None:
            return Fn("F.normalize", (Slot(0),), words | eps)
        trailing = x.rank - 1 - self.dim % x.rank
        words |= {"trailing": trailing} if trailing else {}
        return Mod(l2_norm, (int_dim(x, self.dim), self.scale), words | eps)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 6, 5, 4))
        yield Sample((x,), {"scale": 20})
        yield Sample((x,))
        yield Sample((x,), {"dim": -1, "scale": 1.5, "eps": 1e-6})
        yield Sample((x,), {"dim": -2, "eps": 1e-6})
        yield Sample((TensorType((2, 6), "float16"),))
        yield Sample((x,), {"dim": 4}, "E0409")
        yield Sample((TensorType((6,)),), {}, "E0409")
        yield Sample((TensorType((2, 3), "int64"),), {}, "E0405")
        yield Sample((TensorType((2, 3), "float16"),), {"scale": 20}, "E0405")
