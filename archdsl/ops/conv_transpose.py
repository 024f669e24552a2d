"""Transposed convolution: the learned way up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

from archdsl.dims import Dim, render
from archdsl.ops import errors
from archdsl.ops.base import Lowered, Macs, Mod, Operator, Reach, Role, Sample, Types, Weight, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.spatial import extents, int_dim, per_dim, require_model_float, short, side, spatial_rank
from archdsl.tensors import TensorType

Ints = int | tuple[int, ...]


@operator
@dataclass(frozen=True)
class ConvTranspose(Operator):
    """The gradient of a convolution as a layer (``torch.nn.ConvTranspose1d``, ``2d``, ``3d`` by the input's rank).

    ``[B, C, *spatial]`` to ``[B, out_channels, *(size - 1) stride - 2 padding + dilation (kernel - 1) +
    output_padding + 1]``; parameters ``(prod(kernel) out_channels / groups) C + bias out_channels``.
    ``output_padding`` must be smaller than the stride or the dilation.

        input x: [B, 16, H=8, W=8]
        conv_transpose(8, 2, stride=2) -> conv_transpose(4, 3, stride=2, padding=1, output_padding=1)
    """

    name: ClassVar[str] = "conv_transpose"
    role: ClassVar[Role] = "convolution"

    out_channels: int = argument("int", at_least=1)
    kernel_size: Ints = argument("ints", at_least=1)
    stride: Ints = argument("ints", 1, at_least=1)
    padding: Ints = argument("ints", 0, at_least=0)
    output_padding: Ints = argument("ints", 0, at_least=0)
    groups: int = argument("int", 1, at_least=1)
    bias: bool = argument("bool", True)
    dilation: Ints = argument("ints", 1, at_least=1)
    weight_init: Any = argument("initializer", None, keyword_only=True)
    bias_init: Any = argument("initializer", None, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        rank = spatial_rank("conv_transpose", x)
        require_model_float("conv_transpose", x)
        kernel, stride, padding, extra, dilation = self._window(rank)
        channels = sizes.constant(x.shape[1], "the number of input channels")
        for what, size in (
            ("the input channels in groups", channels),
            ("out_channels in groups", self.out_channels),
        ):
            sizes.divisible(size, self.groups, what, "groups")
        spatial: list[Dim] = []
        extent = extents(kernel, dilation)
        for i, (h, e, s, p, o, d) in enumerate(
            zip(x.shape[2:], extent, stride, padding, extra, dilation, strict=True)
        ):
            if o >= max(s, d):
                raise errors.bad_argument(
                    "output_padding",
                    f"output_padding {o} must be smaller than the stride ({s}) or the dilation ({d})",
                )
            out = (h - 1) * s + (e + o - 2 * p)
            arithmetic = f"({render(h)} - 1) * {s} - 2 * {p} + {e} + {o}"
            sizes.at_least(out, 1, f"the {side(rank, i)} of the output", arithmetic)
            spatial.append(out)
        return replace(x, shape=(x.shape[0], self.out_channels, *spatial), features="first", values=None)

    def _window(self, rank: int) -> tuple[tuple[int, ...], ...]:
        """Kernel, stride, padding, output padding and dilation, one number per spatial dim each."""
        return (
            per_dim("kernel_size", self.kernel_size, rank),
            per_dim("stride", self.stride, rank),
            per_dim("padding", self.padding, rank),
            per_dim("output_padding", self.output_padding, rank),
            per_dim("dilation", self.dilation, rank),
        )

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        (x,) = inputs
        kernel = per_dim("kernel_size", self.kernel_size, x.rank - 2)
        shape = (int_dim(x, 1), self.out_channels // self.groups, *kernel)
        weight = Weight("weight", shape, self.weight_init)
        return (weight, Weight("bias", (self.out_channels,), self.bias_init)) if self.bias else (weight,)

    def macs(self, inputs: Types, outputs: Types) -> Macs:
        (x,) = inputs
        kernel = per_dim("kernel_size", self.kernel_size, x.rank - 2)
        assert isinstance(x.numel, int)
        return Macs(convolution=x.numel * prod(kernel) * (self.out_channels // self.groups))

    def reach(self, inputs: Types) -> Reach:
        kernel, stride, _, _, dilation = self._window(inputs[0].rank - 2)
        return Reach("transposed", extents(kernel, dilation), stride)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        (x,) = inputs
        kernel, stride, padding, extra, dilation = self._window(x.rank - 2)
        keywords = {
            "stride": (short(stride), 1),
            "padding": (short(padding), 0),
            "output_padding": (short(extra), 0),
            "groups": (self.groups, 1),
            "bias": (self.bias, True),
            "dilation": (short(dilation), 1),
        }
        return Mod(
            f"nn.ConvTranspose{x.rank - 2}d",
            (int_dim(x, 1), self.out_channels, short(kernel)),
            {name: value for name, (value, default) in keywords.items() if value != default},
        )

    def caption(self, inputs: Types, outputs: Types) -> str:
        kernel, stride, *_ = self._window(inputs[0].rank - 2)
        up = f", ×{short(stride)}" if set(stride) != {1} else ""
        return f"conv_transpose {'×'.join(map(str, kernel))}, {self.out_channels}{up}"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        line, image, volume = TensorType((2, 4, 9)), TensorType((2, 4, 7, 5)), TensorType((1, 2, 3, 4, 5))
        base = {"out_channels": 6, "kernel_size": 3}
        yield Sample((image,), {"out_channels": 6, "kernel_size": 2, "stride": 2})
        yield Sample((line,), base | {"stride": 3, "output_padding": 2})
        yield Sample((volume,), base | {"stride": (1, 2, 3), "padding": (0, 1, 2), "bias": False})
        yield Sample(
            (image,),
            base | {"kernel_size": (4, 3), "groups": 2, "dilation": (1, 3), "output_padding": (0, 2)},
        )
        yield Sample((image,), base | {"padding": 2, "stride": 1})
        yield Sample((image,), base | {"stride": 2, "output_padding": 2}, "E0501")
        yield Sample((image,), base | {"padding": (1, 1, 1)}, "E0501")
        yield Sample((image,), base | {"groups": 4}, "E0407")
        yield Sample((image,), base | {"out_channels": 8, "groups": 8}, "E0407")
        yield Sample((image,), base | {"padding": 4}, "E0406")
        yield Sample((TensorType((2, 4)),), base, "E0404")
        yield Sample((TensorType((2, 4, 8, 8), "int64"),), base, "E0405")
