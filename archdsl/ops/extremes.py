"""The greater and the lesser of two, and the negative of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from archdsl.ops import errors, keeping
from archdsl.ops.arithmetic import arithmetic_samples
from archdsl.ops.axes import in_model_dtype
from archdsl.ops.base import Fn, Lowered, Sample, Slot, Types, argument
from archdsl.ops.elementwise import Elementwise, Unary
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType


class Extreme(Elementwise):
    """The greater or the lesser of two; torch takes a number only as a bound of ``clamp``, which is the same thing."""

    function: ClassVar[str]
    bound: ClassVar[str]

    left: Any
    right: Any

    def given(self) -> tuple[Any, ...]:
        return self.left, self.right

    def dtype(self, inputs: Types) -> str:
        if any(isinstance(v, bool) for v in self.given()):
            raise errors.bad_argument("left", f"{self.name} of a tensor and a truth value: use `and`, `or`")
        return super().dtype(inputs)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        match self.left, self.right:
            case Slot(), Slot():
                called = Fn(self.function, (self.left, self.right))
            case Slot(), number:
                called = Fn(".clamp", (self.left,), {self.bound: number})
            case number, _:
                called = Fn(".clamp", (self.right,), {self.bound: number})
        return in_model_dtype(called, outputs[0].dtype, inputs)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from arithmetic_samples()
        yield Sample((TensorType((2,), dtype="bool"),), {"left": Slot(0), "right": True}, code="E0501")


@operator
@dataclass(frozen=True)
class Maximum(Extreme):
    """The greater of ``left`` and ``right``, element by element (``torch.maximum``).

    Shapes broadcast, a literal 1 against any size; the dtype is torch's.

        input x: [B, 8]
        maximum(id, 0.1)
    """

    name: ClassVar[str] = "maximum"
    symbol: ClassVar[str] = "maximum"
    noun: ClassVar[str] = "maximum"
    function: ClassVar[str] = "torch.maximum"
    bound: ClassVar[str] = "min"
    kept = keeping.operands

    left: Any = argument("operand")
    right: Any = argument("operand")


@operator
@dataclass(frozen=True)
class Minimum(Extreme):
    """The lesser of ``left`` and ``right``, element by element (``torch.minimum``).

    Shapes broadcast, a literal 1 against any size; the dtype is torch's.

        input x: [B, 8]
        minimum(id, 6)
    """

    name: ClassVar[str] = "minimum"
    symbol: ClassVar[str] = "minimum"
    noun: ClassVar[str] = "minimum"
    function: ClassVar[str] = "torch.minimum"
    bound: ClassVar[str] = "max"
    kept = keeping.operands

    left: Any = argument("operand")
    right: Any = argument("operand")


@operator
@dataclass(frozen=True)
class Negative(Unary):
    """``-x`` (``torch.neg``). Not for bools.

    Shapes: as the input.

        input x: [B, 8]
        -id
    """

    name: ClassVar[str] = "negative"
    function: ClassVar[str] = "operator.neg"
    makes_floats: ClassVar[bool] = False
    takes_bools: ClassVar[bool] = False
    kept = keeping.nothing

    def caption(self, inputs: Types, outputs: Types) -> str:
        return "-"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((TensorType((2, 3), features="last"),))
        yield Sample((TensorType((), dtype="int32"),))
        yield Sample((TensorType((3,), dtype="bool"),), code="E0405")
