"""Spectral normalisation: an operator whose weight is divided by its largest singular value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from archdsl.ops.base import Types, Weight
from archdsl.ops.wrapped_weight import STORED, WrappedWeight


@dataclass(frozen=True)
class SpectralNorm(WrappedWeight):
    """``inner`` with ``weight / sigma`` for its weight (Miyato et al., 2018): what ``spectral_norm(f)`` makes of it.

    sigma is the largest singular value of the weight as a matrix of outputs by the rest, by one step of power iteration
    at each use in training (``torch.nn.utils.parametrizations.spectral_norm``, whose names the weights have); its two
    vectors are buffers. The weight itself is not changed but by the optimiser.

        input image: [B, 3, H=32, W=32]
        spectral_norm(conv(16, 3)) as conv -> relu
    """

    name: ClassVar = "spectral_norm"  # no entry of the table: it is made by a wrapper, not by name
    around: ClassVar = "nn.utils.parametrizations.spectral_norm"
    says: ClassVar = "spectral norm"

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        weight, others, buffers = self.split(inputs)
        rows = weight.shape[1] if self.inner.name == "conv_transpose" else weight.shape[0]
        return (
            *others,
            replace(weight, name=f"{STORED}.original"),
            *buffers,
            Weight(f"{STORED}.0._u", (rows,), kind="buffer"),
            Weight(f"{STORED}.0._v", (prod(weight.shape) // rows,), kind="buffer"),
        )
