"""Convolution over one to three spatial dims."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

from archdsl.dims import render
from archdsl.ops import keeping_layers
from archdsl.ops.base import Lowered, Macs, Mod, Operator, Reach, Role, Sample, Types, Weight, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.spatial import (
    extents,
    int_dim,
    padding_or_default,
    per_dim,
    require_model_float,
    short,
    side,
    spatial_rank,
    window_sizes,
)
from archdsl.tensors import TensorType

Ints = int | tuple[int, ...]


@operator
@dataclass(frozen=True)
class Conv(Operator):
    """Cross-correlation with a learned kernel (``torch.nn.Conv1d``, ``Conv2d``, ``Conv3d`` by the input's rank).

    ``[B, C, *spatial]`` to ``[B, out_channels, *floor((size + 2 padding - dilation (kernel - 1) - 1) / stride) + 1]``;
    parameters ``(prod(kernel) C / groups + bias) out_channels``. Arguments take one number per spatial dim, or one for
    all. Unless it is written, ``padding`` is ``dilation * (kernel_size - 1) // 2`` where the kernel is odd and larger
    than the stride, or 1: the sizes then shrink by the stride alone.

        input image: [B, 3, H=64, W=64]
        conv(16, 7, 2) -> conv(32, [1, 5], groups=4, dilation=2)
    """

    name: ClassVar[str] = "conv"
    role: ClassVar[Role] = "convolution"
    kept = keeping_layers.convolution

    out_channels: int = argument("int", at_least=1)
    kernel_size: Ints = argument("ints", 3, at_least=1)
    stride: Ints = argument("ints", 1, at_least=1)
    padding: Ints | None = argument("ints", None, at_least=0)
    dilation: Ints = argument("ints", 1, at_least=1)
    groups: int = argument("int", 1, at_least=1)
    bias: bool = argument("bool", True)
    padding_mode: str = argument("str", "zeros", choices=("zeros", "reflect", "replicate", "circular"))
    weight_init: Any = argument("initializer", None, keyword_only=True)
    bias_init: Any = argument("initializer", None, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        rank = spatial_rank("conv", x)
        require_model_float("conv", x)
        kernel, stride, padding, dilation = self._window(rank)
        channels = sizes.constant(x.shape[1], "the number of input channels")
        for what, size in (
            ("the input channels in groups", channels),
            ("out_channels in groups", self.out_channels),
        ):
            sizes.divisible(size, self.groups, what, "groups")
        for i, (h, p) in enumerate(zip(x.shape[2:], padding, strict=True)):
            # What is mirrored or wrapped round must be there: reflection leaves out the border itself.
            least = {"reflect": p + 1, "circular": p}.get(self.padding_mode, 0)
            if p and least > 1:
                what = f"the {side(rank, i)} under {self.padding_mode} padding"
                sizes.at_least(h, least, what, f"{render(h)} with {p} padding at each end")
        spatial = window_sizes(sizes, x.shape[2:], extents(kernel, dilation), stride, padding)
        return replace(x, shape=(x.shape[0], self.out_channels, *spatial), features="first", values=None)

    def _window(self, rank: int) -> tuple[tuple[int, ...], ...]:
        """Kernel, stride, padding and dilation, one number per spatial dim each."""
        kernel, stride = per_dim("kernel_size", self.kernel_size, rank), per_dim("stride", self.stride, rank)
        dilation = per_dim("dilation", self.dilation, rank)
        return kernel, stride, padding_or_default(self.padding, kernel, stride, dilation), dilation

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        (x,) = inputs
        kernel = per_dim("kernel_size", self.kernel_size, x.rank - 2)
        weight = Weight(
            "weight", (self.out_channels, int_dim(x, 1) // self.groups, *kernel), self.weight_init
        )
        return (weight, Weight("bias", (self.out_channels,), self.bias_init)) if self.bias else (weight,)

    def macs(self, inputs: Types, outputs: Types) -> Macs:
        (x,), (y,) = inputs, outputs
        kernel = per_dim("kernel_size", self.kernel_size, x.rank - 2)
        assert isinstance(y.numel, int)
        return Macs(convolution=y.numel * prod(kernel) * (int_dim(x, 1) // self.groups))

    def reach(self, inputs: Types) -> Reach:
        kernel, stride, _, dilation = self._window(inputs[0].rank - 2)
        return Reach("window", extents(kernel, dilation), stride)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        (x,) = inputs
        kernel, stride, padding, dilation = self._window(x.rank - 2)
        keywords = {
            "stride": (short(stride), 1),
            "padding": (short(padding), 0),
            "dilation": (short(dilation), 1),
            "groups": (self.groups, 1),
            "bias": (self.bias, True),
            "padding_mode": (self.padding_mode, "zeros"),
        }
        return Mod(
            f"nn.Conv{x.rank - 2}d",
            (int_dim(x, 1), self.out_channels, short(kernel)),
            {name: value for name, (value, default) in keywords.items() if value != default},
        )

    def caption(self, inputs: Types, outputs: Types) -> str:
        kernel, stride, _, dilation = self._window(inputs[0].rank - 2)
        parts = [f"conv {'×'.join(map(str, kernel))}, {self.out_channels}"]
        parts += [f"/{short(stride)}"] if set(stride) != {1} else []
        parts += [f"dilation {short(dilation)}"] if set(dilation) != {1} else []
        parts += [f"groups {self.groups}"] if self.groups != 1 else []
        return ", ".join(parts)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        line, image, volume = TensorType((2, 4, 20)), TensorType((2, 4, 16, 13)), TensorType((1, 2, 6, 7, 8))
        yield Sample((image,), {"out_channels": 6})
        yield Sample((line,), {"out_channels": 6, "kernel_size": 5, "dilation": 3})
        yield Sample((volume,), {"out_channels": 3, "stride": 2})
        yield Sample((image,), {"out_channels": 8, "kernel_size": (7, 1), "stride": (2, 1), "groups": 2})
        yield Sample(
            (image,), {"out_channels": 8, "kernel_size": 4, "stride": 4, "padding": 0, "bias": False}
        )
        yield Sample(
            (image,), {"out_channels": 4, "kernel_size": (2, 3), "padding": (1, 2), "dilation": (3, 2)}
        )
        yield Sample((image,), {"out_channels": 4, "groups": 4, "stride": 2})
        for mode in ("reflect", "replicate", "circular"):
            yield Sample((image,), {"out_channels": 4, "kernel_size": 5, "padding_mode": mode})
        yield Sample((line,), {"out_channels": 4, "kernel_size": 3, "padding": 7, "padding_mode": "reflect"})
        yield Sample(
            (volume,), {"out_channels": 4, "kernel_size": 3, "padding": (0, 1, 2), "padding_mode": "circular"}
        )
        yield Sample(
            (TensorType((2, 4, 8)),), {"out_channels": 4, "padding": 8, "padding_mode": "reflect"}, "E0406"
        )
        yield Sample(
            (TensorType((2, 4, 8)),), {"out_channels": 4, "padding": 9, "padding_mode": "circular"}, "E0406"
        )
        yield Sample((image,), {"out_channels": 6, "kernel_size": 4}, "E0503")
        yield Sample((image,), {"out_channels": 6, "kernel_size": 3, "stride": 3}, "E0503")
        yield Sample((image,), {"out_channels": 6, "kernel_size": (3, 3, 3)}, "E0501")
        yield Sample((image,), {"out_channels": 6, "groups": 3}, "E0407")
        yield Sample((image,), {"out_channels": 6, "groups": 4}, "E0407")
        yield Sample((image,), {"out_channels": 6, "kernel_size": 15, "padding": 0}, "E0406")
        yield Sample((TensorType((2, 4)),), {"out_channels": 6}, "E0404")
        yield Sample((TensorType((2, 4, 3, 3, 3, 3)),), {"out_channels": 6}, "E0404")
        yield Sample((TensorType((2, 4, 8, 8), "int64"),), {"out_channels": 6}, "E0405")
        yield Sample((TensorType((2, 4, 8, 8), "float16"),), {"out_channels": 6}, "E0405")
