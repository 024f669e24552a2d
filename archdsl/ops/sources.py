"""Tensors from nothing: constants, counting, the identity, noise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from archdsl.dims import Dim, Size
from archdsl.ops import errors, keeping
from archdsl.ops.axes import DEVICE, dims_tuple, torch_dtype
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import FLOATS, TensorType, Values


class Source(Operator):
    """Takes no tensor. What it makes is on the model's device and, unless said otherwise, in the model's dtype."""

    role: ClassVar[Role] = "source"
    takes_wire: ClassVar[bool] = False
    function: ClassVar[str]

    def reach(self, inputs: Types) -> Reach:
        return Reach("none")


class Filled(Source):
    """A tensor of a given size, filled by torch."""

    size: Any
    dtype: str

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        return TensorType(positive_shape(self.name, self.size, sizes), self.dtype, values=self.contents())

    def contents(self) -> Values | None:
        """What integers it holds."""
        return None

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        keywords = {"device": DEVICE, "dtype": torch_dtype(self.dtype)}
        return Fn(self.function, (dims_tuple(self.size),), keywords)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((), {"size": (2, 3)})
        yield Sample((), {"size": 4, "dtype": "float16"})
        yield Sample((), {"size": ()})
        yield Sample((), {"size": (2, 0)}, code="E0406")


def positive_shape(name: str, size: Dim | tuple[Dim, ...], sizes: Checker) -> tuple[Dim, ...]:
    """The shape, none of whose sizes may be less than 1."""
    shape = dims_tuple(size)
    for dim, one in enumerate(shape):
        sizes.at_least(one, 1, f"{name}: dim {dim}")
    return shape


@operator
@dataclass(frozen=True)
class Zeros(Filled):
    """Zeros of the given size and dtype (``torch.zeros``).

    Shapes: ``size``, a list of sizes; one number is a list of one, ``[]`` gives a scalar.

        input x: [B, 8]
        id + zeros([B, 8])
    """

    name: ClassVar[str] = "zeros"
    function: ClassVar[str] = "torch.zeros"

    size: Dim | tuple[Dim, ...] = argument("dims")
    dtype: str = argument("dtype", "float32", keyword_only=True)

    def contents(self) -> Values | None:
        return None if self.dtype in FLOATS or self.dtype == "bool" else Values(0, 1)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield Sample((), {"size": 3, "dtype": "int64"})
        yield Sample((), {"size": 3, "dtype": "bool"})


@operator
@dataclass(frozen=True)
class Ones(Filled):
    """Ones of the given size and dtype (``torch.ones``).

    Shapes: ``size``, a list of sizes; one number is a list of one, ``[]`` gives a scalar.

        input x: [B, 8]
        id + ones([B, 8])
    """

    name: ClassVar[str] = "ones"
    function: ClassVar[str] = "torch.ones"

    size: Dim | tuple[Dim, ...] = argument("dims")
    dtype: str = argument("dtype", "float32", keyword_only=True)

    def contents(self) -> Values | None:
        return None if self.dtype in FLOATS or self.dtype == "bool" else Values(1, 2)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield Sample((), {"size": 3, "dtype": "int64"})
        yield Sample((), {"size": 3, "dtype": "bool"})


@operator
@dataclass(frozen=True)
class Rand(Filled):
    """Noise, uniform in [0, 1), fresh at every call (``torch.rand``). Floats only.

    Shapes: ``size``, a list of sizes; one number is a list of one, ``[]`` gives a scalar.

        input x: [B, 8]
        id + rand([B, 8])
    """

    name: ClassVar[str] = "rand"
    function: ClassVar[str] = "torch.rand"
    kept = keeping.nothing

    size: Dim | tuple[Dim, ...] = argument("dims")
    dtype: str = argument("dtype", "float32", keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        if self.dtype not in FLOATS:
            raise errors.bad_argument("dtype", f"rand gives floats, not {self.dtype}")
        return super().shape(inputs, sizes)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield Sample((), {"size": 3, "dtype": "int64"}, code="E0501")


@operator
@dataclass(frozen=True)
class RandN(Filled):
    """Noise, normal with mean 0 and variance 1, fresh at every call (``torch.randn``). Floats only.

    Shapes: ``size``, a list of sizes; one number is a list of one, ``[]`` gives a scalar.

        input x: [B, 8]
        id + randn([B, 8])
    """

    name: ClassVar[str] = "randn"
    function: ClassVar[str] = "torch.randn"
    kept = keeping.nothing

    size: Dim | tuple[Dim, ...] = argument("dims")
    dtype: str = argument("dtype", "float32", keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        if self.dtype not in FLOATS:
            raise errors.bad_argument("dtype", f"randn gives floats, not {self.dtype}")
        return super().shape(inputs, sizes)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield Sample((), {"size": 3, "dtype": "int64"}, code="E0501")


@operator
@dataclass(frozen=True)
class Full(Source):
    """``value`` everywhere (``torch.full``); its kind gives the dtype unless ``dtype`` is written.

    Shapes: ``size``, a list of sizes; one number is a list of one, ``[]`` gives a scalar.

        input x: [B, 8]
        id * full([B, 8], 0.5)
    """

    name: ClassVar[str] = "full"
    function: ClassVar[str] = "torch.full"

    size: Dim | tuple[Dim, ...] = argument("dims")
    value: Any = argument("operand")
    dtype: str | None = argument("dtype", None, keyword_only=True)

    def _dtype(self) -> str:
        if self.dtype is not None:
            return self.dtype
        if isinstance(self.value, bool):
            return "bool"
        return "int64" if isinstance(self.value, int | Size) else "float32"

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        if not isinstance(self.value, int | float | Size):
            raise errors.bad_argument("value", "full takes a number; a tensor broadcasts by itself")
        shape, dtype = positive_shape(self.name, self.size, sizes), self._dtype()
        value: Any = self.value
        whole = not isinstance(value, bool | float) and dtype == "int64"
        return TensorType(shape, dtype, values=Values(value, value + 1) if whole else None)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        keywords = {"device": DEVICE, "dtype": torch_dtype(self._dtype())}
        return Fn("torch.full", (dims_tuple(self.size), self.value), keywords)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for value in (0.5, 3, True):
            yield Sample((), {"size": (2, 3), "value": value})
        yield Sample((), {"size": 2, "value": 3, "dtype": "float16"})
        yield Sample((), {"size": 2, "value": 3, "dtype": "float32"})
        yield Sample((), {"size": (0,), "value": 3}, code="E0406")
