"""Powers as a function of the wire."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from archdsl.ops.arithmetic import Power
from archdsl.ops.axes import numel
from archdsl.ops.base import Lowered, Operator, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.keeping import Backward, Kept
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType


@operator
@dataclass(frozen=True)
class Pow(Operator):
    """The wire to the power ``exponent``, a number or a tensor that broadcasts (``torch.pow``): ``x ** exponent``.

    Shapes broadcast, a literal 1 against any size.

        input x: [B, 8]
        pow(id, 2)
    """

    name: ClassVar[str] = "pow"
    role: ClassVar[Role] = "arithmetic"

    exponent: Any = argument("operand")

    def _infix(self) -> Power:
        return Power(Slot(0), self.exponent)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        return self._infix().shape(inputs, sizes)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """One per element of the result."""
        return numel(outputs[0])

    def kept(self, inputs: Types, outputs: Types, backward: Backward) -> Kept:
        return self._infix().kept(inputs, outputs, backward)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return self._infix().lower(inputs, outputs)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3))
        yield Sample((x,), {"exponent": 2})
        yield Sample((x, TensorType((3,))), {"exponent": Slot(1)})
        yield Sample((TensorType((2,), dtype="int64"),), {"exponent": 0.5})
        yield Sample((TensorType((2,), dtype="int64"),), {"exponent": -2}, code="E0501")
        yield Sample((x, TensorType((4,))), {"exponent": Slot(1)}, code="E0401")
