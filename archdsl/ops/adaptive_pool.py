"""Pools with a given output size, and pools over the whole extent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from archdsl.dims import Dim
from archdsl.ops import keeping, keeping_layers
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.spatial import numel, per_dim, require_float, short, spatial_rank
from archdsl.tensors import TensorType

Ints = int | tuple[int, ...]


@dataclass(frozen=True)
class AdaptivePool(Operator):
    """What the adaptive pools share."""

    role: ClassVar[Role] = "pool"

    output_size: Ints = argument("ints", at_least=1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        rank = spatial_rank(self.name, x)
        require_float(self.name, x)
        size = per_dim("output_size", self.output_size, rank)
        return replace(x, shape=(*x.shape[:2], *size), features="first", values=None)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        rank = inputs[0].rank - 2
        return Fn(f"F.{self.name}{rank}d", (Slot(0), short(per_dim("output_size", self.output_size, rank))))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((TensorType((2, 4, 9, 13)),), {"output_size": 1})
        yield Sample((TensorType((2, 4, 9, 13)),), {"output_size": (3, 5)})
        yield Sample((TensorType((2, 4, 9)),), {"output_size": 12})
        yield Sample((TensorType((2, 4, 4, 5, 6)),), {"output_size": (1, 2, 4)})
        yield Sample((TensorType((2, 4, 9)),), {"output_size": (3, 5)}, "E0501")
        yield Sample((TensorType((2, 4)),), {"output_size": 1}, "E0404")
        yield Sample((TensorType((2, 4, 9), "int64"),), {"output_size": 1}, "E0405")


@operator
@dataclass(frozen=True)
class AdaptiveAvgPool(AdaptivePool):
    """Means over ``output_size`` bins per dim, whatever the input's size (``torch.nn.functional.adaptive_avg_pool2d``).

    ``[B, C, *spatial]`` to ``[B, C, *output_size]``; bin ``i`` of ``n`` covers ``floor(i size / n)`` up to, not
    including, ``ceil((i + 1) size / n)``. ``elementwise`` counts output elements.

        input image: [B, 8, H=32, W=48]
        adaptive_avg_pool([2, 3])
    """

    name: ClassVar[str] = "adaptive_avg_pool"
    kept = keeping_layers.adaptive_average


@operator
@dataclass(frozen=True)
class AdaptiveMaxPool(AdaptivePool):
    """Largest values over ``output_size`` bins per dim (``torch.nn.functional.adaptive_max_pool2d``).

    ``[B, C, *spatial]`` to ``[B, C, *output_size]``; the bins are those of ``adaptive_avg_pool``. ``elementwise``
    counts output elements.

        input image: [B, 8, H=32, W=48]
        adaptive_max_pool(4)
    """

    name: ClassVar[str] = "adaptive_max_pool"
    kept = keeping.places


@dataclass(frozen=True)
class GlobalPool(Operator):
    """What the global pools share."""

    role: ClassVar[Role] = "pool"
    method: ClassVar[str]

    keep: bool = argument("bool", False)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        spatial_rank(self.name, x)
        require_float(self.name, x)
        kept: tuple[Dim, ...] = (1,) * (x.rank - 2) if self.keep else ()
        return replace(x, shape=(*x.shape[:2], *kept), features="first", values=None)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        dims = tuple(range(2, inputs[0].rank))
        return Fn(self.method, (Slot(0), short(dims)), {"keepdim": True} if self.keep else {})

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for shape in ((2, 4, 9), (2, 4, 9, 13), (2, 4, 4, 5, 6)):
            yield Sample((TensorType(shape),))
            yield Sample((TensorType(shape),), {"keep": True})
        yield Sample((TensorType((2, 4)),), {}, "E0404")
        yield Sample((TensorType((2, 4, 9), "int64"),), {}, "E0405")


@operator
@dataclass(frozen=True)
class GlobalAvgPool(GlobalPool):
    """The mean over all positions (Lin et al., "Network in Network").

    ``[B, C, *spatial]`` to ``[B, C]``, or to ``[B, C, 1, ...]`` with ``keep``. ``elementwise`` counts output elements.

        input image: [B, 8, H=32, W=32]
        global_avg_pool -> linear(10)
    """

    name: ClassVar[str] = "global_avg_pool"
    method: ClassVar[str] = ".mean"
    kept = keeping.nothing


@operator
@dataclass(frozen=True)
class GlobalMaxPool(GlobalPool):
    """The largest value over all positions.

    ``[B, C, *spatial]`` to ``[B, C]``, or to ``[B, C, 1, ...]`` with ``keep``. ``elementwise`` counts output elements.

        input image: [B, 8, H=32, W=32]
        global_max_pool(keep=true)
    """

    name: ClassVar[str] = "global_max_pool"
    method: ClassVar[str] = ".amax"
    kept = keeping.wire_and_result
