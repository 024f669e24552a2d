"""The same numbers in another dtype, or without a gradient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from archdsl.ops import keeping
from archdsl.ops.axes import torch_dtype
from archdsl.ops.base import Fn, Lowered, Operator, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import INTEGERS, TensorType


@operator
@dataclass(frozen=True)
class Cast(Operator):
    """The same numbers in another dtype (``torch.Tensor.to``); float32 is the dtype the model is built in.

    Shapes: as the input. Floats become whole numbers by dropping what follows the point, bools by not being 0.

        input x: int[B, 8]
        cast(float32)
    """

    name: ClassVar[str] = "cast"
    role: ClassVar[Role] = "arithmetic"
    kept = keeping.nothing

    dtype: str = argument("dtype")

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        keeps = x.dtype in INTEGERS and self.dtype in ("int64", "int32")
        return replace(x, dtype=self.dtype, values=x.values if keeps else None)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Slot(0) if inputs[0].dtype == self.dtype else Fn(".to", (Slot(0), torch_dtype(self.dtype)))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3), features="last")
        for dtype in ("float32", "float16", "int64", "bool"):
            yield Sample((x,), {"dtype": dtype})
        for dtype in ("float32", "bfloat16", "uint8"):
            yield Sample((TensorType((2, 3), dtype="int32"),), {"dtype": dtype})


@operator
@dataclass(frozen=True)
class Detach(Operator):
    """The same tensor, through which no gradient flows back (``torch.Tensor.detach``).

    Shapes: as the input.

        input x: [B, 8]
        linear(8) -> detach
    """

    name: ClassVar[str] = "detach"
    role: ClassVar[Role] = "arithmetic"
    kept = keeping.nothing

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        return inputs[0]

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(".detach", (Slot(0),))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((TensorType((2, 3), features="last"),))
        yield Sample((TensorType((), dtype="int64"),))
