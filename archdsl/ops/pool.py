"""Pools with a window: the largest value, or the mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from archdsl.dims import Dim, ceil_div, render
from archdsl.ops import errors, keeping
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.spatial import (
    extents,
    numel,
    per_dim,
    require_float,
    short,
    side,
    spatial_rank,
    window_sizes,
)
from archdsl.tensors import TensorType

Ints = int | tuple[int, ...]
Window = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]


def pooled(operator: str, x: TensorType, window: Window, ceil_mode: bool, sizes: Checker) -> TensorType:
    """The type after a pool, as torch computes it (``pooling_output_shape``).

    With ``ceil_mode`` windows may hang over the end, but each must start in the input or in the padding before it.
    """
    kernel, stride, padding, dilation = window
    extent = extents(kernel, dilation)
    for p, k in zip(padding, kernel, strict=True):
        if p > k // 2:  # of the kernel as written: torch leaves dilation out here
            raise errors.bad_argument(
                "padding", f"{operator} pads by {p}, more than half its kernel_size of {k}"
            )
    if not ceil_mode:
        spatial = window_sizes(sizes, x.shape[2:], extent, stride, padding)
    else:
        spatial = tuple(
            _ceil_size(h, e, s, p, side(x.rank - 2, i), sizes)
            for i, (h, e, s, p) in enumerate(zip(x.shape[2:], extent, stride, padding, strict=True))
        )
    return replace(x, shape=(*x.shape[:2], *spatial), features="first", values=None)


def _ceil_size(h: Dim, extent: int, stride: int, padding: int, name: str, sizes: Checker) -> Dim:
    if extent - padding < stride:
        # Rounding up could start a window past the input: the last start in input or padding decides.
        return (h + (padding - 1)) // stride + 1
    needed = extent - stride + 1
    arithmetic = (
        f"{name} {render(h)} + 2 * {padding} padding, a window of {extent} that may hang over by {stride - 1}"
    )
    sizes.at_least(h + 2 * padding, needed, f"the padded {name}", arithmetic)
    return ceil_div(h + (2 * padding - extent), stride) + 1


def _keywords(window: Window, **rest: Any) -> dict[str, Any]:
    """What differs from torch's defaults; the stride is the kernel's size there."""
    kernel, stride, padding, dilation = window
    words: dict[str, Any] = {}
    if stride != kernel:
        words["stride"] = short(stride)
    if any(padding):
        words["padding"] = short(padding)
    if set(dilation) != {1}:
        words["dilation"] = short(dilation)
    return words | rest


@operator
@dataclass(frozen=True)
class MaxPool(Operator):
    """The largest value of each window (``torch.nn.functional.max_pool1d``, ``2d``, ``3d`` by the input's rank).

    ``[B, C, *spatial]`` to ``[B, C, *floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1]``; rounded up
    with ``ceil_mode``, unless the last window would start in the padding after the input. The stride is the kernel's
    size unless it is written. ``elementwise`` counts output elements.

        input image: [B, 8, H=32, W=32]
        max_pool(3, 2, padding=1) -> max_pool(2)
    """

    name: ClassVar[str] = "max_pool"
    role: ClassVar[Role] = "pool"
    kept = keeping.places

    kernel_size: Ints = argument("ints", at_least=1)
    stride: Ints | None = argument("ints", None, at_least=1)
    padding: Ints = argument("ints", 0, at_least=0)
    ceil_mode: bool = argument("bool", False)
    dilation: Ints = argument("ints", 1, at_least=1, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        rank = spatial_rank(self.name, x)
        require_float(self.name, x)
        return pooled(self.name, x, self._window(rank), self.ceil_mode, sizes)

    def _window(self, rank: int) -> Window:
        kernel = per_dim("kernel_size", self.kernel_size, rank)
        stride = kernel if self.stride is None else per_dim("stride", self.stride, rank)
        return (
            kernel,
            stride,
            per_dim("padding", self.padding, rank),
            per_dim("dilation", self.dilation, rank),
        )

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    def reach(self, inputs: Types) -> Reach:
        kernel, stride, _, dilation = self._window(inputs[0].rank - 2)
        return Reach("window", extents(kernel, dilation), stride)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        rank = inputs[0].rank - 2
        window = self._window(rank)
        words = _keywords(window, **({"ceil_mode": True} if self.ceil_mode else {}))
        return Fn(f"F.max_pool{rank}d", (Slot(0), short(window[0])), words)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        line, image, volume = TensorType((2, 4, 20)), TensorType((2, 4, 16, 13)), TensorType((1, 2, 6, 7, 8))
        yield Sample((image,), {"kernel_size": 2})
        yield Sample((image,), {"kernel_size": 3, "stride": 2, "padding": 1})
        yield Sample((image,), {"kernel_size": 3, "stride": 2, "ceil_mode": True})
        yield Sample(
            (image,), {"kernel_size": (2, 3), "stride": (3, 1), "padding": (1, 0), "ceil_mode": True}
        )
        yield Sample((line,), {"kernel_size": 3, "dilation": 4, "padding": 1})
        yield Sample((volume,), {"kernel_size": (1, 2, 3), "stride": 2, "dilation": (2, 1, 2)})
        yield Sample((TensorType((2, 4, 1)),), {"kernel_size": 2, "ceil_mode": True})
        yield from _refused()
        yield Sample((image,), {"kernel_size": 3, "dilation": (1, 1, 1)}, "E0501")


@operator
@dataclass(frozen=True)
class AvgPool(Operator):
    """The mean of each window (``torch.nn.functional.avg_pool1d``, ``2d``, ``3d`` by the input's rank).

    ``[B, C, *spatial]`` to ``[B, C, *floor((size + 2 padding - kernel) / stride) + 1]``; rounded up with ``ceil_mode``,
    unless the last window would start in the padding after the input. Padding counts as zeros, or not at all with
    ``count_include_pad=false``. The stride is the kernel's size unless it is written. ``elementwise`` counts output
    elements.

        input image: [B, 8, H=32, W=32]
        avg_pool(3, 1, padding=1) -> avg_pool(2)
    """

    name: ClassVar[str] = "avg_pool"
    role: ClassVar[Role] = "pool"

    kernel_size: Ints = argument("ints", at_least=1)
    stride: Ints | None = argument("ints", None, at_least=1)
    padding: Ints = argument("ints", 0, at_least=0)
    ceil_mode: bool = argument("bool", False)
    count_include_pad: bool = argument("bool", True, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        rank = spatial_rank(self.name, x)
        require_float(self.name, x)
        if rank == 3:  # torch's avg_pool3d alone wants the input to hold the kernel without its padding
            for i, (h, k) in enumerate(zip(x.shape[2:], self._window(rank)[0], strict=True)):
                sizes.at_least(h, k, f"the {side(rank, i)}", f"avg_pool over 3 dims, a kernel of {k}")
        return pooled(self.name, x, self._window(rank), self.ceil_mode, sizes)

    def _window(self, rank: int) -> Window:
        kernel = per_dim("kernel_size", self.kernel_size, rank)
        stride = kernel if self.stride is None else per_dim("stride", self.stride, rank)
        return kernel, stride, per_dim("padding", self.padding, rank), (1,) * rank

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    def reach(self, inputs: Types) -> Reach:
        kernel, stride, _, _ = self._window(inputs[0].rank - 2)
        return Reach("window", kernel, stride)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        rank = inputs[0].rank - 2
        window = self._window(rank)
        words = _keywords(window, **({"ceil_mode": True} if self.ceil_mode else {}))
        words |= {} if self.count_include_pad else {"count_include_pad": False}
        return Fn(f"F.avg_pool{rank}d", (Slot(0), short(window[0])), words)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        line, image, volume = TensorType((2, 4, 20)), TensorType((2, 4, 16, 13)), TensorType((1, 2, 6, 7, 8))
        yield Sample((image,), {"kernel_size": 2})
        yield Sample((image,), {"kernel_size": 3, "stride": 1, "padding": 1, "count_include_pad": False})
        yield Sample(
            (image,), {"kernel_size": (2, 3), "stride": (3, 1), "padding": (1, 0), "ceil_mode": True}
        )
        yield Sample((line,), {"kernel_size": 5, "stride": 4, "padding": 2, "ceil_mode": True})
        yield Sample((volume,), {"kernel_size": (1, 2, 3), "stride": 2})
        yield Sample((TensorType((1, 2, 6, 2, 8)),), {"kernel_size": 3, "padding": 1}, "E0406")
        yield from _refused()


def _refused() -> Iterable[Sample]:
    """What neither pool takes."""
    image = TensorType((2, 4, 16, 13))
    yield Sample((image,), {"kernel_size": 2, "padding": 2}, "E0501")
    yield Sample((image,), {"kernel_size": (2, 2, 2)}, "E0501")
    yield Sample((image,), {"kernel_size": 2, "stride": (1, 1, 1)}, "E0501")
    yield Sample((image,), {"kernel_size": 14}, "E0406")
    yield Sample((image,), {"kernel_size": 20, "stride": 2, "ceil_mode": True}, "E0406")
    yield Sample((TensorType((2, 4)),), {"kernel_size": 2}, "E0404")
    yield Sample((TensorType((2, 4, 8, 8), "int64"),), {"kernel_size": 2}, "E0405")
