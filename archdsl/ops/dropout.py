"""Noise in training: whole elements, channels or residual branches are left out. Nothing happens at inference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archdsl.ops import errors, keeping_layers
from archdsl.ops.base import Late, Lowered, Mod, Operator, Role, Sample, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.spatial import numel, require_float, spatial_rank
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn


def drop() -> type:
    """The module for rates that differ between the instances of a region, and for whole samples."""

    class Drop(nn.Module):
        """Leaves out each part of the first ``dims`` dims (of all if 0) with probability ``p``, scales up the rest.

        The rate is a buffer, so that one compiled graph serves layers with different rates.
        """

        p: Tensor

        def __init__(self, p: float, dims: int = 0) -> None:
            super().__init__()
            self.dims = dims
            self.register_buffer("p", torch.tensor(float(p)), persistent=False)

        def forward(self, x: Tensor) -> Tensor:
            if not self.training:
                return x
            parts = x[(...,) + (slice(1),) * (x.dim() - self.dims)] if self.dims else x
            # In float32: bfloat16 has too few numbers below 1 for a fair draw.
            keep = torch.rand_like(parts, dtype=torch.float32) >= self.p
            return x * (keep / (1 - self.p).clamp(min=1e-6)).to(x.dtype)

    return Drop


@dataclass(frozen=True)
class Noise(Operator):
    """What the kinds of dropout share."""

    role: ClassVar[Role] = "regularisation"

    p: float | Late = argument("float", 0.5, at_least=0, at_most=1, late=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        require_float(self.name, x)
        return x

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)


@operator
@dataclass(frozen=True)
class Dropout(Noise):
    """Each element is zero with probability ``p``, else times ``1 / (1 - p)`` (``torch.nn.Dropout``).

    Any shape, unchanged (Srivastava et al., 2014). ``elementwise`` counts output elements.

        input x: [B, 128]
        linear(64) -> relu -> dropout(0.1)
    """

    name: ClassVar[str] = "dropout"
    kept = keeping_layers.elements_dropped

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Mod(drop if isinstance(self.p, Late) else "nn.Dropout", (self.p,))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((TensorType((2, 5, 8)),))
        yield Sample((TensorType(()),), {"p": 0.1})
        yield Sample((TensorType((2, 5), "float16"),), {"p": 1.0})
        yield Sample((TensorType((2, 5), "int64"),), {}, "E0405")


@operator
@dataclass(frozen=True)
class DropoutChannels(Noise):
    """Each channel of each sample is zero with probability ``p``, else times ``1 / (1 - p)`` (``torch.nn.Dropout2d``).

    ``[B, C, *spatial]``, unchanged (Tompson et al., 2015). ``elementwise`` counts output elements.

        input image: [B, 3, H=32, W=32]
        conv(8) -> relu -> dropout_channels(0.2)
    """

    name: ClassVar[str] = "dropout_channels"
    kept = keeping_layers.channels_dropped

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        spatial_rank(self.name, inputs[0])
        return super().shape(inputs, sizes)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        if isinstance(self.p, Late):
            return Mod(drop, (self.p,), {"dims": 2})
        return Mod(f"nn.Dropout{inputs[0].rank - 2}d", (self.p,))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for shape in ((2, 3, 7), (2, 3, 5, 4), (2, 3, 2, 3, 4)):
            yield Sample((TensorType(shape),), {"p": 0.2})
        yield Sample((TensorType((2, 3, 5)),))
        yield Sample((TensorType((2, 3)),), {}, "E0404")
        yield Sample((TensorType((2, 3, 4), "int64"),), {}, "E0405")


def drop_path() -> type:
    """The module for a rate that is known: torch has none."""

    class DropPath(nn.Module):
        """Leaves out whole samples of a residual branch with probability ``p`` and scales up the rest."""

        def __init__(self, p: float) -> None:
            super().__init__()
            self.p = p

        def forward(self, x: Tensor) -> Tensor:
            if not self.training or self.p == 0:
                return x
            parts = x[(slice(None),) + (slice(1),) * (x.dim() - 1)]
            # In float32: bfloat16 has too few numbers below 1 for a fair draw.
            keep = torch.rand_like(parts, dtype=torch.float32) >= self.p
            return x * (keep / max(1 - self.p, 1e-6)).to(x.dtype)

    return DropPath


@operator
@dataclass(frozen=True)
class DropPath(Noise):
    """Each sample is zero with probability ``p``, else times ``1 / (1 - p)``: stochastic depth (Huang et al., 2016).

    ``[B, ...]``, unchanged; stands at the end of a residual branch. ``elementwise`` counts output elements.

        input x: [B, T=10, 64]
        id + (linear(64) -> drop_path(0.1))
    """

    name: ClassVar[str] = "drop_path"
    kept = keeping_layers.samples_dropped

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        if inputs[0].rank < 1:
            raise errors.wrong_rank(self.name, "a batch", inputs[0])
        return super().shape(inputs, sizes)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Mod(drop, (self.p,), {"dims": 1}) if isinstance(self.p, Late) else Mod(drop_path, (self.p,))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((TensorType((2, 5, 8)),), {"p": 0.1})
        yield Sample((TensorType((2,)),), {"p": 0.0})
        yield Sample((TensorType((2, 3, 4, 5)),), {"p": 1.0})
        yield Sample((TensorType(()),), {}, "E0404")
        yield Sample((TensorType((2, 3, 4), "int64"),), {}, "E0405")
