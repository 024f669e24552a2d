"""The matrix product ``@``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from archdsl.dims import Dim, product
from archdsl.ops import errors, keeping_products, passing
from archdsl.ops.axes import broadcast
from archdsl.ops.base import Fn, Lowered, Macs, Operator, Reach, Role, Sample, Slot, Types, argument
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import Features, TensorType


@operator
@dataclass(frozen=True)
class Matmul(Operator):
    """``left @ right``: the matrix product of the last two dims; the dims before broadcast (``torch.matmul``).

    A tensor of one dim is a row on the left and a column on the right, and leaves no dim.

    Shapes: ``[..., n, k] @ [..., k, m]`` to ``[..., n, m]``.

        input q: [B, T=16, 64]
        q @ q.T
    """

    name: ClassVar[str] = "matmul"
    role: ClassVar[Role] = "linear"
    takes_wire: ClassVar[bool] = False
    kept = keeping_products.matrix_product
    inside = passing.copies

    left: Slot = argument("tensor")
    right: Slot = argument("tensor")

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        left, right = self._operands(inputs)
        for x in (left, right):
            if x.rank < 1:
                raise errors.wrong_rank("@", "matrices", x)
            if not x.is_float:
                raise errors.wrong_dtype("@", "floats", x)
        if left.dtype != right.dtype:
            raise errors.wrong_dtype("@", f"the same type on both sides, {left.dtype}", right)
        inner = right.shape[-2] if right.rank > 1 else right.shape[0]
        sizes.equal(left.shape[-1], inner, f"the inner sizes of {left} @ {right}")
        batch = broadcast([left.shape[:-2], right.shape[:-2]], f"{left} @ {right}", sizes)
        rows = left.shape[-2:-1]
        columns = right.shape[-1:] if right.rank > 1 else ()
        return TensorType((*batch, *rows, *columns), left.dtype, self._features(left, right))

    def _operands(self, inputs: Types) -> tuple[TensorType, TensorType]:
        return inputs[self.left.index], inputs[self.right.index]

    def _features(self, left: TensorType, right: TensorType) -> Features:
        """The columns are the right side's; a matrix on the right of features makes new ones, as ``linear`` does."""
        if right.rank > 1 and (right.features == "last" or (right.rank == 2 and left.features == "last")):
            return "last"
        return None

    def macs(self, inputs: Types, outputs: Types) -> Macs:
        """Vectors count too; torch's own counter leaves out products with a vector on the right."""
        (left, _), (y,) = self._operands(inputs), outputs
        count = product((y.numel, left.shape[-1]))
        assert isinstance(count, int)
        return Macs(matmul=count)

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn("operator.matmul", (self.left, self.right))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        slots = {"left": Slot(0), "right": Slot(1)}

        def use(left: tuple[Dim, ...], right: tuple[Dim, ...], code: str | None = None) -> Sample:
            return Sample((TensorType(left), TensorType(right)), slots, code=code)

        yield use((3, 4), (4, 5))
        yield use((2, 3, 4), (4, 5))
        yield use((3, 4), (2, 4, 5))
        yield use((2, 1, 3, 4), (6, 4, 5))
        yield use((2, 6, 3, 4), (2, 6, 4, 5))
        yield use((4,), (4, 5))
        yield use((4,), (2, 4, 5))
        yield Sample((TensorType((2, 3, 3)),), {"left": Slot(0), "right": Slot(0)})
        yield use((3, 4), (5, 4), code="E0401")
        yield use((3, 4), (3,), code="E0401")
        yield use((2, 3, 4), (3, 4, 5), code="E0401")
        yield use((3, 1), (4, 5), code="E0401")
        yield use((), (4, 5), code="E0404")
        yield Sample((TensorType((3, 4)), TensorType((4, 5), "bfloat16")), slots, code="E0405")
        yield Sample((TensorType((3, 4), "int64"), TensorType((4, 5), "int64")), slots, code="E0405")
