"""Relations between sizes, and what a proof says of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt, ne
from typing import Literal

from archdsl.dims import Dim, evaluate, render

__all__ = [
    "Contradiction",
    "Operator",
    "Relation",
    "TooHard",
    "Unusable",
    "Verdict",
    "against_zero",
    "normal_form",
]

Operator = Literal["==", "!=", "<", "<=", ">", ">="]

_TESTS: dict[str, Callable[[int, int], bool]] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
_OPPOSITE: dict[Operator, Operator] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def against_zero(value: int, operator: str) -> bool:
    """Whether `value operator 0`."""
    return _TESTS[operator](value, 0)


class Unusable(Exception):
    """A relation is of a kind that the proofs can't use as an assumption; `str()` says why."""


class Contradiction(Exception):
    """A relation leaves no allowed size at all."""


class TooHard(Exception):
    """A question has more cases than the limits allow; internal, it becomes an "undecided" verdict."""


@dataclass(frozen=True)
class Relation:
    """`left operator right`, between two sizes."""

    left: Dim
    operator: Operator
    right: Dim

    def render(self) -> str:
        """The relation in the language's notation."""
        return f"{render(self.left)} {self.operator} {render(self.right)}"

    def holds(self, values: Mapping[str, int]) -> bool:
        """Whether it is true where the symbols have these values."""
        return _TESTS[self.operator](evaluate(self.left, values), evaluate(self.right, values))

    def opposite(self) -> Relation:
        """The relation that is true exactly where this one is false."""
        return Relation(self.left, _OPPOSITE[self.operator], self.right)


@dataclass(frozen=True)
class Verdict:
    """What is known of a relation over all allowed sizes.

    "always" and "never" are proved for every allowed assignment. "sometimes" has been seen both true and
    false; `condition` is then what to write after `expect`: true for exactly the sizes for which the relation
    is, or None if nothing simple says it, with examples in `reason`. "undecided" gives the reason, and a
    condition too where an exact one is known.
    """

    kind: Literal["always", "never", "sometimes", "undecided"]
    condition: str | None = None
    reason: str | None = None


def normal_form(relation: Relation) -> tuple[Dim, Literal["==", "!=", ">="]]:
    """A difference `d` and one of `== != >=`, such that the relation says `d operator 0`."""
    left, operator, right = relation.left, relation.operator, relation.right
    if operator == "==" or operator == "!=":
        return left - right, operator
    if operator == ">=":
        return left - right, ">="
    if operator == ">":
        return left - right - 1, ">="
    if operator == "<=":
        return right - left, ">="
    return right - left - 1, ">="
