"""Relations over a single declared size, decided exactly: the set of values for which each is true."""

from __future__ import annotations

from functools import lru_cache
from math import isqrt, lcm

from archdsl.dims import Dim, FloorDiv, Size, evaluate_along, symbol, symbols
from archdsl.sizes.relations import Relation, TooHard
from archdsl.sizes.residues import CASES, Domain, Stretch
from archdsl.sizes.sign_runs import differences, extremes, sign_runs

__all__ = ["degree_of", "describe", "modulus_of", "preimage", "range_of", "truth"]

_SIGNS = {"==": (0,), "!=": (-1, 1), ">=": (0, 1)}
_Polynomials = list[tuple[int, tuple[Stretch, ...], int, list[int]]]


@lru_cache(maxsize=4096)
def modulus_of(a: Dim, name: str) -> int:
    """A modulus m such that all floor divisions in `a` resolve where `name` is m*k + r."""
    result = 1
    if isinstance(a, Size):
        for monomial in a.terms:
            for atom in monomial:
                if isinstance(atom, FloorDiv) and name in symbols(atom.numerator):
                    result = lcm(result, atom.divisor * modulus_of(atom.numerator, name))
    return result


@lru_cache(maxsize=4096)
def degree_of(a: Dim, name: str) -> int:
    """The degree in `name` of the polynomials that `a` resolves to."""
    if isinstance(a, int):
        return 0
    return max(
        sum(
            degree_of(atom.numerator, name) if isinstance(atom, FloorDiv) else int(atom == name)
            for atom in monomial
        )
        for monomial in a.terms
    )


def _polynomials(a: Dim, name: str, fine: Domain) -> _Polynomials:
    """For each class: residue, stretches, its first value s, and the differences of k -> a(s + modulus*k)."""
    points = degree_of(a, name) + 1
    if len(fine.classes) * points > 2 * CASES:
        raise TooHard(f"there are {len(fine.classes)} residues of {name} modulo {fine.modulus} to look at")
    column = [
        stretches[0][0] + fine.modulus * step for _, stretches in fine.classes for step in range(points)
    ]
    values = evaluate_along(a, {name: column}, len(column))
    return [
        (residue, stretches, stretches[0][0], differences(values[index * points : (index + 1) * points]))
        for index, (residue, stretches) in enumerate(fine.classes)
    ]


def _steps(stretch: Stretch, start: int, modulus: int) -> tuple[int, int | None]:
    first, last = stretch
    return (first - start) // modulus, None if last is None else (last - start) // modulus


@lru_cache(maxsize=4096)
def truth(a: Dim, operator: str, name: str, domain: Domain) -> Domain:
    """The values of `name` in `domain` for which `a operator 0`, where `a` has no other symbol.

    Exact. The result's modulus is a multiple of that of `domain`.
    """
    fine = domain.refined(modulus_of(a, name))
    signs, modulus = _SIGNS[operator], fine.modulus
    found: dict[int, list[Stretch]] = {}
    for residue, stretches, start, coefficients in _polynomials(a, name, fine):
        kept = found.setdefault(residue, [])
        for stretch in stretches:
            for first, last, sign in sign_runs(coefficients, *_steps(stretch, start, modulus)):
                if sign in signs:
                    kept.append((start + modulus * first, None if last is None else start + modulus * last))
    return fine.rebuilt(lambda residue, _: found[residue])


def preimage(a: Dim, name: str, domain: Domain, target: Domain) -> Domain:
    """The values of `name` in `domain` for which `a`, that has no other symbol, lies in `target`."""
    fine = domain.refined(modulus_of(a, name) * target.modulus)
    modulus, wanted = fine.modulus, dict(target.classes)
    found: dict[int, list[Stretch]] = {}
    for residue, stretches, start, coefficients in _polynomials(a, name, fine):
        kept = found.setdefault(residue, [])
        base = coefficients[0] if coefficients else 0
        for low, high in wanted.get(base % target.modulus, ()):
            above = [base - low, *coefficients[1:]]
            below = [-1] if high is None else [high - base, *(-value for value in coefficients[1:])]
            for stretch in stretches:
                for first, last, sign in sign_runs(above, *_steps(stretch, start, modulus)):
                    runs = sign_runs(below, first, last) if high is not None else [(first, last, 1)]
                    for begin, end, below_sign in runs:
                        if sign >= 0 and below_sign >= 0:
                            stop = None if end is None else start + modulus * end
                            kept.append((start + modulus * begin, stop))
        kept.sort(key=lambda stretch: stretch[0])
    return fine.rebuilt(lambda residue, _: found[residue])


@lru_cache(maxsize=4096)
def range_of(a: Dim, name: str, domain: Domain) -> tuple[int | None, int | None]:
    """The least and the greatest value of `a` over `domain`, exactly; None where there is no limit."""
    fine = domain.refined(modulus_of(a, name))
    least: int | None = None
    greatest: int | None = None
    endless_below = endless_above = False
    for _, stretches, start, coefficients in _polynomials(a, name, fine):
        for stretch in stretches:
            low, high = extremes(coefficients, *_steps(stretch, start, fine.modulus))
            endless_below, endless_above = endless_below or low is None, endless_above or high is None
            if low is not None:
                least = low if least is None else min(least, low)
            if high is not None:
                greatest = high if greatest is None else max(greatest, high)
    return None if endless_below else least, None if endless_above else greatest


def describe(name: str, whole: Domain, part: Domain) -> tuple[Relation, ...] | None:
    """Relations on `name` that pick exactly `part` out of `whole`; None where nothing simple does.

    `part` is a non-empty subset of `whole`.
    """
    size = symbol(name)
    modulus = lcm(whole.modulus, part.modulus)
    whole, part = whole.refined(modulus), part.refined(modulus)
    if whole == part:
        return ()
    least, greatest = part.least(), part.greatest()
    if least == greatest:
        return (Relation(size, "==", least),)
    lower = (Relation(size, ">=", least), whole.between(least, None)) if least > whole.least() else None
    upper = (Relation(size, "<=", greatest), whole.between(1, greatest)) if greatest is not None else None
    if greatest == whole.greatest():
        upper = None
    inside = {residue for residue, _ in part.classes}
    residues = _residue_relations(size, inside, {r for r, _ in whole.classes} - inside, modulus)
    for use_lower, use_upper, use_residues in (
        (True, False, False),
        (False, True, False),
        (False, False, True),
        (True, True, False),
        (True, False, True),
        (False, True, True),
        (True, True, True),
    ):
        if (use_lower and lower is None) or (use_upper and upper is None):
            continue
        if use_residues and not residues:
            continue
        candidate, relations = whole, list(residues or ()) if use_residues else []
        if use_residues:
            candidate = candidate.only(inside, modulus)
        if use_lower and lower is not None:
            candidate = candidate.between(least, None)
            relations.append(lower[0])
        if use_upper and upper is not None:
            candidate = candidate.between(1, greatest)
            relations.append(upper[0])
        if candidate == part:
            return tuple(relations)
    return _missing_points(size, whole, part)


def _missing_points(size: Size, whole: Domain, part: Domain) -> tuple[Relation, ...] | None:
    """`size != a` for up to three points that `part` lacks."""
    gap = whole.minus(part)
    if gap.greatest() is None or sum(len(stretches) for _, stretches in gap.classes) > 3:
        return None
    missing = sorted(v for _, stretches in gap.classes for v in gap.class_values(stretches, 4))
    return tuple(Relation(size, "!=", value) for value in missing) if len(missing) <= 3 else None


def _divisors(number: int) -> list[int]:
    """The divisors of `number` from 2 on, ascending."""
    small = [d for d in range(1, isqrt(number) + 1) if number % d == 0]
    return sorted({*small[1:], *(number // d for d in small)} - {1})


def _residue_relations(
    size: Size, inside: set[int], outside: set[int], modulus: int
) -> tuple[Relation, ...] | None:
    """Relations on `size % m` that tell the residues `inside` from those `outside`; () if all are inside."""
    if not outside:
        return ()
    shared: tuple[int, int] | None = None
    excluded: tuple[int, set[int]] | None = None
    for divisor in _divisors(modulus):
        kept, dropped = {r % divisor for r in inside}, {r % divisor for r in outside}
        if kept.isdisjoint(dropped):
            if len(kept) == 1:
                return (Relation(size % divisor, "==", kept.pop()),)
            if len(dropped) == 1:
                return (Relation(size % divisor, "!=", dropped.pop()),)
            if excluded is None:
                excluded = divisor, dropped
        elif shared is None and len(kept) == 1 and dropped != kept:
            shared = divisor, next(iter(kept))
    if shared is not None:
        divisor, residue = shared
        rest = _residue_relations(size, inside, {r for r in outside if r % divisor == residue}, modulus)
        if rest is not None:
            return (Relation(size % divisor, "==", residue), *rest)
    if excluded is not None and len(excluded[1]) <= 3:
        return tuple(Relation(size % excluded[0], "!=", residue) for residue in sorted(excluded[1]))
    return None
