"""A convolution that shares nothing: every position has a kernel of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.ops import keeping_layers, passing
from archdsl.ops.base import Lowered, Macs, Mod, Operator, Reach, Role, Sample, Types, Weight, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.spatial import (
    int_dim,
    padding_or_default,
    per_dim,
    require_model_float,
    side,
    spatial_rank,
    window_sizes,
)
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    import math

    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F

Ints = int | tuple[int, ...]


def locally_connected() -> type:
    """The module: torch has none."""

    class LocallyConnected(nn.Module):
        """A convolution with a kernel of its own at every output position."""

        def __init__(
            self,
            in_channels: int,
            out_channels: int,
            output_size: tuple[int, ...],
            kernel_size: tuple[int, ...],
            stride: tuple[int, ...],
            padding: tuple[int, ...],
            bias: bool = True,
        ) -> None:
            super().__init__()
            self.output_size, self.kernel_size, self.stride = output_size, kernel_size, stride
            self.sides = [p for p in reversed(padding) for _ in range(2)]
            fan_in = in_channels * math.prod(kernel_size)
            bound = fan_in**-0.5  # as nn.Conv2d starts
            self.weight = nn.Parameter(
                torch.empty(math.prod(output_size), fan_in, out_channels).uniform_(-bound, bound)
            )
            self.bias = (
                nn.Parameter(torch.empty(out_channels, *output_size).uniform_(-bound, bound))
                if bias
                else None
            )

        def forward(self, x: Tensor) -> Tensor:
            x = F.pad(x, self.sides)
            for i, (k, s) in enumerate(zip(self.kernel_size, self.stride, strict=True)):
                x = x.unfold(2 + i, k, s)  # [B, C, *positions, *kernel]
            n = len(self.kernel_size)
            positions, kernel = range(2, 2 + n), range(2 + n, 2 + 2 * n)
            patches = x.permute(*positions, 0, 1, *kernel).flatten(n + 1).flatten(0, n - 1)
            y = torch.bmm(patches, self.weight).permute(1, 2, 0)
            y = y.reshape(*y.shape[:2], *self.output_size)
            return y if self.bias is None else y + self.bias

    return LocallyConnected


@operator
@dataclass(frozen=True)
class LocallyConnected(Operator):
    """A convolution whose kernel is another one at every position (darknet's ``[local]``, LeCun 1989).

    ``[B, C, *spatial]`` to ``[B, out_channels, *floor((size + 2 padding - kernel) / stride) + 1]``; parameters
    ``positions prod(kernel) C out_channels`` and a bias for each output of a sample. ``weight`` is ``[positions,
    C prod(kernel), out_channels]``, positions and kernel in row-major order. The weights fix the input's size; padding
    follows the rule of ``conv``.

        input image: [B, 4, 14, 14]
        locally_connected(8, 3)
    """

    name: ClassVar[str] = "locally_connected"
    role: ClassVar[Role] = "convolution"
    kept = keeping_layers.patches
    inside = passing.patches

    out_channels: int = argument("int", at_least=1)
    kernel_size: Ints = argument("ints", 3, at_least=1)
    stride: Ints = argument("ints", 1, at_least=1)
    padding: Ints | None = argument("ints", None, at_least=0)
    bias: bool = argument("bool", True)
    weight_init: Any = argument("initializer", None, keyword_only=True)
    bias_init: Any = argument("initializer", None, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        rank = spatial_rank(self.name, x)
        require_model_float(self.name, x)
        kernel, stride, padding = self._window(rank)
        sizes.constant(x.shape[1], "the number of input channels")
        spatial = window_sizes(sizes, x.shape[2:], kernel, stride, padding)
        positions = [sizes.constant(s, f"the {side(rank, i)} of the output") for i, s in enumerate(spatial)]
        return replace(x, shape=(x.shape[0], self.out_channels, *positions), features="first", values=None)

    def _window(self, rank: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Kernel, stride and padding, one number per spatial dim each."""
        kernel, stride = per_dim("kernel_size", self.kernel_size, rank), per_dim("stride", self.stride, rank)
        return kernel, stride, padding_or_default(self.padding, kernel, stride, (1,) * rank)

    def _positions(self, x: TensorType) -> tuple[int, ...]:
        kernel, stride, padding = self._window(x.rank - 2)
        return tuple(
            (int_dim(x, 2 + i) + 2 * p - k) // s + 1
            for i, (k, s, p) in enumerate(zip(kernel, stride, padding, strict=True))
        )

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        (x,) = inputs
        kernel, _, _ = self._window(x.rank - 2)
        positions = self._positions(x)
        shape = (prod(positions), int_dim(x, 1) * prod(kernel), self.out_channels)
        weight = Weight("weight", shape, self.weight_init)
        bias = Weight("bias", (self.out_channels, *positions), self.bias_init)
        return (weight, bias) if self.bias else (weight,)

    def macs(self, inputs: Types, outputs: Types) -> Macs:
        (x,), (y,) = inputs, outputs
        assert isinstance(y.numel, int)
        return Macs(convolution=y.numel * int_dim(x, 1) * prod(self._window(x.rank - 2)[0]))

    def reach(self, inputs: Types) -> Reach:
        kernel, stride, _ = self._window(inputs[0].rank - 2)
        return Reach("window", kernel, stride)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        (x,) = inputs
        words = {} if self.bias else {"bias": False}
        window = self._window(x.rank - 2)
        return Mod(locally_connected, (int_dim(x, 1), self.out_channels, self._positions(x), *window), words)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        image = TensorType((2, 3, 8, 7))
        yield Sample((image,), {"out_channels": 5})
        yield Sample((image,), {"out_channels": 5, "kernel_size": (3, 5), "stride": (2, 1), "bias": False})
        yield Sample(
            (TensorType((2, 3, 9)),), {"out_channels": 5, "kernel_size": 4, "stride": 2, "padding": 1}
        )
        yield Sample(
            (TensorType((1, 2, 4, 5, 3)),), {"out_channels": 2, "kernel_size": (1, 2, 3), "padding": 0}
        )
        yield Sample((image,), {"out_channels": 5, "kernel_size": 2}, "E0503")
        yield Sample((image,), {"out_channels": 5, "kernel_size": (3, 3, 3)}, "E0501")
        yield Sample((image,), {"out_channels": 5, "kernel_size": 9, "padding": 0}, "E0406")
        yield Sample((TensorType((2, 3)),), {"out_channels": 5}, "E0404")
        yield Sample((TensorType((2, 3, 8), "int64"),), {"out_channels": 5}, "E0405")
