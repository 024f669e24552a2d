"""Counting, and the identity matrix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from archdsl.dims import Dim, ceil_div
from archdsl.ops import errors, keeping
from archdsl.ops.axes import DEVICE, torch_dtype
from archdsl.ops.base import Fn, Lowered, Sample, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.sources import Source, positive_shape
from archdsl.tensors import FLOATS, TensorType, Values


@operator
@dataclass(frozen=True)
class Arange(Source):
    """``start, start + step, ...``, less than ``end`` (``torch.arange``). With one number, ``0 .. number - 1``.

    Shapes: ``[ceil((end - start) / step)]``; int unless ``dtype`` is written. ``step`` may be negative.

        input x: int[B, T=16]
        id + arange(T)
    """

    name: ClassVar[str] = "arange"
    kept = keeping.nothing

    start: Dim = argument("dim")
    end: Dim | None = argument("dim", None)
    step: int = argument("int", 1)
    dtype: str = argument("dtype", "int64", keyword_only=True)

    def _range(self) -> tuple[Dim, Dim]:
        return (0, self.start) if self.end is None else (self.start, self.end)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        if self.step == 0:
            raise errors.bad_argument("step", "arange: step must not be 0")
        if self.dtype == "bool":
            raise errors.bad_argument("dtype", "arange gives numbers, not bools")
        start, end = self._range()
        span = end - start if self.step > 0 else start - end
        length = ceil_div(span, abs(self.step))
        sizes.at_least(length, 1, "the length of arange")
        values = None
        if self.dtype not in FLOATS:
            values = Values(start, end) if self.step > 0 else Values(end + 1, start + 1)
        return TensorType((length,), self.dtype, values=values)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        given: tuple[Dim, ...] = (self.start,) if self.end is None else (self.start, self.end)
        if self.step != 1:
            given = (*self._range(), self.step)
        # Of whole numbers torch makes int64 without being told.
        keywords = {"device": DEVICE} | ({} if self.dtype == "int64" else {"dtype": torch_dtype(self.dtype)})
        return Fn("torch.arange", given, keywords)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((), {"start": 5})
        yield Sample((), {"start": 2, "end": 7})
        yield Sample((), {"start": -2, "end": 6, "step": 3})
        yield Sample((), {"start": 7, "end": 0, "step": -2})
        yield Sample((), {"start": 5, "dtype": "float32"})
        yield Sample((), {"start": 5, "dtype": "int32", "step": 2})
        yield Sample((), {"start": 0}, code="E0406")
        yield Sample((), {"start": 7, "end": 2}, code="E0406")
        yield Sample((), {"start": 7, "step": 0}, code="E0501")
        yield Sample((), {"start": 7, "dtype": "bool"}, code="E0501")


@operator
@dataclass(frozen=True)
class Eye(Source):
    """Ones on the diagonal, zeros elsewhere (``torch.eye``).

    Shapes: ``[n, m]``, square if ``m`` is left out.

        input x: [B, 8]
        x @ eye(8)
    """

    name: ClassVar[str] = "eye"

    n: Dim = argument("dim", at_least=1)
    m: Dim | None = argument("dim", None, at_least=1)
    dtype: str = argument("dtype", "float32", keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        shape = positive_shape(self.name, (self.n, self.n if self.m is None else self.m), sizes)
        whole = self.dtype not in FLOATS and self.dtype != "bool"
        return TensorType(shape, self.dtype, values=Values(0, 2) if whole else None)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        given = (self.n,) if self.m is None else (self.n, self.m)
        return Fn("torch.eye", given, {"device": DEVICE, "dtype": torch_dtype(self.dtype)})

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((), {"n": 3})
        yield Sample((), {"n": 3, "m": 5})
        yield Sample((), {"n": 2, "dtype": "bool"})
        yield Sample((), {"n": 2, "dtype": "int64"})
