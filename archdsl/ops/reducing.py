"""What reductions have in common: which dims, what is left of the shape, how torch is called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from archdsl.ops.axes import moved_features, numel, one_or_all, resolve_dims
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types
from archdsl.ops.checker import Checker
from archdsl.tensors import TensorType


class Reduction(Operator):
    """Makes one value of all along the dims ``dim``; they are gone, or 1 with ``keep``."""

    role: ClassVar[Role] = "arithmetic"
    function: ClassVar[str]

    dim: Any
    keep: bool

    def dims(self, x: TensorType) -> tuple[int, ...]:
        """The reduced dims, counted from the front; all of them where none is named."""
        return tuple(range(x.rank)) if self.dim is None else resolve_dims(self.name, self.dim, x)

    def dtype(self, x: TensorType) -> str:
        """The dtype of the result; raises OperatorError where torch has none."""
        return x.dtype

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        return reduced(x, self.dims(x), self.keep, self.dtype(x))

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """One per element that is read."""
        return numel(inputs[0])

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole" if any(dim >= 2 for dim in self.dims(inputs[0])) else "pointwise")

    def call(self, inputs: Types) -> Fn:
        """torch's function with the dims as written and ``keepdim`` where it is wanted."""
        keywords: dict[str, object] = {}
        if self.dim is not None:
            keywords["dim"] = one_or_all((self.dim,) if isinstance(self.dim, int) else self.dim)
        elif self.keep:
            keywords["dim"] = tuple(range(inputs[0].rank))
        if self.keep:
            keywords["keepdim"] = True
        return Fn(self.function, (Slot(0),), keywords)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return self.call(inputs)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 4), features="last")
        yield Sample((x,), {"dim": 1})
        yield Sample((x,), {"dim": -1, "keep": True})
        yield Sample((x,), {"dim": (0, -1)})
        yield Sample((x,), {"dim": (2, 1), "keep": True})
        yield Sample((TensorType((2, 3, 4), dtype="float16"),), {"dim": (0, 1, 2)})
        for dtype in ("int32", "uint8", "bool"):
            yield Sample((TensorType((2, 3), dtype=dtype),), {"dim": 1})
        yield Sample((x,), {"dim": 3}, code="E0409")
        yield Sample((x,), {"dim": (0, -4)}, code="E0409")
        yield Sample((TensorType(()),), {"dim": 0}, code="E0409")
        yield Sample((x,), {"dim": (1, -2)}, code="E0501")
        yield Sample((x,), {"dim": ()}, code="E0501")


def reduced(x: TensorType, dims: tuple[int, ...], keep: bool, dtype: str) -> TensorType:
    """The type of what is left when ``dims`` are reduced."""
    order = [-1 if d in dims else d for d in range(x.rank) if keep or d not in dims]
    shape = tuple(1 if d == -1 else x.shape[d] for d in order)
    return TensorType(shape, dtype, moved_features(x, order))
