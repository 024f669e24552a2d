"""Spectral normalisation: an operator whose weight is divided by its largest singular value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from archdsl.ops.base import Lowered, Macs, Mod, Operator, Reach, Role, Sample, Types, Weight
from archdsl.ops.checker import Checker
from archdsl.tensors import TensorType

_STORED = "parametrizations.weight"


@dataclass(frozen=True)
class SpectralNorm(Operator):
    """``inner`` with ``weight / sigma`` for its weight (Miyato et al., 2018): what ``spectral_norm(f)`` makes of it.

    sigma is the largest singular value of the weight as a matrix of outputs by the rest, by one step of power iteration
    at each use in training (``torch.nn.utils.parametrizations.spectral_norm``, whose names the weights have); its two
    vectors are buffers. The weight itself is not changed but by the optimiser.

        input image: [B, 3, H=32, W=32]
        spectral_norm(conv(16, 3)) as conv -> relu
    """

    name: ClassVar = "spectral_norm"  # no entry of the table: it is made by a wrapper, not by name
    role: ClassVar[Role] = "normalisation"

    inner: Operator

    @staticmethod
    def fits(inner: Operator, inputs: Types, outputs: Types) -> bool:
        """Whether an operator is one of torch's modules with a matrix for a weight."""
        weights = {w.name: w for w in inner.weights(inputs)}
        has_matrix = "weight" in weights and len(weights["weight"].shape) > 1
        return has_matrix and _torch_module(inner.lower(inputs, outputs)) is not None

    def shape(self, inputs: Types, sizes: Checker) -> TensorType | Types:
        return self.inner.shape(inputs, sizes)

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        inner = self.inner.weights(inputs)
        (weight,) = (w for w in inner if w.name == "weight")
        rows = weight.shape[1] if self.inner.name == "conv_transpose" else weight.shape[0]
        return (
            *(w for w in inner if w.name != "weight" and w.kind == "parameter"),
            replace(weight, name=f"{_STORED}.original"),
            *(w for w in inner if w.kind != "parameter"),
            Weight(f"{_STORED}.0._u", (rows,), kind="buffer"),
            Weight(f"{_STORED}.0._v", (prod(weight.shape) // rows,), kind="buffer"),
        )

    def macs(self, inputs: Types, outputs: Types) -> Macs:
        return self.inner.macs(inputs, outputs)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        return self.inner.elementwise(inputs, outputs)

    def reach(self, inputs: Types) -> Reach:
        return self.inner.reach(inputs)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        made = _torch_module(self.inner.lower(inputs, outputs))
        assert made is not None
        return replace(made, around="nn.utils.parametrizations.spectral_norm")

    def caption(self, inputs: Types, outputs: Types) -> str:
        return f"{self.inner.caption(inputs, outputs)}, spectral norm"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        return ()


def _torch_module(lowered: Lowered) -> Mod | None:
    return lowered if isinstance(lowered, Mod) and isinstance(lowered.target, str) else None
