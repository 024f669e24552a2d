"""Elements by index: gather and scatter, selection, one-hot codes, choices between two."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from archdsl.dims import Dim
from archdsl.ops import errors, keeping
from archdsl.ops.axes import (
    broadcast,
    in_model_dtype,
    joined_values,
    merged_features,
    need_index,
    numel,
    operands,
    resolve_dim,
    result_dtype,
)
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType, Values

if TYPE_CHECKING:
    from torch import Tensor


@operator
@dataclass(frozen=True)
class Gather(Operator):
    """``out[i][j][k] = x[i][index[i][j][k]][k]`` for ``dim=1``, and so on (``torch.gather``).

    Shapes: the result has that of ``index``, which has as many dims as ``x`` and, but for ``dim``, is nowhere larger.

        input x: [B, 10]
        input index: int[B, 3]
        x -> gather(index % 10, dim=1)
    """

    name: ClassVar[str] = "gather"
    role: ClassVar[Role] = "index"
    kept = keeping.all_inputs

    index: Slot = argument("tensor")
    dim: int = argument("int")

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        x, index = inputs[0], inputs[self.index.index]
        need_index(self.name, index)
        place = resolve_dim(self.name, self.dim, x)
        _within(self.name, index, x, place, sizes)
        sizes.values(index, 0, _known(x.shape[place]), f"the index of gather, into dim {place} of {x}")
        return TensorType(index.shape, x.dtype, x.features, x.values)

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn("torch.gather", (Slot(0), self.dim, self.index))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x, index = TensorType((2, 3, 4), features="last"), TensorType((2, 5, 4), dtype="int64")
        yield Sample((x, index), {"index": Slot(1), "dim": 1})
        yield Sample((x, TensorType((1, 3, 7), dtype="int32")), {"index": Slot(1), "dim": -1})
        yield Sample((x, index), {"index": Slot(1), "dim": 2}, code="E0410")
        yield Sample((x, index), {"index": Slot(1), "dim": 3}, code="E0409")
        yield Sample((x, TensorType((2, 3), dtype="int64")), {"index": Slot(1), "dim": 1}, code="E0404")
        yield Sample((x, x), {"index": Slot(1), "dim": 1}, code="E0405")
        wrong = TensorType((2, 5, 4), dtype="int64", values=Values(0, 9))
        yield Sample((x, wrong), {"index": Slot(1), "dim": 1}, code="E0410")


def scatter_add(src: Tensor, index: Tensor, dim: int, size: int) -> Tensor:
    """Sums of the elements of ``src`` that ``index`` sends to the same place along ``dim``, of ``size`` places."""
    shape = list(index.shape)
    shape[dim] = size
    return src.new_zeros(shape).scatter_add(dim, index, src)


@operator
@dataclass(frozen=True)
class ScatterAdd(Operator):
    """Zeros, to which every element of ``src`` is added at ``index`` along ``dim`` (``torch.Tensor.scatter_add``).

    Shapes: as ``index``, with ``size`` at ``dim``; ``src`` is nowhere smaller than ``index``. The inverse of a gather.
    To add to what is there already, say so: ``y + scatter_add(index, src, dim=1, size=y.shape[1])``.

        input weights: [B, T=8]
        input tokens: int[B, T]
        scatter_add(tokens % 100, weights, dim=1, size=100)
    """

    name: ClassVar[str] = "scatter_add"
    role: ClassVar[Role] = "index"
    takes_wire: ClassVar[bool] = False
    kept = keeping.indices

    index: Slot = argument("tensor")
    src: Slot = argument("tensor")
    dim: int = argument("int")
    size: Dim = argument("dim", at_least=1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        index, src = inputs[self.index.index], inputs[self.src.index]
        need_index(self.name, index)
        place = resolve_dim(self.name, self.dim, index)
        _within(self.name, index, src, None, sizes)
        sizes.values(index, 0, _known(self.size), f"the index of scatter_add, of size {self.size}")
        shape = (*index.shape[:place], self.size, *index.shape[place + 1 :])
        return TensorType(shape, src.dtype, src.features)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """One addition per index."""
        return numel(inputs[self.index.index])

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(scatter_add, (self.src, self.index, self.dim, self.size))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        index, src = TensorType((2, 3), dtype="int64"), TensorType((2, 3))
        both = {"index": Slot(0), "src": Slot(1)}
        yield Sample((index, src), {**both, "dim": 1, "size": 7})
        yield Sample((index, TensorType((4, 3), dtype="float16")), {**both, "dim": -2, "size": 2})
        yield Sample((index, TensorType((2, 2))), {**both, "dim": 1, "size": 7}, code="E0410")
        yield Sample((index, TensorType((2,))), {**both, "dim": 1, "size": 7}, code="E0404")
        yield Sample((src, src), {**both, "dim": 1, "size": 7}, code="E0405")
        yield Sample((index, src), {**both, "dim": 2, "size": 7}, code="E0409")


@operator
@dataclass(frozen=True)
class Take(Operator):
    """The places ``index`` along ``dim``, in its order, as often as it names them (``torch.index_select``).

    Shapes: ``index`` is ``[n]``; ``dim`` becomes ``n``.

        input x: [B, 10]
        input index: int[N=3]
        x -> take(index % 10, dim=1)
    """

    name: ClassVar[str] = "take"
    role: ClassVar[Role] = "index"
    kept = keeping.indices

    index: Slot = argument("tensor")
    dim: int = argument("int")

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        x, index = inputs[0], inputs[self.index.index]
        need_index(self.name, index)
        if index.rank != 1:
            raise errors.wrong_rank("take", "a list of indices [n]", index)
        place = resolve_dim(self.name, self.dim, x)
        sizes.values(index, 0, _known(x.shape[place]), f"the index of take, into dim {place} of {x}")
        return x.with_shape((*x.shape[:place], index.shape[0], *x.shape[place + 1 :]), x.features)

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole" if resolve_dim(self.name, self.dim, inputs[0]) >= 2 else "pointwise")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn("torch.index_select", (Slot(0), self.dim, self.index))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x, index = TensorType((2, 3, 4), features="last"), TensorType((5,), dtype="int64")
        yield Sample((x, index), {"index": Slot(1), "dim": 1})
        yield Sample((x, TensorType((1,), dtype="int32")), {"index": Slot(1), "dim": -1})
        yield Sample((x, index), {"index": Slot(1), "dim": 3}, code="E0409")
        yield Sample((x, TensorType((5, 1), dtype="int64")), {"index": Slot(1), "dim": 1}, code="E0404")
        yield Sample((x, TensorType((5,))), {"index": Slot(1), "dim": 1}, code="E0405")


@operator
@dataclass(frozen=True)
class Where(Operator):
    """``a`` where ``condition`` is true, ``b`` elsewhere (``torch.where``); ``a`` and ``b`` may be numbers.

    Shapes: all three broadcast; the condition is bool.

        input x: [B, 8]
        where(id > 0, id, 0.1 * id)
    """

    name: ClassVar[str] = "where"
    role: ClassVar[Role] = "index"
    takes_wire: ClassVar[bool] = False
    kept = keeping.indices

    condition: Slot = argument("tensor")
    a: Any = argument("operand")
    b: Any = argument("operand")

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        condition = inputs[self.condition.index]
        if condition.dtype != "bool":
            raise errors.wrong_dtype("the condition of where", "bools", condition)
        chosen = [inputs[v.index] for v in (self.a, self.b) if isinstance(v, Slot)]
        what = "the choice between " + " and ".join(map(str, [condition, *chosen]))
        shape = broadcast([condition.shape, *(x.shape for x in chosen)], what, sizes)
        values = joined_values(chosen) if len(chosen) == 2 else None
        dtype = result_dtype(operands((self.a, self.b), inputs))
        return TensorType(shape, dtype, merged_features(shape, chosen or [condition]), values)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """One per element of the result."""
        return numel(outputs[0])

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        called = Fn("torch.where", (self.condition, self.a, self.b))
        return in_model_dtype(called, outputs[0].dtype, inputs)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        mask, x = TensorType((2, 3), dtype="bool"), TensorType((2, 3), features="last")
        slots = {"condition": Slot(0), "a": Slot(1), "b": Slot(2)}
        yield Sample((mask, x, x), slots)
        yield Sample((TensorType((2, 1), dtype="bool"), x, TensorType(())), slots)
        yield Sample((mask, TensorType((4, 2, 1), dtype="int64")), {**slots, "b": 0})
        yield Sample((mask, TensorType((3,), dtype="int64")), {**slots, "a": 0.5, "b": Slot(1)})
        yield Sample((mask,), {"condition": Slot(0), "a": 1, "b": 0})
        yield Sample((mask,), {"condition": Slot(0), "a": 1.0, "b": 0})
        yield Sample((mask,), {"condition": Slot(0), "a": True, "b": False})
        yield Sample((mask, TensorType((3, 3)), x), slots, code="E0401")
        yield Sample((x, x, x), slots, code="E0405")


@operator
@dataclass(frozen=True)
class OneHot(Operator):
    """1 at the place that each integer names, 0 elsewhere, in a new last dim (``F.one_hot``); int.

    Shapes: ``[...]`` to ``[..., classes]``; the integers must be in ``range(classes)``.

        input x: int[B]
        x % 10 -> one_hot(10) -> cast(float32)
    """

    name: ClassVar[str] = "one_hot"
    role: ClassVar[Role] = "index"

    classes: Dim = argument("dim", at_least=1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if x.dtype != "int64":
            raise errors.wrong_dtype("one_hot", "int (i64)", x)
        sizes.values(x, 0, _known(self.classes), f"one_hot of {self.classes} classes")
        return TensorType((*x.shape, self.classes), "int64", "last", Values(0, 2))

    def reach(self, inputs: Types) -> Reach:
        return Reach("none")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn("F.one_hot", (Slot(0), self.classes))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((TensorType((2, 3), dtype="int64"),), {"classes": 5})
        yield Sample((TensorType((), dtype="int64"),), {"classes": 2})
        yield Sample((TensorType((2, 3), dtype="int32"),), {"classes": 5}, code="E0405")
        yield Sample((TensorType((2, 3), dtype="int64", values=Values(0, 9)),), {"classes": 5}, code="E0410")


def _within(operator_name: str, index: TensorType, x: TensorType, free: int | None, sizes: Checker) -> None:
    """The index has the tensor's rank and, but for the dim ``free``, is nowhere larger."""
    if index.rank != x.rank:
        raise errors.wrong_rank(f"the index of {operator_name}", f"as many dims as {x}", index)
    for dim, (small, large) in enumerate(zip(index.shape, x.shape, strict=True)):
        if dim == free or small == large:
            continue
        what = f"{operator_name}: dim {dim} of the index {index}, for {x}"
        if isinstance(large, int):
            sizes.at_most(small, large, what)
        else:
            sizes.at_least(large - small, 0, what)


def _known(size: Dim) -> int:
    """``Checker.values`` takes symbolic sizes as well; its signature says int."""
    return size  # type: ignore[return-value]
