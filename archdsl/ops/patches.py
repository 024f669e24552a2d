"""Sliding windows as columns, and columns summed back into an image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from archdsl.dims import Dim, product
from archdsl.ops import errors
from archdsl.ops.axes import dims_tuple, need_float, numel
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.spatial import extents, per_dim, window_sizes
from archdsl.tensors import TensorType


class Windows(Operator):
    """Windows over two spatial dims."""

    role: ClassVar[Role] = "shape"

    kernel_size: Any
    stride: Any
    padding: Any
    dilation: Any

    def kernel(self) -> tuple[int, ...]:
        """Rows and columns of a window."""
        return per_dim("kernel_size", self.kernel_size, 2)

    def windows(self, spatial: tuple[Dim, ...], sizes: Checker) -> tuple[Dim, ...]:
        """How many windows fit, down and across; raises where an argument is out of range."""
        for argument_name, least in (("kernel_size", 1), ("stride", 1), ("padding", 0), ("dilation", 1)):
            if any(v < least for v in per_dim(argument_name, getattr(self, argument_name), 2)):
                raise errors.bad_argument(
                    argument_name, f"{self.name}: {argument_name} must be {least} or more"
                )
        stride, padding = per_dim("stride", self.stride, 2), per_dim("padding", self.padding, 2)
        extent = extents(self.kernel(), per_dim("dilation", self.dilation, 2))
        return window_sizes(sizes, spatial, extent, stride, padding)

    def keywords(self) -> Mapping[str, Any]:
        """What differs from torch's defaults."""
        given = {"dilation": (self.dilation, 1), "padding": (self.padding, 0), "stride": (self.stride, 1)}
        return {name: value for name, (value, default) in given.items() if value != default}


@operator
@dataclass(frozen=True)
class Unfold(Windows):
    """Every window of an image as a column (``F.unfold``, im2col).

    Shapes: ``[B, C, H, W]`` to ``[B, C * kh * kw, L]``, where L is the number of windows, row by row.

        input x: [B, 3, H=32, W=32]
        unfold(3, padding=1)
    """

    name: ClassVar[str] = "unfold"

    kernel_size: int | tuple[int, ...] = argument("ints", at_least=1)
    stride: int | tuple[int, ...] = argument("ints", 1, at_least=1)
    padding: int | tuple[int, ...] = argument("ints", 0, at_least=0)
    dilation: int | tuple[int, ...] = argument("ints", 1, at_least=1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if x.rank != 4:
            raise errors.wrong_rank("unfold", "[B, C, H, W]", x)
        need_float(self.name, x)
        windows = self.windows(x.shape[2:], sizes)
        shape = (x.shape[0], x.shape[1] * prod(self.kernel()), product(windows))
        return x.with_shape(shape, "first")

    def reach(self, inputs: Types) -> Reach:
        extent = extents(self.kernel(), per_dim("dilation", self.dilation, 2))
        return Reach("window", kernel=extent, stride=per_dim("stride", self.stride, 2))

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn("F.unfold", (Slot(0), self.kernel_size), self.keywords())

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 7, 8), features="first")
        yield Sample((x,), {"kernel_size": 3})
        yield Sample((x,), {"kernel_size": (2, 3), "stride": (2, 1), "padding": (0, 1), "dilation": (3, 2)})
        yield Sample((x,), {"kernel_size": 3, "dilation": 4}, code="E0406")
        yield Sample((x,), {"kernel_size": (1, 2, 3)}, code="E0501")
        yield Sample((x,), {"kernel_size": 0}, code="E0501")
        yield Sample((x,), {"kernel_size": 1, "padding": -1}, code="E0501")
        yield Sample((TensorType((2, 3, 7)),), {"kernel_size": 3}, code="E0404")
        yield Sample((TensorType((2, 3, 7, 8), dtype="int64"),), {"kernel_size": 3}, code="E0405")


@operator
@dataclass(frozen=True)
class Fold(Windows):
    """Columns summed back to where ``unfold`` took them from (``F.fold``, col2im).

    Shapes: ``[B, C * kh * kw, L]`` to ``[B, C, H, W]`` with ``output_size`` H, W, of which there are L windows.

        input x: [B, 12, 64]
        fold(16, 2, stride=2)
    """

    name: ClassVar[str] = "fold"

    output_size: Dim | tuple[Dim, ...] = argument("dims", at_least=1)
    kernel_size: int | tuple[int, ...] = argument("ints", at_least=1)
    stride: int | tuple[int, ...] = argument("ints", 1, at_least=1)
    padding: int | tuple[int, ...] = argument("ints", 0, at_least=0)
    dilation: int | tuple[int, ...] = argument("ints", 1, at_least=1)

    def _output(self) -> tuple[Dim, ...]:
        given = dims_tuple(self.output_size)
        spatial = given * 2 if len(given) == 1 else given
        if len(spatial) != 2:
            raise errors.bad_argument("output_size", f"fold: {len(spatial)} sizes for two spatial dims")
        return spatial

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if x.rank != 3:
            raise errors.wrong_rank("fold", "[B, C * kh * kw, L]", x)
        need_float(self.name, x)
        spatial = self._output()
        for size in spatial:
            sizes.at_least(size, 1, "fold: the output")
        windows, elements = self.windows(spatial, sizes), prod(self.kernel())
        sizes.divisible(x.shape[1], elements, f"fold: dim 1 of {x}", "kernel_size")
        sizes.equal(
            x.shape[2], product(windows), f"fold: dim 2 of {x} and the number of windows in the output"
        )
        return x.with_shape((x.shape[0], x.shape[1] // elements, *spatial), "first")

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """One addition per element that is read."""
        return numel(inputs[0])

    def reach(self, inputs: Types) -> Reach:
        return Reach("none")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn("F.fold", (Slot(0), self._output(), self.kernel_size), self.keywords())

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((TensorType((2, 12, 16)),), {"output_size": 8, "kernel_size": 2, "stride": 2})
        yield Sample(
            (TensorType((2, 12, 24)),),
            {
                "output_size": (7, 8),
                "kernel_size": (2, 3),
                "stride": (2, 1),
                "padding": (0, 1),
                "dilation": (3, 2),
            },
            code="E0401",
        )
        yield Sample(
            (TensorType((2, 12, 12)),),
            {
                "output_size": (7, 8),
                "kernel_size": (2, 3),
                "stride": (2, 1),
                "padding": (0, 1),
                "dilation": (3, 2),
            },
        )
        yield Sample(
            (TensorType((2, 13, 16)),), {"output_size": 8, "kernel_size": 2, "stride": 2}, code="E0407"
        )
        yield Sample((TensorType((2, 12)),), {"output_size": 8, "kernel_size": 2}, code="E0404")
        yield Sample((TensorType((2, 12, 16)),), {"output_size": 1, "kernel_size": 2}, code="E0406")
        yield Sample((TensorType((2, 12, 16)),), {"output_size": (8, 8, 8), "kernel_size": 2}, code="E0501")
        yield Sample(
            (TensorType((2, 12, 16)),), {"output_size": 8, "kernel_size": 2, "stride": 0}, code="E0501"
        )
        yield Sample(
            (TensorType((2, 12, 16), dtype="int64"),),
            {"output_size": 8, "kernel_size": 2, "stride": 2},
            code="E0405",
        )
