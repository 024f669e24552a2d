"""Deformable convolution: a kernel whose points are moved, at every position, by offsets that are computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.ops import errors, keeping_layers, passing
from archdsl.ops.base import Lowered, Macs, Mod, Operator, Reach, Role, Sample, Slot, Types, Weight, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.spatial import (
    extents,
    int_dim,
    padding_or_default,
    per_dim,
    require_model_float,
    window_sizes,
)
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    import math

    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F

Ints = int | tuple[int, ...]


def deform_conv() -> type:
    """The module: torch has none."""

    class DeformConv(nn.Module):
        """A convolution that reads between the pixels, where its offsets say; what lies outside is zero."""

        def __init__(
            self, in_channels: int, out_channels: int, kernel_size: tuple[int, ...], stride: tuple[int, ...],
            padding: tuple[int, ...], dilation: tuple[int, ...], groups: int = 1, bias: bool = True,
        ) -> None:  # fmt: skip
            super().__init__()
            self.kernel_size, self.stride = kernel_size, stride
            self.padding, self.dilation, self.groups = padding, dilation, groups
            self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *kernel_size))
            self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
            self.reset_parameters()

        def reset_parameters(self) -> None:
            bound = math.prod(self.weight.shape[1:]) ** -0.5  # as nn.Conv2d starts
            nn.init.uniform_(self.weight, -bound, bound)
            if self.bias is not None:
                nn.init.uniform_(self.bias, -bound, bound)

        def forward(self, x: Tensor, offset: Tensor, mask: Tensor | None = None) -> Tensor:
            b, c, h, w = x.shape
            points, height, width = math.prod(self.kernel_size), *offset.shape[2:]
            parts = offset.shape[1] // (2 * points)  # the groups of channels that move together
            offset = offset.reshape(b * parts, points, 2, height, width)
            places = []
            for i, (size, positions) in enumerate(((h, height), (w, width))):
                start = torch.arange(positions, dtype=x.dtype, device=x.device) * self.stride[i]
                inside = torch.arange(self.kernel_size[i], dtype=x.dtype, device=x.device) * self.dilation[i]
                start = start[:, None] if i == 0 else start
                inside = (inside[:, None] if i == 0 else inside).expand(self.kernel_size).reshape(-1, 1, 1)
                place = start + inside - self.padding[i] + offset[:, :, i]
                places.append((2 * place + 1) / size - 1)  # as grid_sample counts, from edge to edge
            grid = torch.stack(places[::-1], dim=-1).reshape(b * parts, points * height, width, 2)
            seen = F.grid_sample(x.reshape(b * parts, c // parts, h, w), grid, align_corners=False)
            seen = seen.reshape(b, parts, c // parts, points, height * width)
            if mask is not None:
                seen = seen * mask.reshape(b, parts, 1, points, height * width)
            seen = seen.reshape(b, self.groups, c // self.groups * points, height * width)
            y = torch.matmul(self.weight.reshape(self.groups, -1, seen.shape[2]), seen)
            y = y.reshape(b, -1, height, width)
            return y if self.bias is None else y + self.bias[:, None, None]

    return DeformConv


@operator
@dataclass(frozen=True)
class DeformConv(Operator):
    """A convolution over two spatial dims whose kernel points are moved by ``offset`` (Dai et al., 2017).

    ``[B, C, H, W]`` to ``[B, out_channels, h, w]``, sizes and parameters as ``conv`` has them. ``offset`` is
    ``[B, 2 g kernel, h, w]``: for each of g groups of channels and each kernel point, row by row, how far down and how
    far right, in pixels. ``mask``, ``[B, g kernel, h, w]``, multiplies what is read (version 2, Zhu et al., 2018). What
    lies outside is zero; between pixels the value is bilinear. Offsets of zero give ``conv``, constant ones a dilated
    one. The layout is that of ``torchvision.ops.deform_conv2d``.

        input image: [B, 3, H=16, W=16]
        moves = conv(18, 3, weight_init=0, bias_init=0)
        deform_conv(8, moves)
    """

    name: ClassVar[str] = "deform_conv"
    role: ClassVar[Role] = "convolution"
    kept = keeping_layers.moved_patches
    inside = passing.moved_patches

    out_channels: int = argument("int", at_least=1)
    offset: Slot = argument("tensor")
    kernel_size: Ints = argument("ints", 3, at_least=1)
    stride: Ints = argument("ints", 1, at_least=1)
    padding: Ints | None = argument("ints", None, at_least=0)
    dilation: Ints = argument("ints", 1, at_least=1)
    groups: int = argument("int", 1, at_least=1)
    bias: bool = argument("bool", True)
    mask: Slot | None = argument("tensor", None)
    weight_init: Any = argument("initializer", None, keyword_only=True)
    bias_init: Any = argument("initializer", None, keyword_only=True)

    def _window(self) -> tuple[tuple[int, ...], ...]:
        kernel, stride = per_dim("kernel_size", self.kernel_size, 2), per_dim("stride", self.stride, 2)
        dilation = per_dim("dilation", self.dilation, 2)
        return kernel, stride, padding_or_default(self.padding, kernel, stride, dilation), dilation

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        x, offset = inputs[0], inputs[self.offset.index]
        given = [("the offset", offset)] + (
            [] if self.mask is None else [("the mask", inputs[self.mask.index])]
        )
        for what, t in (("the input", x), *given):
            if t.rank != 4:
                raise errors.wrong_rank(f"deform_conv: {what}", "[B, C, H, W]", t)
            require_model_float("deform_conv", t)
        kernel, stride, padding, dilation = self._window()
        channels = sizes.constant(x.shape[1], "the number of input channels")
        sizes.divisible(channels, self.groups, "the input channels in groups", "groups")
        sizes.divisible(self.out_channels, self.groups, "out_channels in groups", "groups")
        spatial = window_sizes(sizes, x.shape[2:], extents(kernel, dilation), stride, padding)
        moved = sizes.constant(offset.shape[1], "the number of offsets")
        sizes.divisible(moved, 2 * prod(kernel), "the offsets, two for each kernel point,", "kernel_size")
        parts = moved // (2 * prod(kernel))
        sizes.divisible(channels, parts, "the input channels in the groups that the offsets move", "offset")
        for what, t in given:
            wanted = (x.shape[0], moved if t is offset else parts * prod(kernel), *spatial)
            for dim, (have, want) in enumerate(zip(t.shape, wanted, strict=True)):
                sizes.equal(
                    have, want, f"deform_conv: dim {dim} of {what} {t} and what the convolution gives"
                )
        return TensorType((x.shape[0], self.out_channels, *spatial), x.dtype, "first")

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        shape = (self.out_channels, int_dim(inputs[0], 1) // self.groups, *self._window()[0])
        weight = Weight("weight", shape, self.weight_init)
        return (weight, Weight("bias", (self.out_channels,), self.bias_init)) if self.bias else (weight,)

    def macs(self, inputs: Types, outputs: Types) -> Macs:
        """Those of the convolution; reading between pixels is not counted."""
        (y,) = outputs
        assert isinstance(y.numel, int)
        return Macs(convolution=y.numel * prod(self._window()[0]) * (int_dim(inputs[0], 1) // self.groups))

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        words: dict[str, Any] = {} if self.groups == 1 else {"groups": self.groups}
        words |= {} if self.bias else {"bias": False}
        tensors = (Slot(0), self.offset) if self.mask is None else (Slot(0), self.offset, self.mask)
        arguments = (int_dim(inputs[0], 1), self.out_channels, *self._window())
        return Mod(deform_conv, arguments, words, tensors)

    def caption(self, inputs: Types, outputs: Types) -> str:
        return f"deform_conv {'×'.join(map(str, self._window()[0]))}, {self.out_channels}"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x, offset, mask = (TensorType((2, c, 8, 7)) for c in (4, 18, 18))
        small = TensorType((2, 24, 4, 7))
        yield Sample((x, offset), {"out_channels": 6, "offset": Slot(1)})
        yield Sample(
            (x, TensorType((2, 36, 8, 7)), mask),
            {"out_channels": 6, "offset": Slot(1), "groups": 2, "mask": Slot(2), "bias": False},
        )
        yield Sample(
            (x, small),
            {"out_channels": 3, "offset": Slot(1), "kernel_size": (3, 2), "stride": (2, 1), "padding": (2, 1),
             "dilation": (2, 2)},
        )  # fmt: skip
        yield Sample((x, offset), {"out_channels": 6, "offset": Slot(1), "stride": 2}, "E0401")
        yield Sample((x, TensorType((2, 20, 8, 7))), {"out_channels": 6, "offset": Slot(1)}, "E0407")
        yield Sample((x, offset), {"out_channels": 6, "offset": Slot(1), "groups": 3}, "E0407")
        yield Sample((x, offset, x), {"out_channels": 6, "offset": Slot(1), "mask": Slot(2)}, "E0401")
        yield Sample((TensorType((2, 4, 8)), offset), {"out_channels": 6, "offset": Slot(1)}, "E0404")
        yield Sample(
            (x, TensorType((2, 18, 8, 7), "float16")), {"out_channels": 6, "offset": Slot(1)}, "E0405"
        )
