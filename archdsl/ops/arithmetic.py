"""Arithmetic on tensors, numbers and sizes: what the infix operators mean, element by element."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from archdsl.ops import errors, keeping
from archdsl.ops.axes import INTEGERS, operands
from archdsl.ops.base import Sample, Slot, Types, argument
from archdsl.ops.elementwise import Binary, known_numbers
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType, Values


def arithmetic_samples() -> Iterable[Sample]:
    """Uses that every arithmetic operator accepts or refuses alike."""
    both = {"left": Slot(0), "right": Slot(1)}
    x = TensorType((2, 3, 4), features="last")
    yield Sample((x, x), both)
    yield Sample((x, TensorType((4,))), both)
    yield Sample((x, TensorType((2, 1, 4))), both)
    yield Sample((TensorType((5, 1)), TensorType((7,))), both)
    yield Sample((TensorType(()), x), both)
    yield Sample((x,), {"left": Slot(0), "right": 2})
    yield Sample((x,), {"left": 0.5, "right": Slot(0)})
    ids = TensorType((2, 3), dtype="int32")
    yield Sample((ids,), {"left": Slot(0), "right": 2})
    yield Sample((ids,), {"left": Slot(0), "right": 0.5})
    yield Sample((ids, TensorType((3,))), both)
    yield Sample((ids, TensorType((), dtype="float16")), both)
    yield Sample((ids, TensorType((), dtype="int64")), both)
    yield Sample((x, TensorType((2, 3, 5))), both, code="E0401")
    yield Sample((x, TensorType((2, 2, 4))), both, code="E0401")


class Arithmetic(Binary):
    """``left`` and ``right`` broadcast against each other; the dtype is ``torch.result_type``'s."""

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        return arithmetic_samples()


class Exact(Arithmetic):
    """Sums, differences and products: the range of an integer result follows from those of the operands."""

    def values(self, inputs: Types) -> Values | None:
        left, right = (known_numbers(v, inputs) for v in self.given())
        if (
            left is None or right is None or self.dtype(inputs) not in ("int64", "int32")
        ):  # others wrap around
            return None
        results = [self.combine(a, b) for a in left for b in right]
        return Values(min(results), max(results) + 1)

    def combine(self, left: int, right: int) -> int:
        """The operation on two numbers."""
        raise NotImplementedError


@operator
@dataclass(frozen=True)
class Add(Exact):
    """``left + right``, element by element (``torch.add``).

    Shapes broadcast, a literal 1 against any size; the dtype is torch's.

        input x: [B, 8]
        id + 1
    """

    name: ClassVar[str] = "add"
    symbol: ClassVar[str] = "+"
    noun: ClassVar[str] = "sum"
    function: ClassVar[str] = "operator.add"
    kept = keeping.nothing

    left: Any = argument("operand")
    right: Any = argument("operand")

    def combine(self, left: int, right: int) -> int:
        return left + right


@operator
@dataclass(frozen=True)
class Subtract(Exact):
    """``left - right``, element by element (``torch.sub``). Not for bools.

    Shapes broadcast, a literal 1 against any size; the dtype is torch's.

        input x: [B, 8]
        1 - id
    """

    name: ClassVar[str] = "subtract"
    symbol: ClassVar[str] = "-"
    noun: ClassVar[str] = "difference"
    function: ClassVar[str] = "operator.sub"
    kept = keeping.nothing

    left: Any = argument("operand")
    right: Any = argument("operand")

    def dtype(self, inputs: Types) -> str:
        for value in self.bool_operands(inputs):
            raise errors.wrong_dtype("-", "numbers", value if isinstance(value, TensorType) else _BOOL)
        return super().dtype(inputs)

    def combine(self, left: int, right: int) -> int:
        return left - right

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        mask = TensorType((2,), dtype="bool")
        yield Sample((TensorType((2,)), mask), {"left": Slot(0), "right": Slot(1)}, code="E0405")
        yield Sample((mask,), {"left": 1, "right": Slot(0)}, code="E0405")


@operator
@dataclass(frozen=True)
class Multiply(Exact):
    """``left * right``, element by element (``torch.mul``).

    Shapes broadcast, a literal 1 against any size; the dtype is torch's.

        input x: [B, 8]
        id * 0.5
    """

    name: ClassVar[str] = "multiply"
    symbol: ClassVar[str] = "*"
    noun: ClassVar[str] = "product"
    function: ClassVar[str] = "operator.mul"
    kept = keeping.factors

    left: Any = argument("operand")
    right: Any = argument("operand")

    def combine(self, left: int, right: int) -> int:
        return left * right


@operator
@dataclass(frozen=True)
class Divide(Arithmetic):
    """``left / right``, element by element (``torch.true_divide``); of whole numbers too, the quotient is a float.

    Shapes broadcast, a literal 1 against any size; the dtype is torch's.

        input x: [B, 8]
        id / 2
    """

    name: ClassVar[str] = "divide"
    symbol: ClassVar[str] = "/"
    noun: ClassVar[str] = "quotient"
    function: ClassVar[str] = "operator.truediv"
    kept = keeping.quotient

    left: Any = argument("operand")
    right: Any = argument("operand")

    def dtype(self, inputs: Types) -> str:
        dtype = super().dtype(inputs)
        return "float32" if dtype in INTEGERS or dtype == "bool" else dtype


class Division(Arithmetic):
    """Division with remainder: whole numbers can't be divided by a literal 0, and two bools not at all."""

    def dtype(self, inputs: Types) -> str:
        self.refuse_only_bools(inputs)
        dtype = super().dtype(inputs)
        if dtype in INTEGERS and isinstance(self.right, int) and self.right == 0:
            raise errors.bad_argument("right", f"{self.symbol}: division of whole numbers by 0")
        return dtype

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        # Integer tensors of the generic samples hold zeros, and dividing by them is undefined.
        for sample in super().samples():
            last = sample.inputs[-1] if sample.inputs else None
            if last is None or last.is_float or not isinstance(sample.arguments["right"], Slot):
                yield sample
        mask, ids = TensorType((2,), dtype="bool"), TensorType((2,), dtype="int64")
        yield Sample((mask,), {"left": Slot(0), "right": 2})
        yield Sample((mask, mask), {"left": Slot(0), "right": Slot(1)}, code="E0405")
        yield Sample((ids,), {"left": Slot(0), "right": 0}, code="E0501")


@operator
@dataclass(frozen=True)
class FloorDivide(Division):
    """``left // right``: the quotient rounded down, element by element (``torch.floor_divide``).

    Shapes broadcast, a literal 1 against any size; the dtype is torch's.

        input x: int[B, T]
        id // 2
    """

    name: ClassVar[str] = "floor_divide"
    symbol: ClassVar[str] = "//"
    noun: ClassVar[str] = "quotient"
    function: ClassVar[str] = "operator.floordiv"
    kept = keeping.nothing

    left: Any = argument("operand")
    right: Any = argument("operand")


@operator
@dataclass(frozen=True)
class Remainder(Division):
    """``left % right``: ``left - right * (left // right)``, with the sign of ``right`` (``torch.remainder``).

    Shapes broadcast, a literal 1 against any size; the dtype is torch's.

        input x: int[B, T]
        id % 16
    """

    name: ClassVar[str] = "remainder"
    symbol: ClassVar[str] = "%"
    noun: ClassVar[str] = "remainder"
    function: ClassVar[str] = "operator.mod"
    kept = keeping.remainder

    left: Any = argument("operand")
    right: Any = argument("operand")

    def values(self, inputs: Types) -> Values | None:
        right = self.right
        if self.dtype(inputs) not in INTEGERS or isinstance(right, Slot | bool):
            return None
        return Values(0, right) if not isinstance(right, int) or right > 0 else None


@operator
@dataclass(frozen=True)
class Power(Arithmetic):
    """``left ** right``, element by element (``torch.pow``). Whole numbers can't have a negative exponent.

    Shapes broadcast, a literal 1 against any size; the dtype is torch's.

        input x: [B, 8]
        id ** 2
    """

    name: ClassVar[str] = "power"
    symbol: ClassVar[str] = "**"
    noun: ClassVar[str] = "power"
    function: ClassVar[str] = "operator.pow"
    kept = keeping.power

    left: Any = argument("operand")
    right: Any = argument("operand")

    def dtype(self, inputs: Types) -> str:
        self.refuse_only_bools(inputs)
        dtype = super().dtype(inputs)
        if isinstance(self.right, int) and self.right < 0 and dtype not in ("float32", "float64"):
            left = operands((self.left,), inputs)[0]
            if isinstance(left, TensorType) and not left.is_float:
                raise errors.bad_argument(
                    "right",
                    f"**: whole numbers can't have the negative exponent {self.right}",
                    help="cast(float32) first",
                )
        return dtype

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        mask, ids = TensorType((2,), dtype="bool"), TensorType((2,), dtype="int64")
        yield Sample((mask,), {"left": 2, "right": Slot(0)})
        yield Sample((mask, mask), {"left": Slot(0), "right": Slot(1)}, code="E0405")
        yield Sample((ids,), {"left": Slot(0), "right": -1}, code="E0501")
        yield Sample((ids,), {"left": Slot(0), "right": -1.0})


_BOOL = TensorType((), dtype="bool")
