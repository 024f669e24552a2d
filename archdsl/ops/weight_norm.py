"""Weight normalisation: an operator whose weight is a direction and a length, learned apart."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from archdsl.ops.base import Operator, Types, Weight
from archdsl.ops.wrapped_weight import STORED, WrappedWeight


@dataclass(frozen=True)
class WeightNorm(WrappedWeight):
    """``inner`` with ``g v / |v|`` for its weight (Salimans and Kingma, 2016): what ``weight_norm(f)`` makes of it.

    The length ``g`` (``original0``) and the direction ``v`` (``original1``) are learned apart, one length for each row
    along the weight's first dim (``torch.nn.utils.parametrizations.weight_norm``, whose names the weights have). ``v``
    starts as the weight would, and ``g`` as its length, so nothing changes before training; a start of one's own
    (``weight_init=``) would leave the two apart and is refused.

        input x: [B, 3, T=64]
        weight_norm(conv(16, 3)) as conv -> relu
    """

    name: ClassVar = "weight_norm"  # no entry of the table: it is made by a wrapper, not by name
    around: ClassVar = "nn.utils.parametrizations.weight_norm"
    says: ClassVar = "weight norm"

    @classmethod
    def refuses(cls, inner: Operator) -> bool:
        # A row that is fixed at zero (padding_idx) has no direction.
        return any(getattr(inner, given, None) is not None for given in ("weight_init", "padding_idx"))

    def weights(self, inputs: Types) -> tuple[Weight, ...]:
        weight, others, buffers = self.split(inputs)
        lengths = (weight.shape[0], *(1 for _ in weight.shape[1:]))
        return (
            *others,
            replace(weight, name=f"{STORED}.original0", shape=lengths),
            replace(weight, name=f"{STORED}.original1"),
            *buffers,
        )
