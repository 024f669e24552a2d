"""Several tensors as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

from archdsl.dims import Dim
from archdsl.ops import errors
from archdsl.ops.axes import joined_values, resolve_dim
from archdsl.ops.base import Fn, Lowered, Operator, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import Features, TensorType, promote


def _same_rank(name: str, given: list[TensorType]) -> None:
    if not given:
        raise errors.bad_argument("tensors", f"{name} of an empty list")
    for branch, x in enumerate(given[1:], start=2):
        if x.rank != given[0].rank:
            raise errors.wrong_rank(
                f"{name}: branch {branch}", f"{given[0].rank} dims, as branch 1 has {given[0]}", x
            )


def _same_size(name: str, given: list[TensorType], dim: int, sizes: Checker) -> Dim:
    first = given[0].shape[dim]
    for branch, x in enumerate(given[1:], start=2):
        what = f"{name}: dim {dim} of branch {branch}, {x}, and of branch 1, {given[0]}"
        sizes.equal(x.shape[dim], first, what)
    return first


def _common(given: list[TensorType]) -> tuple[str, Features]:
    found = {x.features for x in given}
    return reduce(promote, (x.dtype for x in given)), found.pop() if len(found) == 1 else None


class Joining(Operator):
    """Tensors one after the other along a dim, which alone may differ."""

    role: ClassVar[Role] = "merge"
    takes_wire: ClassVar[bool] = False

    tensors: tuple[Slot, ...]

    def place(self, x: TensorType) -> int:
        """The dim along which they are joined."""
        raise NotImplementedError

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        given = [inputs[slot.index] for slot in self.tensors]
        _same_rank(self.name, given)
        place = self.place(given[0])
        shape: list[Dim] = []
        for dim in range(given[0].rank):
            if dim == place:
                shape.append(sum((x.shape[dim] for x in given[1:]), start=given[0].shape[dim]))
            else:
                shape.append(_same_size(self.name, given, dim, sizes))
        dtype, features = _common(given)
        return TensorType(tuple(shape), dtype, features, joined_values(given))

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn("torch.cat", (list(self.tensors),), {"dim": self.place(inputs[self.tensors[0].index])})


@operator
@dataclass(frozen=True)
class Cat(Joining):
    """Tensors one after the other along ``dim`` (``torch.cat``).

    Shapes: equal but for ``dim``, whose sizes add up.

        input x: [B, 8]
        cat([id, 2 * id], dim=-1)
    """

    name: ClassVar[str] = "cat"

    tensors: tuple[Slot, ...] = argument("tensors")
    dim: int = argument("int", keyword_only=True)

    def place(self, x: TensorType) -> int:
        return resolve_dim(self.name, self.dim, x)

    def caption(self, inputs: Types, outputs: Types) -> str:
        return f"cat dim={self.dim}"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x, y = TensorType((2, 3, 4), features="last"), TensorType((2, 5, 4), features="last")
        two = (Slot(0), Slot(1))
        yield Sample((x, y), {"tensors": two, "dim": 1})
        yield Sample((x, x, x), {"tensors": (Slot(0), Slot(1), Slot(2)), "dim": -1})
        yield Sample((x,), {"tensors": (Slot(0),), "dim": 0})
        yield Sample((x, TensorType((2, 3, 4), dtype="int64")), {"tensors": two, "dim": 0})
        yield Sample((x, y), {"tensors": two, "dim": 2}, code="E0401")
        yield Sample((x, TensorType((2, 3))), {"tensors": two, "dim": 1}, code="E0404")
        yield Sample((x, y), {"tensors": two, "dim": 3}, code="E0409")
        yield Sample((), {"tensors": (), "dim": 0}, code="E0501")


@operator
@dataclass(frozen=True)
class Concatenate(Joining):
    """``a ++ b``: one after the other along dim 1 (``torch.cat``): feature maps, or a token before a sequence.

    Shapes: equal but for dim 1, whose sizes add up.

        input x: [B, 64, H=32, W=32]
        conv(96, 1) ++ conv(128, 3)
    """

    name: ClassVar[str] = "concatenate"

    tensors: tuple[Slot, ...] = argument("tensors")

    def place(self, x: TensorType) -> int:
        if x.rank < 2:
            raise errors.wrong_rank("++", "tensors with a dim 1", x)
        return 1

    def caption(self, inputs: Types, outputs: Types) -> str:
        return "++"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x, y = TensorType((2, 3, 4, 5), features="first"), TensorType((2, 7, 4, 5), features="first")
        two = (Slot(0), Slot(1))
        yield Sample((x, y), {"tensors": two})
        yield Sample((x, y, x), {"tensors": (Slot(0), Slot(1), Slot(2))})
        yield Sample((x, TensorType((2, 7, 4, 4))), {"tensors": two}, code="E0401")
        yield Sample((x, TensorType((2, 7, 4))), {"tensors": two}, code="E0404")
        yield Sample((TensorType((2,)), TensorType((2,))), {"tensors": two}, code="E0404")


@operator
@dataclass(frozen=True)
class Stack(Operator):
    """Tensors of one shape along a new dim ``dim`` (``torch.stack``).

    Shapes: n of ``[B, 8]`` with ``dim=1`` to ``[B, n, 8]``.

        input x: [B, 8]
        stack([id, 2 * id], dim=1)
    """

    name: ClassVar[str] = "stack"
    role: ClassVar[Role] = "merge"
    takes_wire: ClassVar[bool] = False

    tensors: tuple[Slot, ...] = argument("tensors")
    dim: int = argument("int", keyword_only=True)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        given = [inputs[slot.index] for slot in self.tensors]
        _same_rank(self.name, given)
        place = resolve_dim(self.name, self.dim, given[0], new=True)
        shape = [_same_size(self.name, given, dim, sizes) for dim in range(given[0].rank)]
        dtype, features = _common(given)
        kept = (features == "last" and place < given[0].rank) or (features == "first" and place > 1)
        shape.insert(place, len(given))
        return TensorType(tuple(shape), dtype, features if kept else None, joined_values(given))

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn("torch.stack", (list(self.tensors),), {"dim": self.dim})

    def caption(self, inputs: Types, outputs: Types) -> str:
        return f"stack dim={self.dim}"

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3), features="last")
        two = (Slot(0), Slot(1))
        for dim in (0, 1, 2, -1, -3):
            yield Sample((x, x), {"tensors": two, "dim": dim})
        yield Sample((TensorType(()), TensorType((), dtype="int64")), {"tensors": two, "dim": 0})
        yield Sample((x, TensorType((2, 4))), {"tensors": two, "dim": 0}, code="E0401")
        yield Sample((x, TensorType((2, 3, 1))), {"tensors": two, "dim": 0}, code="E0404")
        yield Sample((x, x), {"tensors": two, "dim": 3}, code="E0409")
        yield Sample((), {"tensors": (), "dim": 0}, code="E0501")
