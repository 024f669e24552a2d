"""Symbolic sizes: what the rest of archdsl uses to compute with dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from archdsl.sizes.polynomials import Atom, Dim, FloorDiv, Monomial, Size, floor_div, symbol
from archdsl.sizes.text import render, to_python

__all__ = [
    "Dim",
    "FloorDiv",
    "Monomial",
    "Size",
    "ceil_div",
    "evaluate",
    "evaluate_along",
    "floor_div",
    "product",
    "render",
    "substitute",
    "symbol",
    "symbols",
    "to_python",
]


def ceil_div(a: Dim, n: int) -> Dim:
    """`a / n` rounded up, for a positive constant `n`."""
    return floor_div(a + (n - 1), n)


def product(dims: Iterable[Dim]) -> Dim:
    """All of `dims` multiplied; 1 for none."""
    result: Dim = 1
    for dim in dims:
        result = result * dim
    return result


def evaluate(a: Dim, values: Mapping[str, int]) -> int:
    """The number `a` is where its symbols have these values; `KeyError` where one is missing."""
    if isinstance(a, int):
        return a
    total = 0
    for monomial, factor in a.terms.items():
        for atom in monomial:
            if isinstance(atom, str):
                factor *= values[atom]
            else:
                factor *= evaluate(atom.numerator, values) // atom.divisor
        total += factor
    return total


def evaluate_along(a: Dim, columns: Mapping[str, Sequence[int]], length: int) -> list[int]:
    """`a` for many assignments at once: `columns` holds the values of each symbol, in parallel."""
    # One memory for all levels: floors inside floors share their parts.
    return _along(a, columns, length, {})


def _along(
    a: Dim, columns: Mapping[str, Sequence[int]], length: int, atoms: dict[Atom, Sequence[int]]
) -> list[int]:
    if isinstance(a, int):
        return [a] * length

    def column(atom: Atom) -> Sequence[int]:
        if isinstance(atom, str):
            return columns[atom]
        if atom not in atoms:
            divisor = atom.divisor
            atoms[atom] = [value // divisor for value in _along(atom.numerator, columns, length, atoms)]
        return atoms[atom]

    total = [a.terms.get((), 0)] * length
    for monomial, factor in a.terms.items():
        if not monomial:
            continue
        part = [factor * value for value in column(monomial[0])]
        for atom in monomial[1:]:
            part = [left * right for left, right in zip(part, column(atom), strict=True)]
        total = [left + right for left, right in zip(total, part, strict=True)]
    return total


@lru_cache(maxsize=1 << 14)
def symbols(a: Dim) -> frozenset[str]:
    """The names of the symbols in `a`."""
    if isinstance(a, int):
        return frozenset()
    found: set[str] = set()
    for monomial in a.terms:
        for atom in monomial:
            found |= {atom} if isinstance(atom, str) else symbols(atom.numerator)
    return frozenset(found)


def substitute(a: Dim, values: Mapping[str, Dim]) -> Dim:
    """`a` with symbols replaced, all at once; those that `values` does not name stay."""
    if isinstance(a, int) or not values or symbols(a).isdisjoint(values):
        return a
    total: Dim = 0
    for monomial, factor in a.terms.items():
        part: Dim = factor
        for atom in monomial:
            if isinstance(atom, str):
                part = part * values.get(atom, symbol(atom))
            else:
                part = part * floor_div(substitute(atom.numerator, values), atom.divisor)
        total = total + part
    return total
