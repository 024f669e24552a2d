"""Elements moved between channels and space, and between groups of channels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from archdsl.ops import errors
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType


class Shuffle(Operator):
    """Feature maps ``[B, C, H, W]``."""

    role: ClassVar[Role] = "resample"

    def image(self, inputs: Types) -> TensorType:
        """The input; E0404 where it is no feature map."""
        (x,) = inputs
        if x.rank != 4:
            raise errors.wrong_rank(self.name, "[B, C, H, W]", x)
        return x

    def at_least_one(self, argument_name: str) -> int:
        """The value of an argument that must be positive."""
        value: int = getattr(self, argument_name)
        if value < 1:
            raise errors.bad_argument(
                argument_name, f"{self.name}: {argument_name} must be 1 or more, not {value}"
            )
        return value


@operator
@dataclass(frozen=True)
class PixelShuffle(Shuffle):
    """Channels become pixels: r * r of them an r x r square (``F.pixel_shuffle``; Shi et al., 2016).

    Shapes: ``[B, C * r * r, H, W]`` to ``[B, C, H * r, W * r]``.

        input x: [B, 12, H=32, W=32]
        pixel_shuffle(2)
    """

    name: ClassVar[str] = "pixel_shuffle"

    upscale_factor: int = argument("int", at_least=1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        x, r = self.image(inputs), self.at_least_one("upscale_factor")
        b, c, h, w = x.shape
        sizes.divisible(c, r * r, f"pixel_shuffle: the channels of {x}", "upscale_factor")
        return x.with_shape((b, c // (r * r), h * r, w * r), "first")

    def reach(self, inputs: Types) -> Reach:
        r = (self.upscale_factor,) * 2
        return Reach("transposed", kernel=r, stride=r)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn("F.pixel_shuffle", (Slot(0), self.upscale_factor))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 18, 4, 5), features="first")
        yield Sample((x,), {"upscale_factor": 3})
        yield Sample((x,), {"upscale_factor": 1})
        yield Sample((TensorType((1, 4, 2, 2), dtype="int64"),), {"upscale_factor": 2})
        yield Sample((x,), {"upscale_factor": 2}, code="E0407")
        yield Sample((x,), {"upscale_factor": 0}, code="E0501")
        yield Sample((TensorType((2, 18, 4)),), {"upscale_factor": 3}, code="E0404")


@operator
@dataclass(frozen=True)
class PixelUnshuffle(Shuffle):
    """Pixels become channels: each r x r square r * r of them, space to depth (``F.pixel_unshuffle``).

    Shapes: ``[B, C, H * r, W * r]`` to ``[B, C * r * r, H, W]``.

        input x: [B, 3, 32, 32]
        pixel_unshuffle(2)
    """

    name: ClassVar[str] = "pixel_unshuffle"

    downscale_factor: int = argument("int", at_least=1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        x, r = self.image(inputs), self.at_least_one("downscale_factor")
        b, c, h, w = x.shape
        sizes.divisible(h, r, f"pixel_unshuffle: the height of {x}", "downscale_factor")
        sizes.divisible(w, r, f"pixel_unshuffle: the width of {x}", "downscale_factor")
        return x.with_shape((b, c * r * r, h // r, w // r), "first")

    def reach(self, inputs: Types) -> Reach:
        r = (self.downscale_factor,) * 2
        return Reach("window", kernel=r, stride=r)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn("F.pixel_unshuffle", (Slot(0), self.downscale_factor))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 6, 9), features="first")
        yield Sample((x,), {"downscale_factor": 3})
        yield Sample((x,), {"downscale_factor": 2}, code="E0407")
        yield Sample((x,), {"downscale_factor": 0}, code="E0501")
        yield Sample((TensorType((2, 18, 4)),), {"downscale_factor": 2}, code="E0404")


@operator
@dataclass(frozen=True)
class ChannelShuffle(Shuffle):
    """Channels ``(g c)`` as ``(c g)``: each group then holds some of every group (ShuffleNet; Zhang et al., 2018).

    Shapes: as the input, ``[B, C, ...]``, of which ``groups`` divides C.

        input x: [B, 12, H=32, W=32]
        channel_shuffle(3)
    """

    name: ClassVar[str] = "channel_shuffle"
    role: ClassVar[Role] = "shape"

    groups: int = argument("int", at_least=1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if x.rank < 3:
            raise errors.wrong_rank(self.name, "[B, C, ...]", x)
        sizes.divisible(
            x.shape[1], self.at_least_one("groups"), f"channel_shuffle: the channels of {x}", "groups"
        )
        return x.with_shape(x.shape, "first")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        # torch.channel_shuffle does the same through a kernel that compilers can't fuse.
        groups = Fn(".unflatten", (Slot(0), 1, (self.groups, -1)))
        return Fn(".flatten", (Fn(".transpose", (groups, 1, 2)), 1, 2))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 12, 4, 5), features="first")
        yield Sample((x,), {"groups": 3})
        yield Sample((TensorType((2, 12, 4)),), {"groups": 1})
        yield Sample((x,), {"groups": 5}, code="E0407")
        yield Sample((x,), {"groups": 0}, code="E0501")
        yield Sample((TensorType((2, 12)),), {"groups": 3}, code="E0404")
