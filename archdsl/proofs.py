"""Proofs about a size compared with zero, from what is known of the declared sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Literal

from archdsl.dims import Dim, Size, evaluate, symbols
from archdsl.many_sizes import Case, Range, bounds, cases, reduced, vanishes
from archdsl.one_size import describe, modulus_of, truth
from archdsl.relations import Relation, TooHard
from archdsl.residues import Domain
from archdsl.witnesses import Example, examples

__all__ = ["Facts", "Findings", "decide", "settled", "side_bounds"]

_EVERY = Domain()
_PAIRED = 6  # how many facts are tried two at a time


@dataclass(frozen=True)
class Facts:
    """The values each size may take (at least 1 where not said), sizes that are >= 0, sizes that aren't 0."""

    domains: tuple[tuple[str, Domain], ...] = ()
    nonnegative: tuple[Size, ...] = ()
    nonzero: tuple[Size, ...] = ()

    def domain(self, name: str) -> Domain:
        """The values that `name` may take, as far as it is a matter of `name` alone."""
        return next((domain for own, domain in self.domains if own == name), _EVERY)

    def allow(self, values: Mapping[str, int]) -> bool:
        """Whether these values meet all facts that speak of them alone."""
        given = values.keys()
        return (
            all(values[name] in domain for name, domain in self.domains if name in given)
            and all(evaluate(a, values) >= 0 for a in self.nonnegative if symbols(a) <= given)
            and all(evaluate(a, values) != 0 for a in self.nonzero if symbols(a) <= given)
        )

    def linked(self, names: frozenset[str]) -> list[str]:
        """`names` and all symbols that facts tie to them, directly or not."""
        found = names
        groups = [symbols(a) for a in (*self.nonnegative, *self.nonzero)]
        while True:
            wider = found.union(*(group for group in groups if group & found))
            if wider == found:
                return sorted(found)
            found = wider


@dataclass(frozen=True)
class Findings:
    """A verdict whose condition, where there is one, is a conjunction of relations."""

    kind: Literal["always", "never", "sometimes", "undecided"]
    conditions: tuple[Relation, ...] | None = None
    reason: str | None = None


def side_bounds(facts: Facts, a: Dim) -> Range:
    """Bounds of `a` that hold for all allowed sizes; None where none is known."""
    least, greatest = bounds(a, facts.domain)
    if isinstance(a, int):
        return least, greatest
    near = [fact for fact in facts.nonnegative if symbols(fact) & symbols(a)]
    helpers: list[Dim] = list(near)
    helpers += [one + two for one, two in combinations(near[:_PAIRED], 2)]
    for helper in helpers:  # a >= a - helper, since helper >= 0
        low, high = bounds(a - helper, facts.domain)[0], bounds(a + helper, facts.domain)[1]
        least = low if least is None else least if low is None else max(least, low)
        greatest = high if greatest is None else greatest if high is None else min(greatest, high)
    return least, greatest


def settled(facts: Facts, a: Dim, operator: str) -> bool | None:
    """Whether `a operator 0` is true for all allowed sizes (True), for none (False), or neither is proved."""
    a = reduced(a, operator != ">=")
    if isinstance(a, int):
        return a == 0 if operator == "==" else a != 0 if operator == "!=" else a >= 0
    if operator == "!=":
        outcome = settled(facts, a, "==")
        return None if outcome is None else not outcome
    names = sorted(symbols(a))
    try:
        if len(names) == 1:
            whole = facts.domain(names[0])
            part = truth(a, operator, names[0], whole)
            if part.empty:
                return False
            if part.same(whole):
                return True
        elif operator == "==" and vanishes(a, facts.domain):
            return True
    except TooHard:
        pass
    if operator == "==" and (a in facts.nonzero or -a in facts.nonzero):
        return False
    least, greatest = side_bounds(facts, a)
    if operator == ">=":
        if least is not None and least >= 0:
            return True
        return False if greatest is not None and greatest < 0 else None
    if least == 0 and greatest == 0:
        return True
    if (least is not None and least > 0) or (greatest is not None and greatest < 0):
        return False
    if len(names) > 1:
        try:
            if all(_outcome(case, operator) is False for case in _cases(facts, a, names)):
                return False
        except TooHard:
            pass
    return None


def _cases(facts: Facts, a: Size, names: Sequence[str]) -> tuple[Case, ...]:
    return cases(a, tuple(facts.domain(name).refined(modulus_of(a, name)) for name in names))


def _outcome(case: Case, operator: str) -> bool | None:
    """Whether `a operator 0` is true in all of this case, in none of it, or neither is known."""
    if operator == ">=":
        if case.least is not None and case.least >= 0:
            return True
        return False if case.greatest is not None and case.greatest < 0 else None
    zero = None
    if case.zero:
        zero = True
    elif (case.least is not None and case.least > 0) or (case.greatest is not None and case.greatest < 0):
        zero = False
    return zero if operator == "==" or zero is None else not zero


def decide(facts: Facts, a: Dim, operator: str) -> Findings:
    """All that can be found out about `a operator 0`, for `operator` one of `== != >=`."""
    outcome = settled(facts, a, operator)
    if outcome is not None:
        return Findings("always" if outcome else "never")
    a = reduced(a, operator != ">=")
    assert isinstance(a, Size)
    names = sorted(symbols(a))
    conditions: tuple[Relation, ...] | None = None
    limit = ""
    hints: list[tuple[str, int]] = []
    try:
        if len(names) == 1:
            whole = facts.domain(names[0])
            part = truth(a, operator, names[0], whole)
            conditions = describe(names[0], whole, part)
            hints = [(names[0], part.least()), (names[0], whole.minus(part).least())]
        else:
            conditions = _case_conditions(facts, a, operator, names)
            for name in names:
                multiples = facts.domain(name).only([0], modulus_of(a, name))
                hints += [] if multiples.empty else [(name, multiples.least())]
    except TooHard as error:
        limit = str(error)
    true, false = examples(a, operator, facts.linked(symbols(a)), facts.domain, facts.allow, hints)
    if true is not None and false is not None:
        return Findings("sometimes", conditions, f"true for {_text(true)}; false for {_text(false)}")
    if not limit:
        unseen = "true" if true is None else "false"
        seen = true if true is not None else false
        limit = f"no allowed size is known for which it is {unseen}"
        limit += f", and it is {'false' if unseen == 'true' else 'true'} for {_text(seen)}" if seen else ""
    return Findings("undecided", conditions, limit)


def _text(example: Example) -> str:
    return ", ".join(f"{name} = {value}" for name, value in sorted(example.items()))


def _case_conditions(
    facts: Facts, a: Size, operator: str, names: Sequence[str]
) -> tuple[Relation, ...] | None:
    """Conditions on one symbol each that together say `a operator 0`, where residues alone decide it."""
    true: list[tuple[int, ...]] = []
    for case in _cases(facts, a, names):
        outcome = _outcome(case, operator)
        if outcome is None:
            return None
        if outcome:
            true.append(case.residues)
    residues = [frozenset(row[index] for row in true) for index in range(len(names))]
    if not true or prod(map(len, residues)) != len(true):
        return None
    conditions: list[Relation] = []
    for name, kept in zip(names, residues, strict=True):
        fine = facts.domain(name).refined(modulus_of(a, name))
        own = describe(name, fine, fine.only(kept, fine.modulus))
        if own is None:
            return None
        conditions += own
    return tuple(conditions)
