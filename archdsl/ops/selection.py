"""Parts of a tensor along one dim, and the same elements in another order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from archdsl.dims import Dim, render
from archdsl.ops import errors
from archdsl.ops.axes import dims_tuple, moved_features, one_or_all, resolve_dim, resolve_dims
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType


@operator
@dataclass(frozen=True)
class Select(Operator):
    """The place ``index`` along ``dim`` (``torch.select``); -1 is the last.

    Shapes: ``dim`` is gone.

        input x: [B, T=16, 64]
        select(0, dim=1)
    """

    name: ClassVar[str] = "select"
    role: ClassVar[Role] = "index"

    index: Dim = argument("dim")
    dim: int = argument("int")

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        place = resolve_dim(self.name, self.dim, x)
        if isinstance(self.index, int) and self.index < 0:
            inside(0, -self.index, x, place, "select", sizes)
        else:
            inside(self.index, 1, x, place, "select", sizes)
        order = [d for d in range(x.rank) if d != place]
        return x.with_shape(tuple(x.shape[d] for d in order), moved_features(x, order))

    def reach(self, inputs: Types) -> Reach:
        return Reach("none" if resolve_dim(self.name, self.dim, inputs[0]) >= 2 else "pointwise")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(".select", (Slot(0), self.dim, self.index))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 4), features="last")
        yield Sample((x,), {"index": 2, "dim": 1})
        yield Sample((x,), {"index": -4, "dim": -1})
        yield Sample((x,), {"index": 3, "dim": 1}, code="E0406")
        yield Sample((x,), {"index": -4, "dim": 1}, code="E0406")
        yield Sample((x,), {"index": 0, "dim": 3}, code="E0409")


@operator
@dataclass(frozen=True)
class Narrow(Operator):
    """``length`` places from ``start`` on along ``dim`` (``torch.narrow``); a negative start counts from the end.

    Shapes: ``dim`` becomes ``length``. What is needed of its size is recorded as a bound.

        input x: [B, T=16, 64]
        narrow(1, T - 1, dim=1)
    """

    name: ClassVar[str] = "narrow"
    role: ClassVar[Role] = "index"

    start: Dim = argument("dim")
    length: Dim = argument("dim", at_least=1)
    dim: int = argument("int")

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        place = resolve_dim(self.name, self.dim, x)
        sizes.at_least(self.length, 1, "the length of narrow")
        if isinstance(self.start, int) and self.start < 0:
            inside(0, -self.start, x, place, "narrow", sizes)
            sizes.at_least(-self.start - self.length, 0, "narrow: the places after the last one taken")
        else:
            inside(self.start, self.length, x, place, "narrow", sizes)
        return x.with_shape((*x.shape[:place], self.length, *x.shape[place + 1 :]), x.features)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(".narrow", (Slot(0), self.dim, self.start, self.length))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 4), features="last")
        yield Sample((x,), {"start": 1, "length": 2, "dim": 1})
        yield Sample((x,), {"start": 0, "length": 4, "dim": -1})
        yield Sample((x,), {"start": -2, "length": 2, "dim": 1})
        yield Sample((x,), {"start": 1, "length": 3, "dim": 1}, code="E0406")
        yield Sample((x,), {"start": -2, "length": 3, "dim": 1}, code="E0406")
        yield Sample((x,), {"start": -5, "length": 1, "dim": 1}, code="E0406")
        yield Sample((x,), {"start": 0, "length": 1, "dim": 3}, code="E0409")


def inside(start: Dim, length: Dim, x: TensorType, place: int, name: str, sizes: Checker) -> None:
    """Record that ``length`` places from ``start`` on lie inside dim ``place``; E0406 or E0410 where they never do."""
    size, end = x.shape[place], start + length
    sizes.at_least(start, 0, f"{name}: the first place")
    arithmetic = f"{render(start)} + {render(length)} = {render(end)} places of {render(size)}"
    if isinstance(end, int):
        sizes.at_least(size, end, f"{name}: dim {place} of {x}", arithmetic)
    elif isinstance(size, int):
        sizes.at_most(end, size, f"{name}: the end of the part taken of dim {place} of {x}", arithmetic)
    else:
        sizes.at_least(
            size - end, 0, f"{name}: what is left behind the part taken of dim {place}", arithmetic
        )


@operator
@dataclass(frozen=True)
class Roll(Operator):
    """Shifts elements along dims; what leaves at the end comes in at the front (``torch.roll``).

    Shapes: as the input. ``shifts`` and ``dims``: a number each, or lists of one length.

        input x: [B, 56, 56, 96]
        roll([-3, -3], [1, 2])
    """

    name: ClassVar[str] = "roll"
    role: ClassVar[Role] = "index"

    shifts: Dim | tuple[Dim, ...] = argument("dims")
    dims: int | tuple[int, ...] = argument("ints")

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        shifts = dims_tuple(self.shifts)
        dims = (self.dims,) if isinstance(self.dims, int) else self.dims
        if len(shifts) != len(dims) or not dims:
            raise errors.bad_argument("shifts", f"roll: {len(shifts)} shifts for {len(dims)} dims")
        for dim in dims:
            resolve_dim(self.name, dim, x)
        return x

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        shifts, dims = dims_tuple(self.shifts), self.dims
        first = shifts[0] if len(shifts) == 1 else shifts
        return Fn("torch.roll", (Slot(0), first, one_or_all((dims,) if isinstance(dims, int) else dims)))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 4), features="last")
        yield Sample((x,), {"shifts": 1, "dims": 1})
        yield Sample((x,), {"shifts": (-1, 7), "dims": (1, -1)})
        yield Sample((x,), {"shifts": (1, 2), "dims": (1, 1)})
        yield Sample((x,), {"shifts": (1, 2), "dims": 1}, code="E0501")
        yield Sample((x,), {"shifts": 1, "dims": 3}, code="E0409")


@operator
@dataclass(frozen=True)
class Flip(Operator):
    """Reverses the order along the dims (``torch.flip``).

    Shapes: as the input.

        input x: [B, T=16, 64]
        flip(1)
    """

    name: ClassVar[str] = "flip"
    role: ClassVar[Role] = "index"

    dims: int | tuple[int, ...] = argument("ints")

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        resolve_dims(self.name, self.dims, x, "dims")
        return x

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn("torch.flip", (Slot(0), (self.dims,) if isinstance(self.dims, int) else self.dims))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 4), features="last")
        yield Sample((x,), {"dims": 1})
        yield Sample((x,), {"dims": (0, -1)})
        yield Sample((TensorType((3,), dtype="bool"),), {"dims": -1})
        yield Sample((x,), {"dims": (1, -2)}, code="E0501")
        yield Sample((x,), {"dims": -4}, code="E0409")
