"""Functions of each element: exponentials, roots, rounding, signs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from archdsl.ops import keeping
from archdsl.ops.base import Sample
from archdsl.ops.elementwise import Unary
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType


def _samples(cls: type[Unary]) -> Iterable[Sample]:
    yield Sample((TensorType((2, 3), features="last"),))
    yield Sample((TensorType((), dtype="float16"),))
    for dtype in ("int64", "uint8"):
        yield Sample((TensorType((4,), dtype=dtype),))
    yield Sample((TensorType((4,), dtype="bool"),), code=None if cls.takes_bools else "E0405")


class ToFloat(Unary):
    """Whole numbers become floats first."""

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        return _samples(cls)


class KeepsDtype(Unary):
    """Whole numbers stay what they are."""

    makes_floats: ClassVar[bool] = False

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        return _samples(cls)


@operator
@dataclass(frozen=True)
class Exp(ToFloat):
    """``e ** x`` (``torch.exp``).

    Shapes: as the input; integers and bools become floats.

        input x: [B, 8]
        exp
    """

    name: ClassVar[str] = "exp"
    function: ClassVar[str] = "torch.exp"
    kept = keeping.result


@operator
@dataclass(frozen=True)
class Log(ToFloat):
    """The natural logarithm of x; -inf at 0, nan below (``torch.log``).

    Shapes: as the input; integers and bools become floats.

        input x: [B, 8]
        log
    """

    name: ClassVar[str] = "log"
    function: ClassVar[str] = "torch.log"
    kept = keeping.wire


@operator
@dataclass(frozen=True)
class Sqrt(ToFloat):
    """The square root of x; nan below 0 (``torch.sqrt``).

    Shapes: as the input; integers and bools become floats.

        input x: [B, 8]
        sqrt
    """

    name: ClassVar[str] = "sqrt"
    function: ClassVar[str] = "torch.sqrt"
    kept = keeping.result


@operator
@dataclass(frozen=True)
class Rsqrt(ToFloat):
    """``1 / sqrt(x)`` (``torch.rsqrt``).

    Shapes: as the input; integers and bools become floats.

        input x: [B, 8]
        rsqrt
    """

    name: ClassVar[str] = "rsqrt"
    function: ClassVar[str] = "torch.rsqrt"
    kept = keeping.result


@operator
@dataclass(frozen=True)
class Sin(ToFloat):
    """The sine of x, in radians (``torch.sin``).

    Shapes: as the input; integers and bools become floats.

        input x: [B, 8]
        sin
    """

    name: ClassVar[str] = "sin"
    function: ClassVar[str] = "torch.sin"
    kept = keeping.wire


@operator
@dataclass(frozen=True)
class Cos(ToFloat):
    """The cosine of x, in radians (``torch.cos``).

    Shapes: as the input; integers and bools become floats.

        input x: [B, 8]
        cos
    """

    name: ClassVar[str] = "cos"
    function: ClassVar[str] = "torch.cos"
    kept = keeping.wire


@operator
@dataclass(frozen=True)
class Reciprocal(ToFloat):
    """``1 / x`` (``torch.reciprocal``).

    Shapes: as the input; integers and bools become floats.

        input x: [B, 8]
        reciprocal
    """

    name: ClassVar[str] = "reciprocal"
    function: ClassVar[str] = "torch.reciprocal"
    kept = keeping.result


@operator
@dataclass(frozen=True)
class Erf(ToFloat):
    """The error function: the integral of ``2 / sqrt(pi) * exp(-t ** 2)`` from 0 to x (``torch.erf``).

    Shapes: as the input; integers and bools become floats.

        input x: [B, 8]
        erf
    """

    name: ClassVar[str] = "erf"
    function: ClassVar[str] = "torch.erf"
    kept = keeping.wire


@operator
@dataclass(frozen=True)
class Abs(KeepsDtype):
    """``|x|`` (``torch.abs``).

    Shapes: as the input; any dtype but bool.

        input x: [B, 8]
        abs
    """

    name: ClassVar[str] = "abs"
    function: ClassVar[str] = "torch.abs"
    takes_bools: ClassVar[bool] = False
    kept = keeping.wire


@operator
@dataclass(frozen=True)
class Sign(KeepsDtype):
    """-1, 0 or 1, as x is below, at or above 0 (``torch.sign``).

    Shapes: as the input; any dtype.

        input x: [B, 8]
        sign
    """

    name: ClassVar[str] = "sign"
    function: ClassVar[str] = "torch.sign"
    kept = keeping.nothing


@operator
@dataclass(frozen=True)
class Floor(KeepsDtype):
    """The greatest whole number that is at most x (``torch.floor``).

    Shapes: as the input; any dtype but bool.

        input x: [B, 8]
        floor
    """

    name: ClassVar[str] = "floor"
    function: ClassVar[str] = "torch.floor"
    takes_bools: ClassVar[bool] = False
    kept = keeping.nothing


@operator
@dataclass(frozen=True)
class Ceil(KeepsDtype):
    """The least whole number that is at least x (``torch.ceil``).

    Shapes: as the input; any dtype but bool.

        input x: [B, 8]
        ceil
    """

    name: ClassVar[str] = "ceil"
    function: ClassVar[str] = "torch.ceil"
    takes_bools: ClassVar[bool] = False
    kept = keeping.nothing


@operator
@dataclass(frozen=True)
class Round(KeepsDtype):
    """The nearest whole number, halves to the even one (``torch.round``).

    Shapes: as the input; any dtype but bool.

        input x: [B, 8]
        round
    """

    name: ClassVar[str] = "round"
    function: ClassVar[str] = "torch.round"
    takes_bools: ClassVar[bool] = False
    kept = keeping.nothing


@operator
@dataclass(frozen=True)
class Square(KeepsDtype):
    """``x * x`` (``torch.square``).

    Shapes: as the input; bools become ints, as in torch.

        input x: [B, 8]
        square
    """

    name: ClassVar[str] = "square"
    function: ClassVar[str] = "torch.square"
    kept = keeping.wire

    def dtype(self, x: TensorType) -> str:
        return "int64" if x.dtype == "bool" else x.dtype


@operator
@dataclass(frozen=True)
class IsNan(KeepsDtype):
    """Whether x is not a number (``torch.isnan``).

    Shapes: as the input; any dtype; the result is bool.

        input x: [B, 8]
        isnan
    """

    name: ClassVar[str] = "isnan"
    function: ClassVar[str] = "torch.isnan"

    def dtype(self, x: TensorType) -> str:
        return "bool"
