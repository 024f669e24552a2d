"""Sizes divided exactly: numbers, sizes by numbers, sizes by sizes (``H * W`` by ``H``)."""

from __future__ import annotations

from collections import Counter

from archdsl.dims import Dim, Monomial, Size, product, render
from archdsl.ops import errors
from archdsl.ops.checker import Checker


def divide_axis(size: Dim, by: Dim, what: str, sizes: Checker, argument: str) -> Dim:
    """``size / by``, proved to be exact; raises E0407 (with the condition, where there is one) or E0403."""
    if isinstance(by, int):
        sizes.divisible(size, by, what, argument)
        return size // by
    quotient = exact_quotient(size, by)
    if quotient is None:
        raise errors.OperatorError(
            "E0407",
            f"{what}: {render(size)} is not known to be a multiple of {render(by)}",
            help="give the size of the other part too",
            argument=argument,
        )
    return quotient


def exact_quotient(size: Dim, by: Dim) -> Dim | None:
    """The polynomial ``q`` with ``q * by == size``, or None: long division by the leading term."""
    if isinstance(size, int) and isinstance(by, int):
        return None if by == 0 or size % by else size // by
    dividend, divisor = _terms(size), _terms(by)
    names = sorted({repr(atom) for terms in (dividend, divisor) for m in terms for atom in m})
    lead = max(divisor, key=lambda m: _exponents(m, names))
    quotient: Dim = 0
    rest = size
    while rest != 0:
        terms = _terms(rest)
        top = max(terms, key=lambda m: _exponents(m, names))
        left = Counter(top)
        left.subtract(lead)
        if terms[top] % divisor[lead] or any(count < 0 for count in left.values()):
            return None
        step: Dim = terms[top] // divisor[lead]
        step = step * product(Size({(atom,): 1}) for atom in left.elements())
        quotient = quotient + step
        rest = rest - step * by
    return quotient


def _terms(size: Dim) -> dict[Monomial, int]:
    return {(): size} if isinstance(size, int) else dict(size.terms)


def _exponents(monomial: Monomial, names: list[str]) -> tuple[int, ...]:
    """The place of a monomial in the lexicographic order."""
    count = Counter(map(repr, monomial))
    return tuple(count[name] for name in names)
