"""One tensor as several."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from archdsl.dims import Dim, render
from archdsl.ops import errors
from archdsl.ops.axes import dims_tuple, resolve_dim
from archdsl.ops.base import Fn, Lowered, Operator, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType


class Splitting(Operator):
    """One tensor as several along a dim."""

    role: ClassVar[Role] = "shape"

    dim: int

    def parts(self, x: TensorType, place: int, sizes: Checker) -> tuple[Dim, ...]:
        """The sizes of the parts."""
        raise NotImplementedError

    def shape(self, inputs: Types, sizes: Checker) -> Types:
        (x,) = inputs
        place = resolve_dim(self.name, self.dim, x)
        before, after = x.shape[:place], x.shape[place + 1 :]
        return tuple(
            x.with_shape((*before, part, *after), x.features) for part in self.parts(x, place, sizes)
        )


@operator
@dataclass(frozen=True)
class Split(Splitting):
    """Parts of the given sizes along ``dim`` (``torch.split``): a list of tensors.

    Shapes: ``sizes`` add up to the dim's size. One number gives parts of that size; the last one may be smaller.

        input x: [B, 12]
        a, b = split([4, 8], dim=1)
        b -> linear(4) -> id + a
    """

    name: ClassVar[str] = "split"

    sizes: Dim | tuple[Dim, ...] = argument("dims")
    dim: int = argument("int", keyword_only=True)

    def parts(self, x: TensorType, place: int, sizes: Checker) -> tuple[Dim, ...]:
        size, given = x.shape[place], dims_tuple(self.sizes)
        if not given:
            raise errors.bad_argument("sizes", "split into no parts")
        for i, part in enumerate(given):
            sizes.at_least(part, 1, f"split: part {i + 1}")
        if len(given) == 1 and not sizes.same(given[0], size):
            if isinstance(size, int) and isinstance(given[0], int):
                return _chunks(size, given[0], "sizes")
            reason = "give a list of sizes, or use chunk(n, dim=...)"
            raise errors.undecided_size(
                f"split: how many parts of {render(given[0])} dim {place} of {x} has", reason
            )
        total = sum(given[1:], start=given[0])
        sizes.equal(total, size, f"split: the sum of the sizes, and dim {place} of {x}")
        return given

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        given = dims_tuple(self.sizes)
        return Fn("torch.split", (Slot(0), given[0] if len(given) == 1 else list(given)), {"dim": self.dim})

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 7, 4), features="last")
        yield Sample((x,), {"sizes": (3, 4), "dim": 1})
        yield Sample((x,), {"sizes": (4,), "dim": -1})
        yield Sample((x,), {"sizes": 3, "dim": 1})
        yield Sample((x,), {"sizes": (3, 3), "dim": 1}, code="E0401")
        yield Sample((x,), {"sizes": (7, 0), "dim": 1}, code="E0406")
        yield Sample((x,), {"sizes": 0, "dim": 1}, code="E0406")
        yield Sample((x,), {"sizes": (), "dim": 1}, code="E0501")
        yield Sample((x,), {"sizes": (4,), "dim": 3}, code="E0409")


@operator
@dataclass(frozen=True)
class Chunk(Splitting):
    """``n`` parts along ``dim``, as equal as can be (``torch.chunk``): a list of tensors.

    Shapes: parts of ``ceil(size / n)``, the last one smaller, perhaps fewer than ``n``, as torch has it. A size that
    isn't a number must be a multiple of ``n``.

        input x: [B, 12]
        a, b = chunk(2, dim=1)
        a * sigmoid(b)
    """

    name: ClassVar[str] = "chunk"

    n: int = argument("int", at_least=1, at_most=10_000)
    dim: int = argument("int", keyword_only=True)

    def parts(self, x: TensorType, place: int, sizes: Checker) -> tuple[Dim, ...]:
        size = x.shape[place]
        if isinstance(size, int):
            return _chunks(size, -(-size // self.n), "n")
        sizes.divisible(size, self.n, f"chunk: dim {place} of {x}", "n")
        return (size // self.n,) * self.n

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn("torch.chunk", (Slot(0), self.n), {"dim": self.dim})

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 6, 4), features="last")
        for n in (1, 2, 4, 5, 9):
            yield Sample((x,), {"n": n, "dim": 1})
        yield Sample((x,), {"n": 2, "dim": -1})
        yield Sample((x,), {"n": 2, "dim": 3}, code="E0409")


MOST_PARTS = 10_000


def _chunks(size: int, part: int, argument: str) -> tuple[int, ...]:
    """Parts of ``part`` and what is left."""
    if size // part > MOST_PARTS:
        raise errors.bad_argument(
            argument, f"{size // part} parts are more than the {MOST_PARTS} there can be"
        )
    return (part,) * (size // part) + ((size % part,) if size % part else ())
