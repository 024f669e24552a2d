"""Normalisation over the last dims, with and without the mean."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from archdsl.ops import errors, keeping_layers
from archdsl.ops.base import Fn, Lowered, Mod, Operator, Role, Sample, Slot, Types, Weight, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.spatial import numel, require_float, require_model_float
from archdsl.tensors import TensorType


@dataclass(frozen=True)
class LastDimsNorm(Operator):
    """What layer norm and RMS norm share."""

    role: ClassVar[Role] = "normalisation"

    dims: int = argument("int", 1, at_least=1, keyword_only=True)
    elementwise_affine: bool = argument("bool", True, keyword_only=True)
    weight_init: Any = argument("initializer", None, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if x.rank < self.dims:
            raise errors.wrong_rank(self.name, f"at least {self.dims} dims to normalise over", x)
        if self.elementwise_affine:
            require_model_float(self.name, x)
            for size in x.shape[-self.dims :]:
                sizes.constant(size, "a size that is normalised over")
        else:
            require_float(self.name, x)
        # Over several dims the features may be any of them.
        return replace(x, features="last" if self.dims == 1 else x.features)

    def normalised(self, x: TensorType) -> tuple[int, ...]:
        """The sizes of the normalised dims, known to be numbers once ``shape`` has passed."""
        found = tuple(d for d in x.shape[-self.dims :] if isinstance(d, int))
        assert len(found) == self.dims
        return found

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return numel(outputs)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 5, 4, 8))
        yield Sample((x,))
        yield Sample((TensorType((8,)),))
        yield Sample((x,), {"eps": 1e-3})
        yield Sample((x,), {"dims": 3})
        yield Sample((x,), {"elementwise_affine": False})
        yield Sample((x,), {"elementwise_affine": False, "dims": 2, "eps": 1e-3})
        yield Sample((TensorType((2, 8), "float16"),), {"elementwise_affine": False})
        yield Sample((TensorType(()),), {}, "E0404")
        yield Sample((TensorType((2, 8)),), {"dims": 3}, "E0404")
        yield Sample((TensorType((2, 8), "int64"),), {}, "E0405")
        yield Sample((TensorType((2, 8), "int64"),), {"elementwise_affine": False}, "E0405")
        yield Sample((TensorType((2, 8), "float16"),), {}, "E0405")


@operator
@dataclass(frozen=True)
class LayerNorm(LastDimsNorm):
    """``(x - mean) / sqrt(var + eps) * weight + bias`` over the last ``dims`` dims (``torch.nn.LayerNorm``).

    ``[..., D]``, unchanged (Ba et al., 2016). Without ``elementwise_affine`` it has no weights, and the normalised
    sizes may be free. ``elementwise`` counts output elements.

        input x: [B, T=10, 64]
        linear(64) -> layer_norm
    """

    name: ClassVar[str] = "layer_norm"
    kept = keeping_layers.layer_norm

    eps: float = argument("float", 1e-5, above=0, keyword_only=True)
    bias: bool = argument("bool", True, keyword_only=True)
    bias_init: Any = argument("initializer", None, keyword_only=True)

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        if not self.elementwise_affine:
            return ()
        sizes = self.normalised(inputs[0])
        weight = Weight("weight", sizes, self.weight_init)
        return (weight, Weight("bias", sizes, self.bias_init)) if self.bias else (weight,)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        (x,) = inputs
        words: dict[str, Any] = {} if self.eps == 1e-5 else {"eps": self.eps}
        if not self.elementwise_affine:
            return Fn("F.layer_norm", (Slot(0), x.shape[-self.dims :]), words)
        return Mod(
            "nn.LayerNorm", (_sizes(self.normalised(x)),), words | ({} if self.bias else {"bias": False})
        )

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield Sample((TensorType((2, 5, 8)),), {"bias": False})


@operator
@dataclass(frozen=True)
class RmsNorm(LastDimsNorm):
    """``x / sqrt(mean(x^2) + eps) * weight`` over the last ``dims`` dims (``torch.nn.RMSNorm``).

    ``[..., D]``, unchanged (Zhang and Sennrich, 2019). ``eps=none`` is the smallest step of the dtype, as in torch.
    Without ``elementwise_affine`` it has no weights, and the normalised sizes may be free. ``elementwise`` counts
    output elements.

        input x: [B, T=10, 64]
        linear(64) -> rms_norm(eps=1e-6)
    """

    name: ClassVar[str] = "rms_norm"
    kept = keeping_layers.rms_norm

    eps: float | None = argument("float", None, above=0, keyword_only=True)

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        return (
            (Weight("weight", self.normalised(inputs[0]), self.weight_init),)
            if self.elementwise_affine
            else ()
        )

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        (x,) = inputs
        words: dict[str, Any] = {} if self.eps is None else {"eps": self.eps}
        if not self.elementwise_affine:
            return Fn("F.rms_norm", (Slot(0), x.shape[-self.dims :]), words)
        return Mod("nn.RMSNorm", (_sizes(self.normalised(x)),), words)


def _sizes(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    """One size as a number; several stay a list, equal ones too."""
    return sizes[0] if len(sizes) == 1 else sizes
