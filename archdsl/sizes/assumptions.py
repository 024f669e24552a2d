"""What is known of the declared sizes, and what can be proved from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

from archdsl.dims import Dim, Size, render, substitute, symbol, symbols
from archdsl.sizes.known_residues import Residue, residues, simplified
from archdsl.sizes.many_sizes import reduced
from archdsl.sizes.one_size import describe, preimage, truth
from archdsl.sizes.proofs import Facts, Findings, decide, settled, side_bounds
from archdsl.sizes.relations import Contradiction, Operator, Relation, TooHard, Unusable, Verdict, normal_form
from archdsl.sizes.residues import Domain
from archdsl.sizes.witnesses import isolated

__all__ = ["Assumptions", "Contradiction", "Relation", "Unusable", "Verdict"]

_EVERY = Domain()


@dataclass(frozen=True)
class Assumptions:
    """What is known of the declared sizes, each of which is at least 1; immutable.

    `solved` holds the sizes that equalities have made expressions of others, `facts` the rest.
    """

    solved: tuple[tuple[str, Dim], ...] = ()
    facts: Facts = field(default_factory=Facts)

    def __hash__(self) -> int:
        return hash((self.solved, self.facts))

    @staticmethod
    def empty() -> Assumptions:
        """Nothing is known but that every size is at least 1."""
        return _EMPTY

    def normal(self, a: Dim) -> Dim:
        """`a` with the known equalities substituted, and no floor division that known residues make exact."""
        if isinstance(a, Size) and self.solved:
            a = substitute(a, dict(self.solved))
        return simplified(a, self._residues) if isinstance(a, Size) and self._residues else a

    @cached_property
    def _residues(self) -> tuple[Residue, ...]:
        return residues(self.facts.domains)

    def allows(self, values: Mapping[str, int]) -> bool:
        """Whether sizes with these values meet all assumptions; all symbols spoken of must be given."""
        if any(value < 1 for value in values.values()):
            return False
        equal = all(Relation(symbol(name), "==", a).holds(values) for name, a in self.solved)
        return equal and self.facts.allow(values)

    def assume(self, relation: Relation) -> Assumptions:
        """These assumptions and `relation`.

        Raises `Contradiction` where that leaves no size at all, and `Unusable`, with the reason, where
        the relation is of a kind that the proofs can't use.
        """
        try:
            return _assume(self, relation)
        except TooHard as limit:
            raise Unusable(f"`{relation.render()}` can't be used by the proofs: {limit}") from None

    def compare(self, relation: Relation) -> Verdict:
        """What can be proved of `relation` over all allowed sizes."""
        a, operator = normal_form(relation)
        a = self.normal(a)
        if isinstance(a, int):
            return _ALWAYS if Relation(a, operator, 0).holds({}) else _never(a)
        return _compare(self, a, operator)

    def bound(self, relation: Relation) -> tuple[Relation, ...]:
        """The simplest conditions that together are true for exactly the allowed sizes `relation` is.

        () if it always is; the relation itself if nothing simpler is known; `Contradiction` if it never is.
        """
        a, operator = normal_form(relation)
        findings = _findings(self, self.normal(a), operator)
        if findings.kind == "never":
            raise Contradiction(f"`{relation.render()}` is false for every allowed size")
        if findings.kind == "always":
            return ()
        return (relation,) if findings.conditions is None else findings.conditions

    def least(self, a: Dim) -> int | None:
        """A number that `a` is never below; None if none is known. Exact for a size of one symbol."""
        return side_bounds(self.facts, self.normal(a))[0]

    def greatest(self, a: Dim) -> int | None:
        """A number that `a` is never above; None if none is known. Exact for a size of one symbol."""
        return side_bounds(self.facts, self.normal(a))[1]


_EMPTY = Assumptions()
_ALWAYS = Verdict("always")


def _never(a: Dim) -> Verdict:
    if isinstance(a, int):
        return Verdict("never", None, f"the two sides differ by {abs(a)} for every size" if a else None)
    return Verdict("never", None, "it is false for every allowed size")


@lru_cache(maxsize=8192)
def _findings(known: Assumptions, a: Dim, operator: str) -> Findings:
    findings = decide(known.facts, a, operator)
    if findings.kind in ("always", "never"):
        return findings
    conditions = findings.conditions or (_presentable(a, operator),)
    try:
        assumed, needed = known, []
        for condition in conditions:
            more = assumed.assume(condition)
            if more is not assumed:
                needed.append(condition)
            assumed = more
        if not needed:
            return Findings("always")
        if findings.conditions is not None:
            findings = replace(findings, conditions=tuple(needed))
        elif settled(assumed.facts, assumed.normal(a), operator):
            findings = replace(findings, conditions=conditions)
    except Contradiction:
        return Findings("never")
    except Unusable:
        return findings
    if findings.kind == "undecided" and len(conditions) == 1:
        try:
            known.assume(conditions[0].opposite())
        except Contradiction:
            return Findings("always")
        except Unusable:
            pass
    return findings


@lru_cache(maxsize=8192)
def _compare(known: Assumptions, a: Dim, operator: str) -> Verdict:
    findings = _findings(known, a, operator)
    if findings.kind == "always":
        return _ALWAYS
    if findings.kind == "never":
        return _never(a)
    conditions = findings.conditions
    condition = None if conditions is None else " and ".join(part.render() for part in conditions)
    return Verdict(findings.kind, condition, findings.reason)


def _presentable(a: Dim, operator: str) -> Relation:
    """`a operator 0` with positive terms on both sides."""
    a = reduced(a, operator != ">=")
    if isinstance(a, int):
        return Relation(a, _operator(operator), 0)
    left = {monomial: factor for monomial, factor in a.terms.items() if factor > 0 and monomial}
    right = {monomial: -factor for monomial, factor in a.terms.items() if factor < 0 and monomial}
    constant = a.terms.get((), 0)
    one: Dim = Size(left) if left else 0
    two: Dim = Size(right) if right else 0
    if not left:
        return Relation(two, "<=" if operator == ">=" else _operator(operator), constant)
    if operator == ">=" and constant == -1 and right:
        return Relation(one, ">", two)
    if operator == ">=" or constant < 0:
        return Relation(one, _operator(operator), two - constant)
    return Relation(one + constant, _operator(operator), two)


def _operator(text: str) -> Operator:
    return "==" if text == "==" else "!=" if text == "!=" else ">="


def _assume(known: Assumptions, relation: Relation) -> Assumptions:
    a, operator = normal_form(relation)
    a = reduced(known.normal(a), operator != ">=")
    outcome = settled(known.facts, a, operator)
    if outcome is True:
        return known
    if outcome is False or isinstance(a, int):
        raise Contradiction(f"`{relation.render()}` leaves no allowed size")
    names = symbols(a)
    if len(names) == 1:
        (name,) = names
        whole = known.facts.domain(name)
        part = truth(a, operator, name, whole)
        if part.empty:
            raise Contradiction(f"`{relation.render()}` leaves no allowed size")
        return _with_domain(known, name, _simpler(name, whole, part))
    if operator == "==":
        return _with_equality(known, relation, a)
    if operator == ">=":
        return replace(known, facts=replace(known.facts, nonnegative=(*known.facts.nonnegative, a)))
    return replace(known, facts=replace(known.facts, nonzero=(*known.facts.nonzero, a)))


def _simpler(name: str, whole: Domain, part: Domain) -> Domain:
    """`part` of `whole`, with a smaller modulus where simple relations describe it."""
    described = describe(name, whole, part)
    if described is None:
        return part
    for relation in described:
        a, operator = normal_form(relation)
        whole = truth(a, operator, name, whole)
    return whole


def _with_domain(known: Assumptions, name: str, domain: Domain) -> Assumptions:
    if domain.least() == domain.greatest():
        return _with_solution(known, name, domain.least())
    others = tuple(pair for pair in known.facts.domains if pair[0] != name)
    facts = replace(known.facts, domains=tuple(sorted((*others, (name, domain)), key=lambda pair: pair[0])))
    for a in facts.nonnegative:
        rest = tuple(other for other in facts.nonnegative if other is not a)
        if settled(replace(facts, nonnegative=rest), a, ">=") is False:
            raise Contradiction(f"with what is known of {name}, `{render(a)} >= 0` leaves no allowed size")
    return _renewed(replace(known, facts=facts))


def _renewed(known: Assumptions) -> Assumptions:
    """The assumptions with their facts in normal form, which new residues may have changed."""
    facts = known.facts
    stale = [(a, ">=") for a in facts.nonnegative if known.normal(a) != a]
    stale += [(a, "!=") for a in facts.nonzero if known.normal(a) != a]
    for a, operator in stale:
        facts = known.facts
        rest = replace(
            facts,
            nonnegative=tuple(other for other in facts.nonnegative if operator != ">=" or other != a),
            nonzero=tuple(other for other in facts.nonzero if operator != "!=" or other != a),
        )
        known = _assume(replace(known, facts=rest), Relation(a, _operator(operator), 0))
    return known


def _with_equality(known: Assumptions, relation: Relation, a: Size) -> Assumptions:
    """The assumptions and `a == 0`, over several symbols: one of them becomes an expression of the others."""
    reason = "it can't be solved for one of its sizes"
    for name, value in isolated(a):
        try:
            return _with_solution(known, name, value)
        except Unusable as unusable:
            reason = str(unusable)
    raise Unusable(f"`{relation.render()}` can't be used by the proofs: {reason}")


def _with_solution(known: Assumptions, name: str, value: Dim) -> Assumptions:
    """The assumptions with `name` replaced by `value`, in which it doesn't occur; its facts carry over."""
    own, facts = known.facts.domain(name), known.facts
    solved = tuple((other, substitute(a, {name: value})) for other, a in known.solved)
    result = Assumptions(
        tuple(sorted((*solved, (name, value)), key=lambda pair: pair[0])),
        Facts(
            tuple(pair for pair in facts.domains if pair[0] != name),
            tuple(a for a in facts.nonnegative if name not in symbols(a)),
            tuple(a for a in facts.nonzero if name not in symbols(a)),
        ),
    )
    result = _with_membership(result, name, value, own)
    for kept, operator in ((facts.nonnegative, ">="), (facts.nonzero, "!=")):
        for a in kept:
            if name in symbols(a):
                result = _assume(result, Relation(substitute(a, {name: value}), _operator(operator), 0))
    return result


def _with_membership(known: Assumptions, name: str, value: Dim, target: Domain) -> Assumptions:
    """The assumptions and that `value`, which `name` is equal to, lies in `target`."""
    value = known.normal(value)
    if isinstance(value, int):
        if value not in target:
            raise Contradiction(f"{name} can't be {value}")
        return known
    names = symbols(value)
    if len(names) == 1:
        (other,) = names
        whole = known.facts.domain(other)
        part = preimage(value, other, whole, target)
        if part.empty:
            raise Contradiction(f"{name} can't be {render(value)}")
        return known if part.same(whole) else _with_domain(known, other, _simpler(other, whole, part))
    described = describe(name, _EVERY, target)
    if described is None:
        raise Unusable(f"what is known of {name} can't be said of {render(value)}")
    for relation in (Relation(symbol(name), ">=", 1), *described):
        known = _assume(
            known, Relation(substitute(relation.left, {name: value}), relation.operator, relation.right)
        )
    return known
