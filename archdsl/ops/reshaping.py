"""The same elements under another shape: flatten and unflatten, dims of size 1, dims in another order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from archdsl.dims import Dim, product, render, symbol
from archdsl.ops import errors
from archdsl.ops.axes import moved_features, resolve_dim, resolve_dims
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.division import divide_axis
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType


class Reshaping(Operator):
    """Moves no element: the spatial dims of the result are not those of the input."""

    role: ClassVar[Role] = "shape"

    def reach(self, inputs: Types) -> Reach:
        return Reach("none")


def reordered(x: TensorType, order: Sequence[int]) -> TensorType:
    """``x`` with its dims in ``order``; -1 is a new dim of size 1."""
    shape = tuple(1 if d < 0 else x.shape[d] for d in order)
    return x.with_shape(shape, moved_features(x, order))


@operator
@dataclass(frozen=True)
class Flatten(Reshaping):
    """The dims from ``start`` to ``end``, that one too, as one (``torch.flatten``, with the batch left alone).

    Shapes: ``[B, C, H, W]`` to ``[B, C * H * W]``.

        input x: [B, 64, 7, 7]
        flatten -> linear(10)
    """

    name: ClassVar[str] = "flatten"

    start: int = argument("int", 1)
    end: int = argument("int", -1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        start, end = (resolve_dim(self.name, d, x) for d in (self.start, self.end))
        if start > end:
            raise errors.bad_argument("start", f"flatten: start={self.start} comes after end={self.end}")
        if start == end:
            return x
        shape = (*x.shape[:start], product(x.shape[start : end + 1]), *x.shape[end + 1 :])
        # A merged dim is several: the mark -1 keeps it from being taken for the features.
        return x.with_shape(shape, moved_features(x, [*range(start), -1, *range(end + 1, x.rank)]))

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        (x,) = inputs
        start, end = (resolve_dim(self.name, d, x) for d in (self.start, self.end))
        if start == end:
            return Slot(0)
        return Fn(".flatten", (Slot(0), start) if end == x.rank - 1 else (Slot(0), start, end))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 4, 5), features="first")
        yield Sample((x,))
        yield Sample((x,), {"start": 2})
        yield Sample((x,), {"start": 0, "end": -2})
        yield Sample((x,), {"start": 1, "end": 1})
        yield Sample((TensorType((2, 3)),))
        yield Sample((x,), {"start": 3, "end": 2}, code="E0501")
        yield Sample((x,), {"start": 4}, code="E0409")
        yield Sample((TensorType((2,)),), code="E0409")


@operator
@dataclass(frozen=True)
class Unflatten(Reshaping):
    """One dim as several, whose sizes multiply to its own; one of them may be -1: what is left (``torch.unflatten``).

    Shapes: ``[B, 12]`` with ``unflatten(1, [3, -1])`` to ``[B, 3, 4]``.

        input x: [B, 12]
        unflatten(1, [3, -1])
    """

    name: ClassVar[str] = "unflatten"

    dim: int = argument("int")
    sizes: tuple[Dim, ...] = argument("dims")

    def _parts(self, size: Dim, sizes: Checker) -> tuple[Dim, ...]:
        given = self.sizes if isinstance(self.sizes, tuple) else (self.sizes,)
        if not given or any(isinstance(s, int) and s < 1 and s != -1 for s in given) or given.count(-1) > 1:
            raise errors.bad_argument(
                "sizes", "unflatten: the sizes are numbers from 1 on, and one of them at most is -1"
            )
        known = product(s for s in given if s != -1)
        if -1 not in given:
            sizes.equal(known, size, "unflatten: the product of the sizes")
            return given
        rest = divide_axis(
            size, known, f"unflatten of a dim of {render(size)} into {known} parts", sizes, "sizes"
        )
        return tuple(rest if s == -1 else s for s in given)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        place = resolve_dim(self.name, self.dim, x)
        parts = self._parts(x.shape[place], sizes)
        order = [*range(place), *([-1] * len(parts)), *range(place + 1, x.rank)]
        features = x.features if len(parts) == 1 else moved_features(x, order)
        return x.with_shape((*x.shape[:place], *parts, *x.shape[place + 1 :]), features)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(".unflatten", (Slot(0), self.dim, self.sizes))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 12, 5), features="last")
        yield Sample((x,), {"dim": 1, "sizes": (3, 4)})
        yield Sample((x,), {"dim": -2, "sizes": (2, -1, 3)})
        yield Sample((x,), {"dim": 2, "sizes": (-1,)})
        yield Sample((x,), {"dim": 1, "sizes": (5, -1)}, code="E0407")
        yield Sample((x,), {"dim": 1, "sizes": (3, 5)}, code="E0401")
        yield Sample((x,), {"dim": 1, "sizes": (-1, -1)}, code="E0501")
        yield Sample((x,), {"dim": 1, "sizes": (0, -1)}, code="E0501")
        yield Sample((x,), {"dim": 3, "sizes": (5,)}, code="E0409")


@operator
@dataclass(frozen=True)
class Squeeze(Reshaping):
    """Drops dims of size 1 (``torch.squeeze``). They must be 1: torch's silent no-op elsewhere is an error here.

    Shapes: ``[B, 1, C]`` with ``squeeze(1)`` to ``[B, C]``.

        input x: [B, 1, 64]
        squeeze(1)
    """

    name: ClassVar[str] = "squeeze"

    dim: int | tuple[int, ...] = argument("ints")

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        dims = resolve_dims(self.name, self.dim, x)
        for dim in dims:
            sizes.equal(x.shape[dim], 1, f"squeeze: dim {dim} of {x}")
        return reordered(x, [d for d in range(x.rank) if d not in dims])

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(".squeeze", (Slot(0), self.dim))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 1, 4, 1), features="first")
        yield Sample((x,), {"dim": 1})
        yield Sample((x,), {"dim": (-1, 1)})
        yield Sample((x,), {"dim": 2}, code="E0401")
        yield Sample((x,), {"dim": 4}, code="E0409")
        yield Sample((x,), {"dim": (1, 1)}, code="E0501")
        yield Sample((TensorType((symbol("H"), 2)),), {"dim": 0}, code="E0402")


@operator
@dataclass(frozen=True)
class Unsqueeze(Reshaping):
    """A new dim of size 1 at ``dim`` (``torch.unsqueeze``).

    Shapes: ``[B, C]`` with ``unsqueeze(1)`` to ``[B, 1, C]``.

        input x: [B, 64]
        unsqueeze(1)
    """

    name: ClassVar[str] = "unsqueeze"

    dim: int = argument("int")

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        place = resolve_dim(self.name, self.dim, x, new=True)
        return reordered(x, [*range(place), -1, *range(place, x.rank)])

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(".unsqueeze", (Slot(0), self.dim))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3), features="last")
        for dim in (0, 1, 2, -1, -3):
            yield Sample((x,), {"dim": dim})
        yield Sample((TensorType(()),), {"dim": 0})
        yield Sample((x,), {"dim": 3}, code="E0409")
        yield Sample((x,), {"dim": -4}, code="E0409")


@operator
@dataclass(frozen=True)
class Transpose(Reshaping):
    """Two dims change places, the last two if none are named (``torch.transpose``); ``.T`` in the language.

    Shapes: ``[B, T, D]`` to ``[B, D, T]``.

        input x: [B, T=16, 64]
        transpose(1, 2)
    """

    name: ClassVar[str] = "transpose"

    dim0: int = argument("int", -2)
    dim1: int = argument("int", -1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        first, second = (resolve_dim(self.name, d, x) for d in (self.dim0, self.dim1))
        order = list(range(x.rank))
        order[first], order[second] = second, first
        return reordered(x, order)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(".transpose", (Slot(0), self.dim0, self.dim1))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 4), features="last")
        yield Sample((x,))
        yield Sample((x,), {"dim0": 1, "dim1": -1})
        yield Sample((x,), {"dim0": 0, "dim1": 0})
        yield Sample((x,), {"dim0": 0, "dim1": 3}, code="E0409")
        yield Sample((TensorType((2,)),), code="E0409")


@operator
@dataclass(frozen=True)
class Permute(Reshaping):
    """The dims in another order: the i-th of the result is the input's ``dims[i]`` (``torch.permute``).

    Shapes: ``[B, H, W, C]`` with ``permute([0, 3, 1, 2])`` to ``[B, C, H, W]``.

        input x: [B, H=8, W=8, 3]
        permute([0, 3, 1, 2])
    """

    name: ClassVar[str] = "permute"

    dims: int | tuple[int, ...] = argument("ints")

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        dims = resolve_dims(self.name, self.dims, x, "dims")
        if len(dims) != x.rank:
            raise errors.bad_argument("dims", f"permute: {list(dims)} has {len(dims)} dims, {x} has {x.rank}")
        return reordered(x, dims)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        dims = (self.dims,) if isinstance(self.dims, int) else self.dims
        return Fn(".permute", (Slot(0), *dims))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 4), features="last")
        yield Sample((x,), {"dims": (2, 0, 1)})
        yield Sample((x,), {"dims": (0, -1, 1)})
        yield Sample((x,), {"dims": (0, 1)}, code="E0501")
        yield Sample((x,), {"dims": (0, 1, 1)}, code="E0501")
        yield Sample((x,), {"dims": (0, 1, 3)}, code="E0409")
