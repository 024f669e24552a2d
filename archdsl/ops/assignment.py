"""The assignment problem: the cheapest way to give every column a row of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from archdsl.ops import errors
from archdsl.ops.axes import numel
from archdsl.ops.base import Fn, Lowered, Operator, Reach, Role, Sample, Slot, Types
from archdsl.ops.checker import Checker
from archdsl.ops.registry import operator
from archdsl.tensors import TensorType, Values

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@operator
@dataclass(frozen=True)
class LinearSumAssignment(Operator):
    """For each column the row that is its own, where the sum of the costs is least (the Hungarian algorithm, Kuhn,
    1955, by shortest augmenting paths, Jonker and Volgenant, 1987; ``scipy.optimize.linear_sum_assignment``); int.

    Shapes: costs ``[..., N, M]`` to ``[..., M]``, each matrix by itself; there are as many rows as columns, or more.
    Columns that are padding get rows that are left over: give them the same cost everywhere. Nothing is learned
    through it. Costs are finite.

        input cost: [B, 9, 4]
        linear_sum_assignment
    """

    name: ClassVar[str] = "linear_sum_assignment"
    role: ClassVar[Role] = "index"

    def shape(self, inputs: Types, sizes: Checker) -> TensorType:
        (cost,) = inputs
        if not cost.is_float:
            raise errors.wrong_dtype(self.name, "costs that are floats", cost)
        if cost.rank < 2:
            raise errors.wrong_rank(self.name, "costs [.., rows, columns]", cost)
        rows, columns = cost.shape[-2:]
        sizes.at_most(columns, rows, f"the columns of {self.name}, each of which needs a row")
        return TensorType((*cost.shape[:-2], columns), "int64", values=Values(0, rows))

    def elementwise(self, inputs: Types, outputs: Types) -> int:
        """The costs; how often each is looked at depends on them."""
        return numel(inputs[0])

    def reach(self, inputs: Types) -> Reach:
        return Reach("whole")

    def lower(self, inputs: Types, outputs: Types) -> Lowered:
        return Fn(linear_sum_assignment, (Slot(0),))

    @classmethod
    def samples(cls) -> Iterable[Sample]:
        for shape in ((5, 5), (2, 7, 3), (2, 3, 4, 1), (4, 1)):
            yield Sample((TensorType(shape),))
        yield Sample((TensorType((2, 3, 4)),), code="E0410")
        yield Sample((TensorType((4,)),), code="E0404")
        yield Sample((TensorType((4, 3), "int64"),), code="E0405")


# ------------------------------------------------------------------------------------- helpers of the emitted source


def linear_sum_assignment(cost: Tensor) -> Tensor:
    """The row of each column, in all matrices at once: each goes on by itself, whatever the others are doing.

    Rows and columns count from 1. ``owner`` is the column that has a row, 0 for none; row 0 is where the column whose
    ``turn`` it is begins. Its search adds to a tree, one at a step, the row of least slack, until that one is free;
    then it walks ``back`` along ``before``, and each row on its way goes to the column of the row before it.
    """
    rows, columns = cost.shape[-2:]
    price = torch.nn.functional.pad(cost.detach().reshape(-1, rows, columns).double().transpose(1, 2), (1, 0))
    each = torch.arange(len(price), device=cost.device)
    place = torch.arange(rows + 1, device=cost.device)
    far = torch.full_like(price[:, 0], torch.inf)

    def unsettled(
        turn: Tensor, at: Tensor, back: Tensor, owner: Tensor, before: Tensor, slack: Tensor, seen: Tensor,
        of_column: Tensor, of_row: Tensor, count: Tensor,
    ) -> Tensor:  # fmt: skip
        # The count ends it where a cost is not a number.
        return (turn <= columns).any() & (count < columns * (columns + 3))

    def settle(
        turn: Tensor, at: Tensor, back: Tensor, owner: Tensor, before: Tensor, slack: Tensor, seen: Tensor,
        of_column: Tensor, of_row: Tensor, count: Tensor,
    ) -> tuple[Tensor, ...]:  # fmt: skip
        search, walk = (turn <= columns) & ~back, (turn <= columns) & back
        # Searching: one row more in the tree, and the potentials by which the next is reached.
        grown = seen | (place == at[:, None])
        column = owner[each, at]
        left = price[each, (column - 1).clamp(min=0)] - of_column[each, column][:, None] - of_row
        nearer = ~grown & (left < slack)
        closer = torch.where(nearer, left, slack)
        least, following = torch.where(grown, torch.inf, closer).min(1)
        paid = torch.where(grown, least[:, None], 0.0)
        one = search[:, None]
        # Walking back: the row goes to the column of the row before; at the beginning, to the one whose turn it was.
        other = before[each, at]
        passed = owner.scatter(1, at[:, None], owner[each, other][:, None])
        done = walk & (other == 0)
        after = turn + done.long()
        begins = passed.scatter(1, torch.zeros_like(at[:, None]), (after * (after <= columns))[:, None])
        fresh = done[:, None]
        return (
            after,
            torch.where(search, following, torch.where(walk, other, at)),
            torch.where(search, owner[each, following] == 0, back & ~done),
            torch.where(fresh, begins, torch.where(walk[:, None], passed, owner)),
            torch.where(one & nearer, at[:, None], before),
            torch.where(fresh, far, torch.where(one, closer - (least[:, None] - paid), slack)),
            torch.where(fresh, False, torch.where(one, grown, seen)),
            torch.where(one, of_column.scatter_add(1, torch.where(grown, owner, 0), paid), of_column),
            torch.where(one, of_row - paid, of_row),
            count + 1,
        )

    nowhere = torch.zeros_like(far, dtype=torch.int64)
    state: tuple[Tensor, ...] = (
        torch.ones_like(each), torch.zeros_like(each), torch.zeros_like(each, dtype=torch.bool),
        nowhere + (place == 0), nowhere.clone(), far.clone(), torch.zeros_like(far, dtype=torch.bool),
        torch.zeros_like(price[:, :1, 0]).repeat(1, columns + 1), torch.zeros_like(far), each.new_zeros(()),
    )  # fmt: skip
    if torch.compiler.is_compiling():
        state = torch.while_loop(unsettled, settle, state)  # type: ignore[no-untyped-call]
    else:
        while not cost.is_meta and bool(unsettled(*state)):
            state = settle(*state)
    found = (
        nowhere[:, :1]
        .repeat(1, columns + 1)
        .scatter(1, state[3][:, 1:], (place[1:] - 1).expand(len(each), -1))
    )
    return found[:, 1:].reshape(*cost.shape[:-2], columns)
