"""GELU in its three forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from archdsl.ops import keeping
from archdsl.ops.base import Fn, Lowered, Slot, Types, argument
from archdsl.ops.keeping import Backward, Kept
from archdsl.ops.pointwise import Pointwise
from archdsl.ops.registry import operator


@operator
@dataclass(frozen=True)
class Gelu(Pointwise):
    """``x * Phi(x)`` with the normal distribution function ``Phi`` (``torch.nn.functional.gelu``).

    Any shape, unchanged (Hendrycks and Gimpel, 2016). ``approximate="tanh"`` is ``x / 2 * (1 + tanh(sqrt(2 / pi) * (x +
    0.044715 * x^3)))``, ``"sigmoid"`` the paper's ``x * sigmoid(1.702 * x)``. ``elementwise`` counts output elements.

        input x: [B, 64]
        linear(64) -> gelu(approximate="tanh")
    """

    name: ClassVar[str] = "gelu"
    function: ClassVar[str] = "F.gelu"
    uses = ({"approximate": "tanh"}, {"approximate": "sigmoid"})

    approximate: str = argument("str", "none", choices=("none", "tanh", "sigmoid"), keyword_only=True)

    def kept(self, inputs: Types, outputs: Types, backward: Backward) -> Kept:
        rule = keeping.wire_and_buffer if self.approximate == "sigmoid" else keeping.wire
        return rule(self, inputs, outputs, backward)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        if self.approximate != "sigmoid":
            return super().lower(inputs, outputs)
        gate = Fn("torch.sigmoid", (Fn("operator.mul", (1.702, Slot(0))),))
        return Fn("operator.mul", (Slot(0), gate))
