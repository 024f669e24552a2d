"""Proofs about a size compared with zero, from what is known of the declared sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from itertools import product as all_combinations
from math import prod
from typing import Literal

from archdsl.dims import Dim, FloorDiv, Size, evaluate, substitute, symbol, symbols
from archdsl.sizes.many_sizes import Case, Range, bounds, cases, reduced, vanishes
from archdsl.sizes.one_size import describe, modulus_of, truth
from archdsl.sizes.relations import Relation, TooHard, against_zero
from archdsl.sizes.residues import Domain
from archdsl.sizes.witnesses import Example, examples, isolated

__all__ = ["Facts", "Findings", "decide", "settled", "side_bounds"]

_EVERY = Domain()
_COUNTED = 2000  # how many assignments are tried one by one
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
        return against_zero(a, operator)
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
    outcome = _outcome(least, greatest, operator)
    if outcome is None and operator == "==" and len(names) > 1:
        outcome = _by_cases(facts, a, operator)
    if outcome is None and facts.nonnegative:
        outcome = _by_shifting(facts, a, operator)
    return _by_counting(facts, a, operator) if outcome is None else outcome


def _by_cases(facts: Facts, a: Size, operator: str) -> bool | None:
    """`settled`, residue by residue."""
    try:
        found = {_case_outcome(case, operator) for case in _cases(facts, a, sorted(symbols(a)))}
    except TooHard:
        return None
    return found.pop() if len(found) == 1 else None


def _by_shifting(facts: Facts, a: Size, operator: str) -> bool | None:
    """`settled`, with a fact `p + rest >= 0` used to write the symbol p as `s - 1 - rest`, where s >= 1."""
    for fact in facts.nonnegative:
        for name, value in isolated(fact):
            if fact.terms[(name,)] != 1 or name not in symbols(a):
                continue
            shift = {name: value + symbol(f"{name}'") - 1}
            others = [substitute(other, shift) for other in facts.nonnegative if other is not fact]
            known = Facts(facts.domains, tuple(other for other in others if isinstance(other, Size)))
            outcome = settled(known, substitute(a, shift), operator)
            if outcome is not None:
                return outcome
    return None


def _by_counting(facts: Facts, a: Size, operator: str) -> bool | None:
    """`settled`, by trying all allowed assignments where they are few; False where there is none."""
    names = facts.linked(symbols(a))
    total = 1
    for name in names:
        total *= facts.domain(name).size() or _COUNTED + 1
    if total > _COUNTED:
        return None
    seen: set[bool] = set()
    for row in all_combinations(*(facts.domain(name).values() for name in names)):
        values = dict(zip(names, row, strict=True))
        if facts.allow(values):
            seen.add(against_zero(evaluate(a, values), operator))
    return None if len(seen) == 2 else True in seen


def _cases(facts: Facts, a: Size, names: Sequence[str]) -> tuple[Case, ...]:
    return cases(a, tuple(facts.domain(name).refined(modulus_of(a, name)) for name in names))


def _case_outcome(case: Case, operator: str) -> bool | None:
    outcome = _outcome(case.least, case.greatest, "==" if operator == "!=" else operator)
    return None if outcome is None else outcome != (operator == "!=")


def _outcome(least: int | None, greatest: int | None, operator: str) -> bool | None:
    """Whether values between these bounds are all `== 0` (or `>= 0`), none of them, or neither is sure."""
    if operator == ">=":
        if least is not None and least >= 0:
            return True
        return False if greatest is not None and greatest < 0 else None
    if least == 0 and greatest == 0:
        return True
    if (least is not None and least > 0) or (greatest is not None and greatest < 0):
        return False
    return None


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
            conditions = _factor_conditions(facts, a, operator) or _case_conditions(facts, a, operator, names)
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


def _factor_conditions(facts: Facts, a: Size, operator: str) -> tuple[Relation, ...] | None:
    """Conditions on each factor that together say `a operator 0`: of a product >= 1 of factors >= 0, or != 0."""
    monomial = next((monomial for monomial in a.terms if monomial), ())
    wanted = -1 if operator == ">=" else 0
    if operator == "==" or len(monomial) < 2 or a != Size({monomial: 1}) + wanted:
        return None
    conditions: list[Relation] = []
    for atom in dict.fromkeys(monomial):
        factor = Size({(atom,): 1})
        if operator == ">=" and not settled(facts, factor, ">="):
            return None
        findings = decide(facts, factor + wanted, operator)
        if findings.conditions is not None:
            conditions += findings.conditions
        elif findings.kind != "always":
            conditions.append(
                Relation(atom.numerator, ">=", atom.divisor)
                if operator == ">=" and isinstance(atom, FloorDiv)
                else Relation(factor, "!=", 0)
            )
    return tuple(sorted(conditions, key=lambda condition: len(symbols(condition.left))))


def _case_conditions(
    facts: Facts, a: Size, operator: str, names: Sequence[str]
) -> tuple[Relation, ...] | None:
    """Conditions on one symbol each that together say `a operator 0`, where residues alone decide it."""
    true: list[tuple[int, ...]] = []
    for case in _cases(facts, a, names):
        outcome = _case_outcome(case, operator)
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
