"""Sizes that mix several declared sizes: when they vanish everywhere, and between which bounds they lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product as all_combinations
from math import gcd, prod
from typing import NamedTuple

from archdsl.dims import Dim, FloorDiv, Monomial, Size, evaluate_along, symbols
from archdsl.sizes.one_size import degree_of, modulus_of, range_of
from archdsl.sizes.relations import TooHard
from archdsl.sizes.residues import CASES, Domain
from archdsl.sizes.sign_runs import differences

__all__ = ["Case", "Range", "bounds", "cases", "parts", "reduced", "vanishes"]

DomainOf = Callable[[str], Domain]
Range = tuple[int | None, int | None]  # least and greatest value; None: not known, or no limit


def reduced(a: Dim, equation: bool) -> Dim:
    """A simpler size with the same sign as `a` everywhere (with `equation`: zero at the same places)."""
    if isinstance(a, int):
        return a
    monomials = [monomial for monomial in a.terms if monomial]
    constant = a.terms.get((), 0)
    if not constant:
        shared: tuple[str, ...] = ()
        for name in sorted({atom for atom in monomials[0] if isinstance(atom, str)}):
            shared += (name,) * min(monomial.count(name) for monomial in monomials)
        if shared:
            terms: dict[Monomial, int] = {}
            for monomial in monomials:
                left = list(monomial)
                for repeated in shared:
                    left.remove(repeated)
                terms[tuple(left)] = a.terms[monomial]
            return reduced(Size(terms) if terms.keys() != {()} else terms[()], equation)
    common = gcd(*(a.terms[monomial] for monomial in monomials))
    if equation:
        if constant % common:
            return 1
        if a.terms[min(monomials, key=str)] < 0:
            common = -common
    if common == 1:
        return a
    divided = {monomial: a.terms[monomial] // common for monomial in monomials}
    return Size(divided) + constant // common


def parts(a: Size, whole_monomials: bool = True) -> list[frozenset[str]]:
    """The symbols of `a`, grouped: those that share a monomial (or else: a floor division) go together."""
    groups: list[frozenset[str]] = []
    for monomial in a.terms:
        atoms = [symbols(Size({(atom,): 1})) for atom in monomial]
        for names in [frozenset[str]().union(*atoms)] if whole_monomials else atoms:
            touching = [group for group in groups if group & names]
            groups = [group for group in groups if not group & names]
            groups.append(names.union(*touching))
    return sorted((group for group in groups if group), key=sorted)


def _restricted(a: Size, names: frozenset[str]) -> Size:
    """The sum of the monomials of `a` over these symbols, without its constant."""
    terms = {m: factor for m, factor in a.terms.items() if m and not names.isdisjoint(_names(m))}
    return Size(terms)


def _names(monomial: Monomial) -> frozenset[str]:
    return symbols(Size({monomial: 1})) if monomial else frozenset()


def _columns(names: Sequence[str], choices: Sequence[Sequence[int]]) -> tuple[dict[str, list[int]], int]:
    count = prod(len(values) for values in choices)
    if count > 5 * CASES:
        raise TooHard(f"there are {count} combinations of residues of {', '.join(names)} to look at")
    rows = list(all_combinations(*choices))
    return {name: [row[index] for row in rows] for index, name in enumerate(names)}, count


def _samples(a: Size, name: str, domain: Domain) -> list[int]:
    """Values of `name` that settle what `a` is for all: as many of each residue as the degree asks for."""
    fine, needed = domain.refined(modulus_of(a, name)), degree_of(a, name) + 1
    return [value for _, stretches in fine.classes for value in fine.class_values(stretches, needed)]


def vanishes(a: Size, domain_of: DomainOf) -> bool:
    """Whether `a` is zero for all values of its symbols in their domains; exact."""
    first = {name: [domain_of(name).least()] for name in symbols(a)}
    if evaluate_along(a, first, 1)[0]:
        return False
    names: list[str] = []
    grid: list[list[tuple[int, ...]]] = []
    for block in parts(a, whole_monomials=False):
        ordered = sorted(block)
        columns, count = _columns(ordered, [_samples(a, name, domain_of(name)) for name in ordered])
        factors = {tuple(atom for atom in m if not block.isdisjoint(_names((atom,)))) for m in a.terms}
        values = [
            evaluate_along(Size({factor: 1}) if factor else 1, columns, count)
            for factor in sorted(factors, key=str)
        ]
        names += ordered
        grid.append(
            [tuple(columns[name][row] for name in ordered) for row in _independent_rows(values, count)]
        )
    chosen = [sum(rows, ()) for rows in all_combinations(*grid)]
    if len(chosen) > CASES:
        raise TooHard(f"there are {len(chosen)} combinations of {', '.join(names)} to look at")
    columns = {name: [row[index] for row in chosen] for index, name in enumerate(names)}
    return not any(evaluate_along(a, columns, len(chosen)))


def _independent_rows(columns: list[list[int]], count: int) -> list[int]:
    """Rows of the matrix that span all its rows."""
    kept: list[int] = []
    basis: list[tuple[int, list[int]]] = []
    seen: set[tuple[int, ...]] = set()
    for index in range(count):
        row = [column[index] for column in columns]
        if tuple(row) in seen:
            continue
        seen.add(tuple(row))
        for pivot, base in basis:
            if row[pivot]:
                row = [
                    base[pivot] * value - row[pivot] * other for value, other in zip(row, base, strict=True)
                ]
        pivot = next((place for place, value in enumerate(row) if value), -1)
        if pivot >= 0:
            common = gcd(*row)
            basis.append((pivot, [value // common for value in row]))
            kept.append(index)
            if len(kept) == len(columns):
                break
    return kept


class Case(NamedTuple):
    """One combination of residues, and bounds of a size there; both 0 exactly where it is zero throughout."""

    residues: tuple[int, ...]
    least: int | None
    greatest: int | None


@lru_cache(maxsize=64)
def cases(a: Size, fine: tuple[Domain, ...]) -> tuple[Case, ...]:
    """`a` for each combination of the classes of its symbols' domains, refined so that all floors resolve.

    The domains are in the order of the symbols' names.
    """
    names = sorted(symbols(a))
    points = [degree_of(a, name) + 1 for name in names]
    total = prod(len(domain.classes) for domain in fine)
    size = prod(points)
    if total * size > 2 * CASES:
        raise TooHard(f"there are {total} combinations of residues of {', '.join(names)} to look at")
    starts = [[stretches[0][0] for _, stretches in domain.classes] for domain in fine]
    steps = list(all_combinations(*(range(count) for count in points)))
    rows = list(all_combinations(*starts))
    columns = {
        name: [row[index] + fine[index].modulus * step[index] for row in rows for step in steps]
        for index, name in enumerate(names)
    }
    values = evaluate_along(a, columns, total * size)
    residues = all_combinations(*([residue for residue, _ in domain.classes] for domain in fine))
    found: list[Case] = []
    for place, combination in enumerate(residues):
        tensor = _tensor_differences(values[place * size : (place + 1) * size], points)
        base, others = tensor[0], tensor[1:]
        low, high = min(others, default=0), max(others, default=0)
        found.append(Case(combination, base if low >= 0 else None, base if high <= 0 else None))
    return tuple(found)


def _tensor_differences(values: list[int], points: list[int]) -> list[int]:
    """Forward differences along every axis of the row-major tensor `values`; the first is the base value."""
    inner = 1
    for count in reversed(points):
        for start in range(0, len(values), inner * count):
            for offset in range(start, start + inner):
                line = slice(offset, offset + inner * count, inner)
                found = differences(values[line])
                values[line] = found + [0] * (count - len(found))
        inner *= count
    return values


def bounds(a: Dim, domain_of: DomainOf) -> Range:
    """Bounds of `a` over the domains: sound always, exact for sums of sizes of one symbol each."""
    if isinstance(a, int):
        return a, a
    least: int | None = a.terms.get((), 0)
    greatest: int | None = least
    for group in parts(a):
        low, high = _part_bounds(_restricted(a, group), sorted(group), domain_of)
        least = None if least is None or low is None else least + low
        greatest = None if greatest is None or high is None else greatest + high
    return least, greatest


def _part_bounds(a: Size, names: list[str], domain_of: DomainOf) -> Range:
    try:
        if len(names) == 1:
            return range_of(a, names[0], domain_of(names[0]))
        low, high = _interval(a, domain_of)
        if low is not None and high is not None:
            return low, high
        fine = [domain_of(name).refined(modulus_of(a, name)) for name in names]
        found = cases(a, tuple(fine))
    except TooHard:
        return None, None
    lows = [case.least for case in found if case.least is not None]
    highs = [case.greatest for case in found if case.greatest is not None]
    return (
        _better(low, min(lows) if len(lows) == len(found) else None, max),
        _better(high, max(highs) if len(highs) == len(found) else None, min),
    )


def _better(left: int | None, right: int | None, choose: Callable[[int, int], int]) -> int | None:
    if left is None or right is None:
        return right if left is None else left
    return choose(left, right)


def _interval(a: Size, domain_of: DomainOf) -> Range:
    """Interval arithmetic over the monomials."""
    total: Range = (0, 0)
    for monomial, factor in a.terms.items():
        part: Range = (factor, factor)
        for group in parts(Size({monomial: 1}), whole_monomials=False) if monomial else []:
            own = tuple(atom for atom in monomial if not group.isdisjoint(_names((atom,))))
            if len(group) == 1:
                (name,) = group
                part = _times(part, range_of(Size({own: 1}), name, domain_of(name)))
                continue
            for atom in own:
                if isinstance(atom, FloorDiv):
                    low, high = bounds(atom.numerator, domain_of)
                    n = atom.divisor
                    part = _times(
                        part, (None if low is None else low // n, None if high is None else high // n)
                    )
                else:
                    part = _times(part, (domain_of(atom).least(), domain_of(atom).greatest()))
        total = (_plus(total[0], part[0]), _plus(total[1], part[1]))
    return total


def _plus(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left + right


def _times(left: Range, right: Range) -> Range:
    """The product of two intervals; None stands for an infinite end."""
    ends = []
    for one, one_sign in ((left[0], -1), (left[1], 1)):
        for two, two_sign in ((right[0], -1), (right[1], 1)):
            if one is not None and two is not None:
                ends.append((0, one * two))
            elif one == 0 or two == 0:
                ends.append((0, 0))
            else:
                sign = (one_sign if one is None else (one > 0) - (one < 0)) * (
                    two_sign if two is None else (two > 0) - (two < 0)
                )
                ends.append((sign, 0))
    low, high = min(ends), max(ends)
    return (None if low[0] else low[1], None if high[0] else high[1])
