"""What operators on tensors of any rank share: dims by number, broadcasting, promotion, where features end up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from archdsl.dims import Dim, Size
from archdsl.ops import errors
from archdsl.ops.base import Fn, Slot, Types
from archdsl.ops.checker import Checker
from archdsl.tensors import FLOATS, INTEGERS, Features, TensorType, Values, promote, promote_scalar

# What a lowering without a tensor input needs of the model at hand; the emitter fills them in.
DEVICE = Fn("device")
DTYPE = Fn("dtype")


def torch_dtype(name: str) -> Fn:
    """The dtype constant of a lowering: float32 stands for the dtype the model is built in."""
    return DTYPE if name == "float32" else Fn(f"torch.{name}")


def resolve_dim(operator: str, dim: int, x: TensorType, *, new: bool = False) -> int:
    """``dim`` counted from the front; ``new`` allows one more place, for a dim that is inserted. Raises E0409."""
    places = x.rank + 1 if new else x.rank
    if not -places <= dim < places:
        raise errors.bad_dim(operator, dim, x)
    return dim % places


def resolve_dims(
    operator: str, dims: int | Sequence[int], x: TensorType, argument: str = "dim"
) -> tuple[int, ...]:
    """A dim or a list of them, counted from the front, in the order given; none twice, at least one."""
    given = (dims,) if isinstance(dims, int) else tuple(dims)
    if not given:
        raise errors.bad_argument(argument, f"{operator}: {argument}=[] names no dim")
    found = tuple(resolve_dim(operator, d, x) for d in given)
    if len(set(found)) != len(found):
        raise errors.bad_argument(argument, f"{operator}: {argument}={list(given)} names a dim twice")
    return found


def one_or_all(dims: Sequence[int]) -> int | tuple[int, ...]:
    """How a person writes them: a single dim without parentheses."""
    return dims[0] if len(dims) == 1 else tuple(dims)


def dims_tuple(value: Dim | Sequence[Dim]) -> tuple[Dim, ...]:
    """A ``dims`` argument, which may be a single size, as a tuple."""
    return (value,) if isinstance(value, int | Size) else tuple(value)


def operands(values: Iterable[Any], inputs: Types) -> tuple[TensorType | bool | int | float, ...]:
    """Types of tensor operands, and numbers as they are. A symbolic size counts as a whole number."""
    found: list[TensorType | bool | int | float] = []
    for value in values:
        if isinstance(value, Slot):
            found.append(inputs[value.index])
        else:
            found.append(value if isinstance(value, int | float) else 1)
    return tuple(found)


def broadcast(shapes: Sequence[tuple[Dim, ...]], what: str, sizes: Checker) -> tuple[Dim, ...]:
    """The common shape, aligned at the last dim as in torch. Only a literal 1 broadcasts; others must be equal."""
    rank = max(map(len, shapes), default=0)
    result: list[Dim] = []
    for dim in range(rank):
        size: Dim = 1
        for shape in shapes:
            place = dim - rank + len(shape)
            if place < 0 or shape[place] == 1:
                continue
            if size == 1:
                size = shape[place]
            else:
                sizes.equal(size, shape[place], f"dim {dim} of {what}")
        result.append(size)
    return tuple(result)


def result_dtype(given: Iterable[TensorType | bool | int | float]) -> str:
    """The dtype of an elementwise result (``torch.result_type``).

    Tensors with dims decide first; tensors without, then numbers, change the result only by being of a higher kind.
    """
    tensors: str | None = None
    scalars: str | None = None
    numbers: list[bool | int | float] = []
    for value in given:
        if not isinstance(value, TensorType):
            numbers.append(value)
        elif value.rank:
            tensors = value.dtype if tensors is None else promote(tensors, value.dtype)
        else:
            scalars = value.dtype if scalars is None else promote(scalars, value.dtype)
    number = None
    for value in numbers:
        number = promote_scalar("bool" if number is None else number, value)
    return _over(tensors, _over(scalars, number)) or "float32"


def _over(higher: str | None, lower: str | None) -> str | None:
    """torch's ``combine_categories``: the higher category gives way only to another kind."""
    if higher is None or lower is None:
        return higher or lower
    if higher in FLOATS:
        return higher
    if higher == "bool" or lower in FLOATS:
        return promote(higher, lower)
    return higher


def in_model_dtype(lowered: Fn, dtype: str, inputs: Types) -> Fn:
    """``lowered``, cast where torch would give its own default dtype for a float made of integers.

    The type float32 stands for the dtype the model is built in; ints divided by ints would be float32 in a bfloat16
    model, and refused by the next linear layer.
    """
    if dtype != "float32" or any(x.dtype == "float32" for x in inputs):
        return lowered
    return Fn(".to", (lowered, DTYPE))


def merged_features(shape: tuple[Dim, ...], given: Sequence[TensorType]) -> Features:
    """Where the features of an elementwise result are.

    Tensors that have the result's full shape must agree; one that is broadcast over it (a scale, a position table) has
    a say only where it has the result's rank and says something.
    """
    full = [x for x in given if x.shape == shape]
    if not full:
        full = [x for x in given if x.rank == len(shape)]
    found = {x.features for x in full}
    found |= {x.features for x in given if x.rank == len(shape) and x.features is not None}
    return found.pop() if len(found) == 1 else None


def moved_features(x: TensorType, order: Sequence[int]) -> Features:
    """Where the features are after the dims were put into ``order`` (dims dropped are missing, new ones are -1)."""
    if x.features is None:
        return None
    home = 1 if x.features == "first" else x.rank - 1
    places = [place for place, dim in enumerate(order) if dim == home]
    if not places:
        return None
    candidates: list[Features] = []
    if places[0] == 1:
        candidates.append("first")
    if places[0] == len(order) - 1:
        candidates.append("last")
    if x.features in candidates:
        return x.features
    return candidates[0] if candidates else None


def joined_values(given: Sequence[TensorType]) -> Values | None:
    """What integers a tensor made of the elements of all of these can hold; None where it is not known."""
    known = [x.values for x in given]
    if all(v == known[0] for v in known):
        return known[0]
    lows = [v.low for v in known if v and v.input is None and isinstance(v.low, int)]
    highs = [v.high for v in known if v and v.input is None and isinstance(v.high, int)]
    if len(lows) == len(highs) == len(known):
        return Values(min(lows), max(highs))
    return None


def need_float(operator: str, *given: TensorType) -> None:
    """E0405 for anything but floats."""
    for x in given:
        if not x.is_float:
            raise errors.wrong_dtype(operator, "floats", x)


def need_index(operator: str, x: TensorType) -> None:
    """E0405 for anything but the integers torch takes as indices."""
    if x.dtype not in ("int64", "int32"):
        raise errors.wrong_dtype(operator, "int or i32 indices", x)


def refuse_bool(operator: str, x: TensorType) -> None:
    """E0405 for truth values, which torch has no such operation for."""
    if x.dtype == "bool":
        raise errors.wrong_dtype(operator, "numbers", x)


def numel(x: TensorType) -> int:
    """The number of elements, where every size is a plain int."""
    assert isinstance(x.numel, int), x
    return x.numel


__all__ = [
    "DEVICE", "DTYPE", "INTEGERS", "broadcast", "dims_tuple", "in_model_dtype", "joined_values", "merged_features",
    "moved_features", "need_float", "need_index", "numel", "one_or_all", "operands", "refuse_bool", "resolve_dim",
    "resolve_dims", "result_dtype", "torch_dtype",
]  # fmt: skip
