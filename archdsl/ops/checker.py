"""What operators ask about sizes: equalities are proved, bounds are recorded, nothing is guessed."""

from __future__ import annotations

from dataclasses import dataclass

from archdsl.dims import Dim, render
from archdsl.ops import errors
from archdsl.sizes.assumptions import Assumptions, Contradiction, Relation
from archdsl.tensors import TensorType


@dataclass(frozen=True)
class Bound:
    """A condition on sizes that an operator needs and the built module enforces, with the reason for people."""

    relation: Relation
    reason: str


@dataclass(frozen=True)
class ValueBound:
    """Integers of the model input ``input`` must lie in ``low`` up to, not including, ``high``."""

    input: str
    low: Dim
    high: Dim
    reason: str


class Checker:
    """Proves relations between sizes under a model's assumptions and collects the bounds that operators need.

    One per region being elaborated; ``bounds`` and ``value_bounds`` hold what was recorded, in order.
    """

    def __init__(self, assumptions: Assumptions) -> None:
        self.assumptions = assumptions
        self.bounds: list[Bound] = []
        self.value_bounds: list[ValueBound] = []

    def same(self, left: Dim, right: Dim) -> bool:
        """Whether two sizes are equal for every allowed size; no error if not."""
        return left == right or self.assumptions.compare(Relation(left, "==", right)).kind == "always"

    def equal(self, left: Dim, right: Dim, what: str) -> None:
        """Require two sizes to be equal for every allowed size. Raises E0401, E0402 (with the condition) or E0403."""
        if left == right:
            return
        verdict = self.assumptions.compare(Relation(left, "==", right))
        if verdict.kind == "always":
            return
        if verdict.kind == "undecided":
            raise errors.undecided_size(f"{what}: {render(left)} == {render(right)}", verdict.reason or "")
        raise errors.shape_mismatch(what, render(left), render(right), verdict.condition, verdict.reason)

    def at_least(self, size: Dim, least: int, what: str, arithmetic: str = "") -> None:
        """Require ``size >= least``: recorded as a bound where only some sizes satisfy it, E0406 where none does."""
        self._bound(Relation(size, ">=", least), what, arithmetic, least)

    def at_most(self, size: Dim, most: Dim, what: str, arithmetic: str = "") -> None:
        """Require ``size <= most``: recorded as a bound where only some sizes satisfy it, E0410 where none does."""
        self._bound(Relation(size, "<=", most), what, arithmetic, None)

    def divisible(self, size: Dim, by: int, what: str, argument: str | None = None) -> None:
        """Require ``size % by == 0`` for every allowed size. Raises E0407 with the condition, or E0403."""
        if by == 1:
            return
        if isinstance(size, int):
            if size % by:
                raise errors.not_divisible(what, size, by, argument=argument)
            return
        verdict = self.assumptions.compare(Relation(size % by, "==", 0))
        if verdict.kind == "undecided":
            raise errors.undecided_size(
                f"{what}: whether {render(size)} is a multiple of {by}", verdict.reason or ""
            )
        if verdict.kind != "always":
            raise errors.not_divisible(what, size, by, verdict.condition, argument)

    def constant(self, size: Dim, what: str) -> int:
        """The size as a number; E0408 where it is free."""
        size = self.assumptions.normal(size)
        if isinstance(size, int):
            return size
        raise errors.free_weight_size(what, size)

    def values(self, tensor: TensorType, low: int, high: Dim, what: str) -> None:
        """Require the integers in ``tensor`` to lie in ``low`` up to, not including, ``high``, where they are known."""
        known = tensor.values
        if known is None:
            return
        if known.input is not None:
            self.value_bounds.append(ValueBound(known.input, low, high, what))
            return
        if known.high is not None:
            self.at_most(known.high, high, what)
        if known.low is not None and low > 0:
            self.at_least(known.low, low, what)

    def _bound(self, relation: Relation, what: str, arithmetic: str, least: int | None) -> None:
        try:
            needed = self.assumptions.bound(relation)
        except Contradiction:
            if least is not None:
                raise errors.too_small(what, arithmetic, relation.left, least) from None
            raise errors.OperatorError(
                "E0410",
                f"{what}: {render(relation.left)} can't be more than {render(relation.right)}",
                notes=(arithmetic,) if arithmetic else (),
            ) from None
        self.bounds.extend(Bound(r, what) for r in needed)
