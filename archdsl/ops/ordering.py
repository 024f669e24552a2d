"""Order along a dim: the greatest ones and where they are, sorting, running sums and products."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from archdsl.dims import Dim
from archdsl.ops import keeping
from archdsl.ops.axes import numel, refuse_bool, resolve_dim
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.reducing import reduced
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType, Values


class AlongDim(Operator):
    """An operator along one dim."""

    role: ClassVar[Role] = "index"

    dim: int

    def place(self, x: TensorType) -> int:
        """The dim, counted from the front."""
        return resolve_dim(self.name, self.dim, x)

    def positions(self, x: TensorType, shape: tuple[Dim, ...]) -> TensorType:
        """The type of a tensor of places along the dim."""
        return TensorType(shape, "int64", values=Values(0, x.shape[self.place(x)]))

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """One per element that is read."""
        return numel(inputs[0])

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole" if self.place(inputs[0]) >= 2 else "pointwise")


class ArgExtreme(AlongDim):
    """Where the extreme along ``dim`` is."""

    function: ClassVar[str]
    keep: bool

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        refuse_bool(self.name, x)
        return self.positions(x, reduced(x, (self.place(x),), self.keep, "int64").shape)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(self.function, (Slot(0),), {"dim": self.dim} | ({"keepdim": True} if self.keep else {}))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 4))
        yield Sample((x,), {"dim": 1})
        yield Sample((x,), {"dim": -1, "keep": True})
        yield Sample((TensorType((5,), dtype="int32"),), {"dim": 0})
        yield Sample((x,), {"dim": 3}, code="E0409")
        yield Sample((TensorType((2,), dtype="bool"),), {"dim": 0}, code="E0405")


@operator
@dataclass(frozen=True)
class ArgMax(ArgExtreme):
    """Where along ``dim`` the greatest value is (``torch.argmax``); int.

    Shapes: ``dim`` is gone, or 1 with ``keep=true``.

        input x: [B, 10]
        argmax(dim=1)
    """

    name: ClassVar[str] = "argmax"
    function: ClassVar[str] = "torch.argmax"

    dim: int = argument("int")
    keep: bool = argument("bool", False, keyword_only=True)


@operator
@dataclass(frozen=True)
class ArgMin(ArgExtreme):
    """Where along ``dim`` the least value is (``torch.argmin``); int.

    Shapes: ``dim`` is gone, or 1 with ``keep=true``.

        input x: [B, 10]
        argmin(dim=1)
    """

    name: ClassVar[str] = "argmin"
    function: ClassVar[str] = "torch.argmin"

    dim: int = argument("int")
    keep: bool = argument("bool", False, keyword_only=True)


@operator
@dataclass(frozen=True)
class TopK(AlongDim):
    """The ``k`` greatest (or least) along ``dim``, and where they were (``torch.topk``): two outputs.

    Shapes: ``dim`` becomes ``k``, which is at most its size. ``sorted=false`` leaves their order open.

        input x: [B, 10]
        values, indices = topk(3)
        values
    """

    name: ClassVar[str] = "topk"
    kept = keeping.indices

    k: Dim = argument("dim", at_least=1)
    dim: int = argument("int", -1)
    largest: bool = argument("bool", True, keyword_only=True)
    sorted: bool = argument("bool", True, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> Types:
        (x,) = inputs
        refuse_bool(self.name, x)
        place = self.place(x)
        if isinstance(self.k, int):
            sizes.at_least(x.shape[place], self.k, f"topk: dim {place} of {x}")
        else:
            sizes.at_least(x.shape[place] - self.k, 0, f"topk: what k leaves of dim {place} of {x}")
        shape = (*x.shape[:place], self.k, *x.shape[place + 1 :])
        return x.with_shape(shape, x.features), self.positions(x, shape)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        keywords: dict[str, object] = {} if self.largest else {"largest": False}
        keywords |= {} if self.sorted else {"sorted": False}
        keywords = ({} if self.dim == -1 else {"dim": self.dim}) | keywords
        return Fn("torch.topk", (Slot(0), self.k), keywords)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 4), features="last")
        yield Sample((x,), {"k": 2})
        yield Sample((x,), {"k": 3, "dim": 1, "largest": False})
        yield Sample((TensorType((5,), dtype="int64"),), {"k": 5, "dim": 0, "sorted": False})
        yield Sample((x,), {"k": 5}, code="E0406")
        yield Sample((x,), {"k": 1, "dim": -4}, code="E0409")
        yield Sample((TensorType((2,), dtype="bool"),), {"k": 1}, code="E0405")


class Sorting(AlongDim):
    """Puts what is along ``dim`` in order."""

    function: ClassVar[str]
    descending: bool
    stable: bool

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        keywords: dict[str, object] = {} if self.dim == -1 else {"dim": self.dim}
        keywords |= {"descending": True} if self.descending else {}
        keywords |= {"stable": True} if self.stable else {}
        return Fn(self.function, (Slot(0),), keywords)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 4), features="last")
        yield Sample((x,))
        yield Sample((x,), {"dim": 1, "descending": True})
        yield Sample((TensorType((5,), dtype="int64"),), {"dim": 0, "stable": True})
        yield Sample((TensorType((5,), dtype="bool"),), {"descending": True, "stable": True})
        yield Sample((x,), {"dim": 3}, code="E0409")


@operator
@dataclass(frozen=True)
class Sort(Sorting):
    """The values along ``dim`` in order, and where they were (``torch.sort``): two outputs.

    Shapes: both as the input. ``stable=true`` keeps the order of equal ones.

        input x: [B, 10]
        values, indices = sort(dim=1)
        values
    """

    name: ClassVar[str] = "sort"
    function: ClassVar[str] = "torch.sort"
    kept = keeping.indices

    dim: int = argument("int", -1)
    descending: bool = argument("bool", False)
    stable: bool = argument("bool", False, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> Types:
        (x,) = inputs
        return x, self.positions(x, x.shape)


@operator
@dataclass(frozen=True)
class ArgSort(Sorting):
    """Where the values of the sorted dim were (``torch.argsort``); int.

    Shapes: as the input. ``argsort`` of the result undoes the permutation.

        input x: [B, 10]
        argsort(dim=1, stable=true)
    """

    name: ClassVar[str] = "argsort"
    function: ClassVar[str] = "torch.argsort"
    kept = keeping.indices

    dim: int = argument("int", -1)
    descending: bool = argument("bool", False)
    stable: bool = argument("bool", False, keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        return self.positions(x, x.shape)


class Running(AlongDim):
    """A result for every prefix of ``dim``."""

    role: ClassVar[Role] = "arithmetic"
    function: ClassVar[str]

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        self.place(x)
        return replace(x, dtype=x.dtype if x.is_float else "int64", values=None)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(self.function, (Slot(0),), {"dim": self.dim})

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 4), features="last")
        yield Sample((x,), {"dim": 1})
        yield Sample((TensorType((5,), dtype="bool"),), {"dim": -1})
        yield Sample((TensorType((5,), dtype="int32"),), {"dim": 0})
        yield Sample((x,), {"dim": -4}, code="E0409")


@operator
@dataclass(frozen=True)
class CumSum(Running):
    """Running sums along ``dim`` (``torch.cumsum``).

    Shapes: as the input. Whole numbers and bools add up to int.

        input x: [B, T=16]
        cumsum(dim=1)
    """

    name: ClassVar[str] = "cumsum"
    function: ClassVar[str] = "torch.cumsum"
    kept = keeping.nothing

    dim: int = argument("int")


@operator
@dataclass(frozen=True)
class CumProd(Running):
    """Running products along ``dim`` (``torch.cumprod``).

    Shapes: as the input. Whole numbers and bools give int.

        input x: [B, T=16]
        cumprod(dim=1)
    """

    name: ClassVar[str] = "cumprod"
    function: ClassVar[str] = "torch.cumprod"
    kept = keeping.wire_and_result

    dim: int = argument("int")
