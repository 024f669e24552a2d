"""Biases added to attention's scores that depend on the distance of query and key."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.dims import Dim
from archdsl.ops import errors, keeping_products, passing
from archdsl.ops.axes import DEVICE, DTYPE
from archdsl.ops.base import Fn, Lowered, Mod, Operator, Reach, Role, Sample, Types, Weight, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@operator
@dataclass(frozen=True)
class RelativeBias(Operator):
    """T5's relative position bias (Raffel et al., 2020): a learned number per head and bucket of ``key - query``.

    Half of the buckets of a direction are single distances, the other half grow logarithmically up to
    ``max_distance``; all beyond share the last. ``bidirectional`` gives each direction half of the buckets, else keys
    after the query share bucket 0.

    Shape: ``[1, heads, queries, keys]``; parameters ``buckets * heads``.

        input x: [B, 8, T=16, 64]
        attention(id, id, id, bias=relative_bias(8, queries=T, keys=T))
    """

    name: ClassVar[str] = "relative_bias"
    role: ClassVar[Role] = "position"
    takes_wire: ClassVar[bool] = False
    kept = keeping_products.buckets
    inside = passing.distances

    heads: int = argument("int", at_least=1)
    buckets: int = argument("int", 32, at_least=2)
    max_distance: int = argument("int", 128, at_least=1)
    bidirectional: bool = argument("bool", True)
    _: KW_ONLY
    queries: Dim = argument("dim", keyword_only=True, at_least=1)
    keys: Dim = argument("dim", keyword_only=True, at_least=1)
    weight_init: Any = argument("initializer", None, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        exact = (self.buckets // 2 if self.bidirectional else self.buckets) // 2
        if exact < 1:
            raise errors.bad_argument(
                "buckets", f"buckets={self.buckets}: in both directions there must be at least 4"
            )
        if self.max_distance <= exact:
            raise errors.bad_argument(
                "max_distance",
                f"max_distance={self.max_distance} must be more than {exact}, the distances with a bucket of their own",
            )
        _check_lengths(self.queries, self.keys, sizes)
        return TensorType((1, self.heads, self.queries, self.keys))

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        return (Weight("weight", (self.buckets, self.heads), self.weight_init),)

    def reach(self, inputs: Types) -> Reach:
        return Reach("none")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        arguments = (self.queries, self.keys, self.buckets, self.max_distance, self.bidirectional)
        buckets = Fn(relative_buckets, arguments, {"device": DEVICE})
        table = Mod("nn.Embedding", (self.buckets, self.heads), inputs=(buckets,))
        return Fn(".unsqueeze", (Fn(".permute", (table, 2, 0, 1)), 0))

    def caption(self, inputs: Types, outputs: Types) -> str:
        return f"relative_bias {self.heads}"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        lengths = {"queries": 5, "keys": 7}
        yield Sample((), {"heads": 4, **lengths})
        yield Sample((), {"heads": 4, "buckets": 8, "max_distance": 6, **lengths})
        yield Sample((), {"heads": 4, "buckets": 4, "bidirectional": False, **lengths})
        yield Sample((), {"heads": 4, "buckets": 3, **lengths}, code="E0501")
        yield Sample((), {"heads": 4, "buckets": 32, "max_distance": 8, **lengths}, code="E0501")
        yield Sample((), {"heads": 4, "queries": 0, "keys": 7}, code="E0406")


@operator
@dataclass(frozen=True)
class Alibi(Operator):
    """Attention with linear biases (Press et al., 2022): ``-m_h |query - key|``, constant.

    The slopes ``m_h`` are ``2 ** (-8 h / heads)`` for h = 1..heads where heads is a power of two; else those of the
    power below, and every other one of the power above.

    Shape: ``[1, heads, queries, keys]``.

        input x: [B, 8, T=16, 64]
        attention(id, id, id, mask=causal, bias=alibi(8, T, T))
    """

    name: ClassVar[str] = "alibi"
    role: ClassVar[Role] = "position"
    takes_wire: ClassVar[bool] = False
    inside = passing.slopes

    heads: int = argument("int", at_least=1)
    queries: Dim = argument("dim", at_least=1)
    keys: Dim = argument("dim", at_least=1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        _check_lengths(self.queries, self.keys, sizes)
        return TensorType((1, self.heads, self.queries, self.keys))

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """The biases."""
        (y,) = outputs
        assert isinstance(y.numel, int)
        return y.numel

    def reach(self, inputs: Types) -> Reach:
        return Reach("none")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(alibi_bias, (self.heads, self.queries, self.keys), {"device": DEVICE, "dtype": DTYPE})

    def caption(self, inputs: Types, outputs: Types) -> str:
        return f"alibi {self.heads}"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((), {"heads": 8, "queries": 5, "keys": 7})
        yield Sample((), {"heads": 6, "queries": 5, "keys": 5})
        yield Sample((), {"heads": 1, "queries": 1, "keys": 1})
        yield Sample((), {"heads": 8, "queries": 5, "keys": 0}, code="E0406")


def _check_lengths(queries: Dim, keys: Dim, sizes: Checker) -> None:
    sizes.at_least(queries, 1, "the queries of the score bias")
    sizes.at_least(keys, 1, "the keys of the score bias")


# ------------------------------------------------------------------------------------- helpers of the emitted source


def relative_buckets(
    queries: int, keys: int, buckets: int, max_distance: int, bidirectional: bool, device: torch.device
) -> Tensor:
    """[queries, keys]: the bucket of each distance, as T5 counts them."""
    offset = torch.arange(keys, device=device) - torch.arange(queries, device=device)[:, None]
    if bidirectional:
        buckets //= 2
        first, distance = (offset > 0) * buckets, offset.abs()
    else:
        first, distance = torch.zeros_like(offset), (-offset).clamp(min=0)
    exact = buckets // 2
    growth = torch.log(distance.clamp(min=1).float() / exact) / math.log(max_distance / exact)
    far = (exact + (growth * (buckets - exact)).long()).clamp(max=buckets - 1)
    return first + torch.where(distance < exact, distance, far)


def alibi_bias(heads: int, queries: int, keys: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """[1, heads, queries, keys]: minus the distance, times the slope of the head."""
    power = 1 << (heads.bit_length() - 1)
    h = torch.arange(1, heads + 1, device=device, dtype=torch.promote_types(dtype, torch.float32))
    slopes = torch.exp2(torch.where(h <= power, -8 * h, 4 - 8 * (h - power)) / power)
    distance = torch.arange(keys, device=device) - torch.arange(queries, device=device)[:, None]
    return (-distance.abs() * slopes[:, None, None]).to(dtype)[None]
