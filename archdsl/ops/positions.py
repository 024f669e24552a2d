"""Positions told to a network: rotary and sinusoidal."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from archdsl.dims import Dim, product
from archdsl.ops import errors, keeping_products, passing
from archdsl.ops.axes import DEVICE, DTYPE
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@operator
@dataclass(frozen=True)
class Rope(Operator):
    """Rotary positions (Su et al., 2021): turns pair i of the features at position p by ``p * theta ** (-2i / dims)``.

    A pair is feature i and i + dims/2 (GPT-NeoX, LLaMA in transformers), or with ``interleaved`` 2i and 2i + 1 (the
    paper, GPT-J). Only the first ``dims`` features turn; all of them where it isn't given. Applied to queries and keys.

    Shapes: ``[..., length, features]`` to the same.

        input x: [B, 8, T=16, 64]
        rope(10000)
    """

    name: ClassVar[str] = "rope"
    role: ClassVar[Role] = "position"
    kept = keeping_products.turned
    inside = passing.turned

    theta: float = argument("float", 10000.0, above=0)
    dims: int | None = argument("int", None, at_least=2)
    interleaved: bool = argument("bool", False)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (x,) = inputs
        if x.rank < 2:
            raise errors.wrong_rank("rope", "[.., length, features]", x)
        if not x.is_float:
            raise errors.wrong_dtype("rope", "floats", x)
        features = x.shape[-1]
        if self.dims is None:
            sizes.divisible(features, 2, "the features that rope turns in pairs")
        elif self.dims % 2:
            raise errors.bad_argument("dims", f"rope turns features in pairs: dims={self.dims} is odd")
        else:
            sizes.at_least(features, self.dims, "the features that rope turns", f"dims={self.dims}")
        return replace(x, values=None)

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """The features that turn."""
        (x,) = inputs
        count = product((*x.shape[:-1], x.shape[-1] if self.dims is None else self.dims))
        assert isinstance(count, int)
        return count

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        helper = rope_interleaved if self.interleaved else rope_halves
        partial = self.dims is not None and self.dims != inputs[0].shape[-1]
        return Fn(helper, (Slot(0), self.theta), {"dims": self.dims} if partial else {})

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        x = TensorType((2, 4, 5, 8))
        yield Sample((x,))
        yield Sample((TensorType((5, 8)),), {"theta": 500000.0})
        yield Sample((TensorType((2, 5, 8)),), {"interleaved": True})
        yield Sample((x,), {"dims": 4})
        yield Sample((x,), {"dims": 8})
        yield Sample((x,), {"dims": 4, "interleaved": True})
        yield Sample((TensorType((2, 5, 8), "bfloat16"),))
        yield Sample((x,), {"dims": 3}, code="E0501")
        yield Sample((x,), {"dims": 10}, code="E0406")
        yield Sample((TensorType((2, 5, 7)),), code="E0407")
        yield Sample((TensorType((8,)),), code="E0404")
        yield Sample((TensorType((5, 8), "int64"),), code="E0405")


@operator
@dataclass(frozen=True)
class Sinusoidal(Operator):
    """The position table of "Attention is all you need" (Vaswani et al., 2017), constant:
    ``y[p, 2i] = sin(p / 10000 ** (2i / dim))`` and ``y[p, 2i + 1] = cos(p / 10000 ** (2i / dim))``.

    Shape: ``[length, dim]``.

        input x: [B, T=16, 64]
        id + sinusoidal(T, 64)
    """

    name: ClassVar[str] = "sinusoidal"
    role: ClassVar[Role] = "position"
    takes_wire: ClassVar[bool] = False
    inside = passing.waves

    length: Dim = argument("dim", at_least=1)
    dim: Dim = argument("dim", at_least=1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        sizes.at_least(self.length, 1, "the length of the position table")
        sizes.at_least(self.dim, 1, "the features of the position table")
        return TensorType((self.length, self.dim), features="last")

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """The numbers in the table."""
        return _numel(outputs)

    def reach(self, inputs: Types) -> Reach:
        return Reach("none")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(sinusoidal_table, (self.length, self.dim), {"device": DEVICE, "dtype": DTYPE})

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((), {"length": 5, "dim": 8})
        yield Sample((), {"length": 1, "dim": 7})
        yield Sample((), {"length": 3, "dim": 1})
        yield Sample((), {"length": 0, "dim": 8}, code="E0406")


@operator
@dataclass(frozen=True)
class Sinusoidal2d(Operator):
    """The position table of an image, constant: the first half of the features is ``sinusoidal`` of the row, the
    second half of the column (Parmar et al., 2018; DETR, MAE). ``rearrange`` it to where the features are wanted.

    Shape: ``[height, width, dim]``; ``dim`` is a multiple of 4.

        input x: [B, H=8, W=8, 64]
        id + sinusoidal_2d(H, W, 64)
    """

    name: ClassVar[str] = "sinusoidal_2d"
    role: ClassVar[Role] = "position"
    takes_wire: ClassVar[bool] = False

    height: Dim = argument("dim", at_least=1)
    width: Dim = argument("dim", at_least=1)
    dim: Dim = argument("dim", at_least=1)

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        for size, what in ((self.height, "height"), (self.width, "width"), (self.dim, "features")):
            sizes.at_least(size, 1, f"the {what} of the position table")
        sizes.divisible(self.dim, 4, "the features of a position table in two directions", "dim")
        return TensorType((self.height, self.width, self.dim), features="last")

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """The numbers in the table."""
        return _numel(outputs)

    def reach(self, inputs: Types) -> Reach:
        return Reach("none")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        where = {"device": DEVICE, "dtype": DTYPE}
        return Fn(sinusoidal_table_2d, (self.height, self.width, self.dim), where)

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield Sample((), {"height": 3, "width": 5, "dim": 8})
        yield Sample((), {"height": 1, "width": 1, "dim": 4})
        yield Sample((), {"height": 3, "width": 5, "dim": 6}, code="E0407")
        yield Sample((), {"height": 3, "width": 0, "dim": 8}, code="E0406")


def _numel(outputs: Types) -> int:
    (y,) = outputs
    assert isinstance(y.numel, int)
    return y.numel


# ------------------------------------------------------------------------------------- helpers of the emitted source


def rope_angles(x: Tensor, theta: float, dims: int) -> Tensor:
    """[length, dims / 2]; never in less than float32, where large positions would fall together."""
    dtype = torch.promote_types(x.dtype, torch.float32)
    frequencies = theta ** (-torch.arange(0, dims, 2, device=x.device, dtype=dtype) / dims)
    return torch.arange(x.shape[-2], device=x.device, dtype=dtype)[:, None] * frequencies


def rope_halves(x: Tensor, theta: float, dims: int | None = None) -> Tensor:
    """Rotary positions over features i and i + dims / 2."""
    turned, rest = (x, None) if dims is None else (x[..., :dims], x[..., dims:])
    angles = rope_angles(x, theta, turned.shape[-1])
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = turned.chunk(2, dim=-1)
    parts = [a * cos - b * sin, b * cos + a * sin]
    return torch.cat(parts if rest is None else [*parts, rest], dim=-1)


def rope_interleaved(x: Tensor, theta: float, dims: int | None = None) -> Tensor:
    """Rotary positions over features 2i and 2i + 1."""
    turned, rest = (x, None) if dims is None else (x[..., :dims], x[..., dims:])
    angles = rope_angles(x, theta, turned.shape[-1])
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = turned[..., 0::2], turned[..., 1::2]
    turned = torch.stack([a * cos - b * sin, b * cos + a * sin], dim=-1).flatten(-2)
    return turned if rest is None else torch.cat([turned, rest], dim=-1)


def sinusoidal_table(length: int, dim: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """[length, dim]: sines at even features, cosines at odd ones; computed in no less than float32."""
    exact = torch.promote_types(dtype, torch.float32)
    scale = torch.exp(torch.arange(0, dim, 2, device=device, dtype=exact) * (-math.log(10000.0) / dim))
    angles = torch.arange(length, device=device, dtype=exact)[:, None] * scale
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)[:, :dim].to(dtype)


def sinusoidal_table_2d(
    height: int, width: int, dim: int, device: torch.device, dtype: torch.dtype
) -> Tensor:
    """[height, width, dim]: the row in the first half of the features, the column in the second."""
    rows = sinusoidal_table(height, dim // 2, device, dtype)[:, None].expand(-1, width, -1)
    columns = sinusoidal_table(width, dim // 2, device, dtype).expand(height, -1, -1)
    return torch.cat([rows, columns], dim=-1)
