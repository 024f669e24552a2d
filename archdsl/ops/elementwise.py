"""What the infix operators and the unary functions are made of: broadcasting, promotion and one torch call."""

from __future__ import annotations

from typing import Any, ClassVar

from archdsl.ops import errors
from archdsl.ops.axes import (
    broadcast,
    in_model_dtype,
    merged_features,
    numel,
    operands,
    refuse_bool,
    result_dtype,
)
from archdsl.ops.base import Fn, Lowered, Operator, Role, Slot, Types
from archdsl.ops.checker import Checker
from archdsl.tensors import TensorType, Values


class Elementwise(Operator):
    """An operator on operands that broadcast against each other: tensors, numbers and sizes, one tensor at least."""

    role: ClassVar[Role] = "arithmetic"
    takes_wire: ClassVar[bool] = False
    symbol: ClassVar[str]  # how it is written
    noun: ClassVar[str]  # what its result is called in messages

    def given(self) -> tuple[Any, ...]:
        """The operands as given."""
        raise NotImplementedError

    def dtype(self, inputs: Types) -> str:
        """The dtype of the result; raises OperatorError where torch has none."""
        return result_dtype(operands(self.given(), inputs))

    def values(self, inputs: Types) -> Values | None:
        """What integers the result can hold, where that is known."""
        return None

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        tensors = [inputs[value.index] for value in self.given() if isinstance(value, Slot)]
        if not tensors:
            raise errors.bad_argument("left", f"{self.name} of numbers alone is a number, not a tensor")
        dtype = self.dtype(inputs)
        what = f"the {self.noun}"
        if len(tensors) > 1:
            what += " of " + " and ".join(map(str, tensors))
        shape = broadcast([x.shape for x in tensors], what, sizes)
        return TensorType(shape, dtype, merged_features(shape, tensors), self.values(inputs))

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """One per element of the result."""
        return numel(outputs[0])

    def caption(self, inputs: Types, outputs: Types) -> str:
        numbers = [str(value) for value in self.given() if not isinstance(value, Slot)]
        return " ".join([self.symbol, *numbers])


class Binary(Elementwise):
    """``left`` and ``right`` with a Python operator between them."""

    function: ClassVar[str]

    left: Any
    right: Any

    def given(self) -> tuple[Any, ...]:
        return self.left, self.right

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return in_model_dtype(Fn(self.function, (self.left, self.right)), outputs[0].dtype, inputs)

    def bool_operands(self, inputs: Types) -> list[TensorType | bool | int | float]:
        """The operands that are truth values, tensors or not."""
        return [
            value
            for value in operands(self.given(), inputs)
            if isinstance(value, bool) or (isinstance(value, TensorType) and value.dtype == "bool")
        ]

    def refuse_only_bools(self, inputs: Types) -> None:
        """E0405 where both operands are truth values and torch has no such operation on them."""
        found = self.bool_operands(inputs)
        if len(found) == 2:
            raise errors.wrong_dtype(
                self.name, "numbers", next(v for v in found if isinstance(v, TensorType))
            )


class Unary(Operator):
    """A function of each element of the wire: ``torch.<function>``.

    ``makes_floats`` says how integers are taken: True makes floats of them (torch's exp, sqrt, sin), False keeps their
    dtype (torch's floor, abs, sign).
    """

    role: ClassVar[Role] = "arithmetic"
    function: ClassVar[str]
    makes_floats: ClassVar[bool] = True
    takes_bools: ClassVar[bool] = True

    def dtype(self, x: TensorType) -> str:
        """The dtype of the result."""
        return "float32" if self.makes_floats and not x.is_float else x.dtype

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if not self.takes_bools:
            refuse_bool(self.name, x)
        return TensorType(x.shape, self.dtype(x), x.features)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """One per element."""
        return numel(outputs[0])

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        called = Fn(self.function, (Slot(0),))
        return in_model_dtype(called, outputs[0].dtype, inputs) if self.makes_floats else called


def known_numbers(value: Any, inputs: Types) -> tuple[int, int] | None:
    """The least and the greatest value of an integer operand, where both are known numbers."""
    if isinstance(value, Slot):
        found = inputs[value.index].values
        if found and found.input is None and isinstance(found.low, int) and isinstance(found.high, int):
            return found.low, found.high - 1
        return None
    return (value, value) if isinstance(value, int) and not isinstance(value, bool) else None
