"""Comparisons of tensors with tensors, numbers and sizes: `== != < <= > >=`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from archdsl.ops.base import Sample, Slot, Types, argument
from archdsl.ops.elementwise import Binary
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType


class Comparison(Binary):
    """Compares element by element; the result is bool."""

    noun: ClassVar[str] = "comparison"

    def dtype(self, inputs: Types) -> str:
        return "bool"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 4))
        yield Sample((x, x), {"left": Slot(0), "right": Slot(1)})
        yield Sample((x,), {"left": Slot(0), "right": 0.5})
        yield Sample((x,), {"left": 3, "right": Slot(0)})
        ids = TensorType((5, 1), dtype="int64")
        yield Sample((ids, TensorType((7,), dtype="float16")), {"left": Slot(0), "right": Slot(1)})
        yield Sample((ids, TensorType((), dtype="bool")), {"left": Slot(0), "right": Slot(1)})
        yield Sample((x, TensorType((2, 3, 5))), {"left": Slot(0), "right": Slot(1)}, code="E0401")


@operator
@dataclass(frozen=True)
class Equal(Comparison):
    """``left == right``: whether left = right, element by element (``torch.eq``).

    Shapes broadcast, a literal 1 against any size; the result is bool.

        input x: [B, 8]
        input y: [B, 8]
        x == y
    """

    name: ClassVar[str] = "equal"
    symbol: ClassVar[str] = "=="
    function: ClassVar[str] = "operator.eq"

    left: Any = argument("operand")
    right: Any = argument("operand")


@operator
@dataclass(frozen=True)
class NotEqual(Comparison):
    """``left != right``: whether left ≠ right, element by element (``torch.ne``).

    Shapes broadcast, a literal 1 against any size; the result is bool.

        input x: [B, 8]
        input y: [B, 8]
        x != y
    """

    name: ClassVar[str] = "not_equal"
    symbol: ClassVar[str] = "!="
    function: ClassVar[str] = "operator.ne"

    left: Any = argument("operand")
    right: Any = argument("operand")


@operator
@dataclass(frozen=True)
class Less(Comparison):
    """``left < right``: whether left < right, element by element (``torch.lt``).

    Shapes broadcast, a literal 1 against any size; the result is bool.

        input x: [B, 8]
        input y: [B, 8]
        x < y
    """

    name: ClassVar[str] = "less"
    symbol: ClassVar[str] = "<"
    function: ClassVar[str] = "operator.lt"

    left: Any = argument("operand")
    right: Any = argument("operand")


@operator
@dataclass(frozen=True)
class LessEqual(Comparison):
    """``left <= right``: whether left ≤ right, element by element (``torch.le``).

    Shapes broadcast, a literal 1 against any size; the result is bool.

        input x: [B, 8]
        input y: [B, 8]
        x <= y
    """

    name: ClassVar[str] = "less_equal"
    symbol: ClassVar[str] = "<="
    function: ClassVar[str] = "operator.le"

    left: Any = argument("operand")
    right: Any = argument("operand")


@operator
@dataclass(frozen=True)
class Greater(Comparison):
    """``left > right``: whether left > right, element by element (``torch.gt``).

    Shapes broadcast, a literal 1 against any size; the result is bool.

        input x: [B, 8]
        input y: [B, 8]
        x > y
    """

    name: ClassVar[str] = "greater"
    symbol: ClassVar[str] = ">"
    function: ClassVar[str] = "operator.gt"

    left: Any = argument("operand")
    right: Any = argument("operand")


@operator
@dataclass(frozen=True)
class GreaterEqual(Comparison):
    """``left >= right``: whether left ≥ right, element by element (``torch.ge``).

    Shapes broadcast, a literal 1 against any size; the result is bool.

        input x: [B, 8]
        input y: [B, 8]
        x >= y
    """

    name: ClassVar[str] = "greater_equal"
    symbol: ClassVar[str] = ">="
    function: ClassVar[str] = "operator.ge"

    left: Any = argument("operand")
    right: Any = argument("operand")
