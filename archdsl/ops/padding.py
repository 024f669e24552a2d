"""More or less around the edges: pad, crop, crop to the middle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archdsl.dims import Dim, render
from archdsl.ops import errors, keeping_layers
from archdsl.ops.axes import dims_tuple, refuse_bool
from archdsl.ops.base import Fn, Lowered, Operator, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.ops.selection import inside
from archdsl.tensors import TensorType, Values

if TYPE_CHECKING:
    from torch import Tensor


@operator
@dataclass(frozen=True)
class Pad(Operator):
    """Adds elements around the edges (``F.pad``).

    Shapes: ``padding`` is torch's list, the last dim first: ``[left, right, top, bottom]`` for the last two dims. A
    negative number crops, in mode "constant". "zeros" is "constant" with the value 0. The other modes pad all the
    spatial dims: "reflect" by size - 1 at most on a side, "circular" by size at most, "replicate" by any number.

        input x: [B, 3, H=32, W=32]
        pad([1, 1, 2, 2], mode="reflect")
    """

    name: ClassVar[str] = "pad"
    role: ClassVar[Role] = "shape"
    kept = keeping_layers.padded

    padding: Dim | tuple[Dim, ...] = argument("dims")
    mode: str = argument("str", "constant", choices=("constant", "zeros", "reflect", "replicate", "circular"))
    value: float = argument("float", 0)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        padding = dims_tuple(self.padding)
        if len(padding) % 2 or not padding or len(padding) > 2 * x.rank:
            raise errors.bad_argument(
                "padding",
                f"pad: {len(padding)} numbers, for {x}: two for each padded dim, the last dim first",
            )
        constant = self.mode in ("constant", "zeros")
        if self.value != 0 and self.mode != "constant":
            raise errors.bad_argument("value", f"pad: mode {self.mode!r} takes no value")
        if not constant:
            self._check_mode(x, len(padding) // 2)
        shape = list(x.shape)
        for i in range(len(padding) // 2):
            dim, before, after = x.rank - 1 - i, padding[2 * i], padding[2 * i + 1]
            if not constant:
                self._check_edge(before, x, dim, sizes)
                self._check_edge(after, x, dim, sizes)
            shape[dim] = x.shape[dim] + before + after
            arithmetic = f"{render(before)} + {render(x.shape[dim])} + {render(after)} = {render(shape[dim])}"
            if constant:
                self._check_crops(before, after, x, dim, sizes)
            sizes.at_least(shape[dim], 1, f"pad: dim {dim} of {x}", arithmetic)
        return TensorType(tuple(shape), x.dtype, x.features, self._values(x))

    def _check_mode(self, x: TensorType, dims: int) -> None:
        if dims > 3 or x.rank not in (dims + 1, dims + 2):
            raise errors.bad_argument(
                "padding",
                f"pad: mode {self.mode!r} pads all spatial dims, and {x} with {dims} padded ones has others",
            )
        if self.mode != "circular":
            refuse_bool(f"pad in mode {self.mode!r}", x)

    def _check_edge(self, edge: Dim, x: TensorType, dim: int, sizes: Checker) -> None:
        """What torch says of the other modes: no negative padding; reflect needs an element more than it mirrors."""
        if isinstance(edge, int) and edge < 0:
            raise errors.bad_argument(
                "padding", f"pad: mode {self.mode!r} can't crop, and {edge} is negative"
            )
        sizes.at_least(edge, 0, f"pad: the padding of dim {dim}")
        if self.mode != "replicate":
            needed = edge + 1 if self.mode == "reflect" else edge
            what = f"pad, mode {self.mode!r}: dim {dim} of {x}"
            if isinstance(needed, int):
                sizes.at_least(x.shape[dim], needed, what, f"{render(edge)} elements are taken from it")
            else:
                sizes.at_least(x.shape[dim] - needed, 0, f"{what}: what is left of it")

    def _check_crops(self, before: Dim, after: Dim, x: TensorType, dim: int, sizes: Checker) -> None:
        """Torch narrows first: a side may not crop more than there is, even where the other side adds."""
        for edge in (before, after):
            if isinstance(edge, int) and edge < 0:
                sizes.at_least(x.shape[dim], -edge, f"pad: dim {dim} of {x}, of which {-edge} are cropped")

    def _values(self, x: TensorType) -> Values | None:
        known = x.values
        if known is None or self.mode not in ("constant", "zeros"):
            return known
        if known.input is None and isinstance(known.low, int) and isinstance(known.high, int):
            return Values(min(known.low, int(self.value)), max(known.high, int(self.value) + 1))
        return None

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        keywords: dict[str, object] = {} if self.mode in ("constant", "zeros") else {"mode": self.mode}
        keywords |= {"value": self.value} if self.value else {}
        return Fn("F.pad", (Slot(0), dims_tuple(self.padding)), keywords)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 4, 5), features="first")
        yield Sample((x,), {"padding": (1, 2)})
        yield Sample((x,), {"padding": (1, 2, 0, 3), "value": -1.5})
        yield Sample((x,), {"padding": (-1, 2, -1, -2), "mode": "zeros"})
        yield Sample((x,), {"padding": (0, 0, 0, 0, 1, 1, 0, 1)})
        for mode in ("reflect", "replicate", "circular"):
            yield Sample((x,), {"padding": (1, 2, 0, 3), "mode": mode})
            yield Sample((TensorType((3, 4)),), {"padding": (3, 1), "mode": mode})
            yield Sample((TensorType((1, 2, 3, 3, 3)),), {"padding": (1, 1, 2, 2, 1, 0), "mode": mode})
            yield Sample((x,), {"padding": (1, 1), "mode": mode}, code="E0501")
            yield Sample((x,), {"padding": (-1, 1, 0, 0), "mode": mode}, code="E0501")
            yield Sample((x,), {"padding": (1, 1, 1, 1), "mode": mode, "value": 1}, code="E0501")
        yield Sample((TensorType((2, 3), dtype="int64"),), {"padding": (1, 1), "value": 7})
        yield Sample((x,), {"padding": (5, 0, 0, 0), "mode": "reflect"}, code="E0406")
        yield Sample((x,), {"padding": (5, 5, 4, 4), "mode": "circular"})
        yield Sample((x,), {"padding": (0, 0, 5, 0), "mode": "circular"}, code="E0406")
        yield Sample((x,), {"padding": (9, 9, 9, 9), "mode": "replicate"})
        yield Sample((x,), {"padding": (-3, -2)}, code="E0406")
        yield Sample((x,), {"padding": (-6, 7)}, code="E0406")
        yield Sample((x,), {"padding": (1, 2, 3)}, code="E0501")
        yield Sample((x,), {"padding": (1,) * 10}, code="E0501")
        yield Sample(
            (TensorType((3, 4), dtype="bool"),), {"padding": (1, 1), "mode": "reflect"}, code="E0405"
        )


@operator
@dataclass(frozen=True)
class Crop(Operator):
    """The rectangle of the last two dims whose upper left corner is at ``top``, ``left``.

    Shapes: ``[..., H, W]`` to ``[..., height, width]``. What is needed of H and W is recorded as bounds.

        input x: [B, 3, H=32, W=32]
        crop(2, 2, H - 4, W - 4)
    """

    name: ClassVar[str] = "crop"
    role: ClassVar[Role] = "shape"

    top: Dim = argument("dim", at_least=0)
    left: Dim = argument("dim", at_least=0)
    height: Dim = argument("dim", at_least=1)
    width: Dim = argument("dim", at_least=1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if x.rank < 2:
            raise errors.wrong_rank("crop", "[..., H, W]", x)
        for dim, start, length in ((x.rank - 2, self.top, self.height), (x.rank - 1, self.left, self.width)):
            sizes.at_least(length, 1, "crop: what is left")
            inside(start, length, x, dim, "crop", sizes)
        return x.with_shape((*x.shape[:-2], self.height, self.width), x.features)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        rows = Fn(".narrow", (Slot(0), -2, self.top, self.height))
        return Fn(".narrow", (rows, -1, self.left, self.width))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 6, 7), features="first")
        yield Sample((x,), {"top": 1, "left": 0, "height": 5, "width": 3})
        yield Sample((TensorType((4, 4)),), {"top": 0, "left": 2, "height": 4, "width": 2})
        yield Sample((x,), {"top": 2, "left": 0, "height": 5, "width": 3}, code="E0406")
        yield Sample((x,), {"top": 0, "left": 5, "height": 5, "width": 3}, code="E0406")
        yield Sample((TensorType((4,)),), {"top": 0, "left": 0, "height": 1, "width": 1}, code="E0404")


def center_crop(x: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """The middle of the spatial dims (all from dim 2 on), of the given sizes."""
    for dim, size in enumerate(sizes, start=2):
        x = x.narrow(dim, (x.shape[dim] - size) // 2, size)
    return x


def center_crop_like(x: Tensor, like: Tensor) -> Tensor:
    """The middle of the spatial dims, of the sizes that ``like`` has there."""
    return center_crop(x, like.shape[2:])


@operator
@dataclass(frozen=True)
class CenterCrop(Operator):
    """The middle of the spatial dims, of the sizes of ``like`` or of ``size``; ``(H - h) // 2`` come off in front.

    Shapes: ``[B, C, H, W]`` to ``[B, C, h, w]``, with one to three spatial dims. ``H >= h`` is recorded as a bound.

        input x: [B, 3, H=32, W=32]
        center_crop(size=24)
    """

    name: ClassVar[str] = "center_crop"
    role: ClassVar[Role] = "shape"

    size: Dim | tuple[Dim, ...] | None = argument("dims", None)
    like: Slot | None = argument("tensor", None)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        x = inputs[0]
        if not 3 <= x.rank <= 5:
            raise errors.wrong_rank("center_crop", "[B, C, ...] with one to three spatial dims", x)
        wanted = target_sizes("center_crop", x, self.size, self.like, inputs)
        for dim, size in enumerate(wanted, start=2):
            sizes.at_least(size, 1, "center_crop: what is left")
            what, arithmetic = f"center_crop: dim {dim} of {x}", f"{render(size)} of it stay"
            if isinstance(size, int):
                sizes.at_least(x.shape[dim], size, what, arithmetic)
            else:
                sizes.at_least(x.shape[dim] - size, 0, f"{what} less {render(size)}", arithmetic)
        return x.with_shape((*x.shape[:2], *wanted), x.features)

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        if self.like is not None:
            return Fn(center_crop_like, (Slot(0), self.like))
        return Fn(center_crop, (Slot(0), target_sizes(self.name, inputs[0], self.size, None, inputs)))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 3, 6, 7), features="first")
        yield Sample((x,), {"size": 3})
        yield Sample((x,), {"size": (6, 4)})
        yield Sample((x, TensorType((1, 9, 5, 2))), {"like": Slot(1)})
        yield Sample((TensorType((2, 3, 9)),), {"size": 4})
        yield Sample((TensorType((2, 3, 9, 9, 9)),), {"size": (1, 2, 9)})
        yield Sample((x,), {"size": (7, 4)}, code="E0406")
        yield Sample((x,), {"size": (1, 2, 3)}, code="E0501")
        yield Sample((x,), {}, code="E0501")
        yield Sample((x, x), {"size": 3, "like": Slot(1)}, code="E0501")
        yield Sample((x, TensorType((2, 3, 4))), {"like": Slot(1)}, code="E0404")
        yield Sample((TensorType((2, 3)),), {"size": 1}, code="E0404")


def target_sizes(
    name: str, x: TensorType, size: Dim | tuple[Dim, ...] | None, like: Slot | None, inputs: Types
) -> tuple[Dim, ...]:
    """The spatial sizes that are asked for: of ``like``, or ``size`` with one number for each or for all."""
    if (size is None) == (like is None):
        raise errors.bad_argument("size", f"{name} takes one of size= and like=")
    if like is not None:
        other = inputs[like.index]
        if other.rank != x.rank:
            raise errors.wrong_rank(f"{name}: like", f"as many dims as {x}", other)
        return other.shape[2:]
    assert size is not None
    given = dims_tuple(size)
    wanted = given * (x.rank - 2) if len(given) == 1 else given
    if len(wanted) != x.rank - 2:
        raise errors.bad_argument(
            "size", f"{name}: {len(wanted)} sizes for the {x.rank - 2} spatial dims of {x}"
        )
    return wanted
