"""Reductions to truth: whether any or all are true, over named dims or altogether."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from archdsl.ops.base import Sample, argument
from archdsl.ops.reducing import Reduction
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType


class Overall(Reduction):
    """`any`, `all`: the only reductions that may leave out ``dim``, for a single truth value."""

    def dtype(self, x: TensorType) -> str:
        return "uint8" if x.dtype == "uint8" else "bool"  # torch's own oddity

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        yield from super().samples()
        yield Sample((TensorType((2, 3), dtype="bool"),))
        yield Sample((TensorType((), dtype="bool"),))
        yield Sample((TensorType((2, 3), dtype="uint8"),), {"keep": True})


@operator
@dataclass(frozen=True)
class Any_(Overall):
    """Whether any is true (or not zero) over ``dim``, or at all (``torch.any``).

    Shapes: the reduced dims are gone, or 1 with ``keep=true``.

        input x: [B, T=8, 16]
        any(id > 0, dim=1)
    """

    name: ClassVar[str] = "any"
    function: ClassVar[str] = "torch.any"

    dim: int | tuple[int, ...] | None = argument("ints", None, keyword_only=True)
    keep: bool = argument("bool", False, keyword_only=True)


@operator
@dataclass(frozen=True)
class All(Overall):
    """Whether all are true (or not zero) over ``dim``, or at all (``torch.all``).

    Shapes: the reduced dims are gone, or 1 with ``keep=true``.

        input x: [B, T=8, 16]
        all(id > 0, dim=1)
    """

    name: ClassVar[str] = "all"
    function: ClassVar[str] = "torch.all"

    dim: int | tuple[int, ...] | None = argument("ints", None, keyword_only=True)
    keep: bool = argument("bool", False, keyword_only=True)
