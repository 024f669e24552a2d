"""What convolutions, pools and norms share: inputs [B, C, *spatial] and arguments with one number per spatial dim."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from archdsl.dims import Dim, render
from archdsl.dims import product as product_of
from archdsl.ops import errors
from archdsl.ops.base import Types, broadcast_ints
from archdsl.ops.checker import Checker
from archdsl.tensors import TensorType

NAMES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def spatial_rank(operator: str, x: TensorType, most: int = 3) -> int:
    """How many spatial dims the input has: 1 up to ``most``. Raises E0404."""
    if not 3 <= x.rank <= 2 + most:
        dims = "1 to 3 spatial dims" if most == 3 else "at least 1 spatial dim"
        raise errors.wrong_rank(operator, f"a batch, channels and {dims}", x)
    return x.rank - 2


def require_float(operator: str, x: TensorType) -> None:
    """Refuse anything but floats. Raises E0405."""
    if not x.is_float:
        raise errors.wrong_dtype(operator, "floats", x)


def require_model_float(operator: str, x: TensorType) -> None:
    """Refuse what can't meet weights: torch mixes no dtypes there. Raises E0405."""
    if x.dtype != "float32":
        raise errors.wrong_dtype(
            operator, "floats of the model's own dtype, as its weights are (`cast` gives them)", x
        )


def per_dim(name: str, value: int | tuple[int, ...], rank: int) -> tuple[int, ...]:
    """The argument as one number per spatial dim. Raises E0501 where a list has another length."""
    found = broadcast_ints(value, rank)
    if found is None:
        dims = "spatial dim" if rank == 1 else "spatial dims"
        raise errors.bad_argument(name, f"{name} lists {len(value)} numbers for {rank} {dims}")  # type: ignore[arg-type]
    return found


def short(values: Sequence[int]) -> int | tuple[int, ...]:
    """``(3, 3)`` as a person writes it: 3."""
    return values[0] if len(set(values)) == 1 else tuple(values)


def extents(kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """How far a dilated kernel reaches: ``dilation * (kernel - 1) + 1``."""
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))


def side(rank: int, i: int) -> str:
    """What people call the i-th spatial dim."""
    return NAMES[rank][i]


def padding_or_default(
    padding: int | tuple[int, ...] | None,
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
) -> tuple[int, ...]:
    """The padding as written, else the one that lets the stride alone shrink the sizes.

    Raises E0503 where none is the obvious one: a wrong guess would change no shape and no count.
    """
    rank = len(kernel)
    if padding is not None:
        return per_dim("padding", padding, rank)
    for i, (k, s) in enumerate(zip(kernel, stride, strict=True)):
        if k != 1 and (k % 2 == 0 or k <= s):
            raise errors.padding_not_written(k, s, "" if rank == 1 else side(rank, i))
    return tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))


def window_sizes(
    sizes: Checker,
    spatial: Sequence[Dim],
    extent: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
) -> tuple[Dim, ...]:
    """``floor((size + 2 padding - extent) / stride) + 1`` for each dim; the window must fit the padded input.

    Raises E0406 where it never does, records a bound where some sizes are too small.
    """
    out: list[Dim] = []
    for i, (h, e, s, p) in enumerate(zip(spatial, extent, stride, padding, strict=True)):
        name = side(len(spatial), i)
        arithmetic = f"{name} {render(h)} + 2 * {p} padding, and the window covers {e}"
        sizes.at_least(h + 2 * p, e, f"the padded {name}", arithmetic)
        out.append((h + (2 * p - e)) // s + 1)
    return tuple(out)


def more_than_one(sizes: Checker, shape: Sequence[Dim], what: str) -> None:
    """Statistics need more than one value. Raises E0406, or records the bound where it is a single free size."""
    free = [d for d in shape if not isinstance(d, int)]
    known = prod(d for d in shape if isinstance(d, int))
    if known > 1:
        return
    arithmetic = " * ".join(render(d) for d in shape) or "no other dims"
    sizes.at_least(product_of(free), 2, what, arithmetic)


def numel(types: Types) -> int:
    """The elements of all of ``types``, whose sizes are numbers here."""
    total = sum(int(t.numel) for t in types if isinstance(t.numel, int))
    return total


def int_dim(x: TensorType, dim: int) -> int:
    """A size known to be a number once ``shape`` has passed."""
    size = x.shape[dim]
    assert isinstance(size, int), size
    return size
