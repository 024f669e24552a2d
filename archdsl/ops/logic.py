"""Truth values joined: `and`, `or`, `not` on bool tensors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from archdsl.ops import errors
from archdsl.ops.axes import operands
from archdsl.ops.base import Sample, Slot, Types, argument
from archdsl.ops.elementwise import Binary, Unary
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType


def _need_bools(symbol: str, given: Iterable[Any], inputs: Types) -> str:
    """Torch takes ``!= 0`` of anything for true; here that has to be written."""
    for value in operands(given, inputs):
        if isinstance(value, TensorType) and value.dtype != "bool":
            raise errors.wrong_dtype(f"`{symbol}`", "bools", value)
        if not isinstance(value, TensorType | bool):
            raise errors.bad_argument("right", f"`{symbol}` wants bools, not {value}")
    return "bool"


class Junction(Binary):
    """`and`, `or`: bools only, broadcast as in arithmetic."""

    def dtype(self, inputs: Types) -> str:
        return _need_bools(self.symbol, self.given(), inputs)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        mask = TensorType((2, 3), dtype="bool")
        both = {"left": Slot(0), "right": Slot(1)}
        yield Sample((mask, mask), both)
        yield Sample((mask, TensorType((2, 1), dtype="bool")), both)
        yield Sample((mask,), {"left": Slot(0), "right": True})
        yield Sample((mask,), {"left": False, "right": Slot(0)})
        yield Sample((mask, TensorType((2, 4), dtype="bool")), both, code="E0401")
        yield Sample((mask, TensorType((2, 3))), both, code="E0405")
        yield Sample((mask,), {"left": Slot(0), "right": 1}, code="E0501")


@operator
@dataclass(frozen=True)
class LogicalAnd(Junction):
    """``left and right``, element by element (``torch.logical_and`` of bools).

    Shapes broadcast, a literal 1 against any size.

        input x: [B, 8]
        id > 0 and id < 1
    """

    name: ClassVar[str] = "logical_and"
    symbol: ClassVar[str] = "and"
    noun: ClassVar[str] = "conjunction"
    function: ClassVar[str] = "operator.and_"

    left: Any = argument("operand")
    right: Any = argument("operand")


@operator
@dataclass(frozen=True)
class LogicalOr(Junction):
    """``left or right``, element by element (``torch.logical_or`` of bools).

    Shapes broadcast, a literal 1 against any size.

        input x: [B, 8]
        id < 0 or id > 1
    """

    name: ClassVar[str] = "logical_or"
    symbol: ClassVar[str] = "or"
    noun: ClassVar[str] = "disjunction"
    function: ClassVar[str] = "operator.or_"

    left: Any = argument("operand")
    right: Any = argument("operand")


@operator
@dataclass(frozen=True)
class LogicalNot(Unary):
    """``not x``, element by element (``torch.logical_not`` of bools).

    Shapes: as the input.

        input x: [B, 8]
        not id > 0
    """

    name: ClassVar[str] = "logical_not"
    function: ClassVar[str] = "operator.invert"
    makes_floats: ClassVar[bool] = False

    def dtype(self, x: TensorType) -> str:
        return _need_bools("not", (Slot(0),), (x,))

    def caption(self, inputs: Types, outputs: Types) -> str:
        return "not"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((TensorType((2, 3), dtype="bool"),))
        yield Sample((TensorType((2, 3)),), code="E0405")
