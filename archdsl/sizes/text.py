"""Sizes as text: in the language's notation and as Python expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from archdsl.sizes.polynomials import Dim, FloorDiv, Monomial, Size

__all__ = ["render", "to_python"]

# One summand: its factor, its text, whether the text is a `//` or `%`, and its place.
Summand = tuple[int, str, bool, tuple[object, ...]]


def render(a: Dim) -> str:
    """`a` in the language's notation, in the shortest form known; reading it back gives `a` again."""
    return _text(a, str)


def to_python(a: Dim, names: Mapping[str, str]) -> str:
    """`a` as a Python expression; `names` gives the expression of each symbol."""

    def name_of(name: str) -> str:
        text = names[name]
        return text if re.fullmatch(r"[\w.]+(\[-?\w+\])*", text) else f"({text})"

    return _text(a, name_of)


# Each form that is tried writes the parts again: without a memory, floors inside floors cost a power of their depth.
@lru_cache(maxsize=1 << 13)
def _text(a: Dim, name_of: Callable[[str], str]) -> str:
    if isinstance(a, int):
        return str(a)
    terms = dict(a.terms)
    remainders: list[Summand] = []
    best = _sum(terms, remainders, name_of)
    for atom in _lone_floors(a):
        shorter = _with_remainder(terms, atom, name_of)
        if shorter is not None:
            left, summand = shorter
            text = _sum(left, [*remainders, summand], name_of)
            if len(text) < len(best):
                terms, best = left, text
                remainders.append(summand)
    for atom in _lone_floors(a):
        factor, constant = terms.get((atom,), 0), terms.get((), 0)
        if factor and constant and constant % factor == 0:
            left = {monomial: times for monomial, times in terms.items() if monomial not in ((), (atom,))}
            raised = atom.numerator + atom.divisor * (constant // factor)
            quotient = f"{_operand(raised, name_of)} // {atom.divisor}"
            text = _sum(left, [*remainders, (factor, quotient, True, _place((atom,)))], name_of)
            if len(text) < len(best):
                best = text
    return best


def _lone_floors(a: Size) -> list[FloorDiv]:
    found = [monomial[0] for monomial in a.terms if len(monomial) == 1]
    return sorted((atom for atom in found if isinstance(atom, FloorDiv)), key=lambda atom: atom.key)


def _with_remainder(
    terms: dict[Monomial, int], atom: FloorDiv, name_of: Callable[[str], str]
) -> tuple[dict[Monomial, int], Summand] | None:
    """`k*p - k*n*(p // n)` taken out of the terms, as `k*(p % n)`."""
    factor = terms.get((atom,), 0)
    if not factor or factor % atom.divisor:
        return None
    times = -factor // atom.divisor
    left = dict(terms)
    del left[(atom,)]
    for monomial, inner in atom.numerator.terms.items():
        if monomial and left.get(monomial) != times * inner:
            return None
        total = left.pop(monomial, 0) - times * inner
        if total:
            left[monomial] = total
    text = f"{_operand(atom.numerator, name_of)} % {atom.divisor}"
    return left, (times, text, True, _place((atom,)))


def _place(monomial: Monomial) -> tuple[object, ...]:
    degree = 0 if not monomial else len(monomial)
    names = sorted(re.findall(r"[^\W\d]\w*", " ".join(a if isinstance(a, str) else a.key for a in monomial)))
    return (-degree, names, [a if isinstance(a, str) else a.key for a in monomial])


def _operand(a: Dim, name_of: Callable[[str], str]) -> str:
    """`a` as the left operand of `//` or `%`."""
    text = _text(a, name_of)
    if isinstance(a, Size) and len(a.terms) == 1:
        ((monomial, factor),) = a.terms.items()
        if factor > 0 and all(isinstance(atom, str) for atom in monomial):
            return text
    return f"({text})"


def _product(monomial: Monomial, name_of: Callable[[str], str]) -> tuple[str, bool]:
    """The text of a monomial, and whether it is a bare `//`."""
    if len(monomial) == 1 and isinstance(monomial[0], FloorDiv):
        return f"{_operand(monomial[0].numerator, name_of)} // {monomial[0].divisor}", True
    factors: list[str] = []
    for atom in sorted(set(monomial), key=lambda atom: _place((atom,))):
        text = name_of(atom) if isinstance(atom, str) else f"({_product((atom,), name_of)[0]})"
        power = monomial.count(atom)
        factors.append(text if power == 1 else f"{text}**{power}")
    return "*".join(factors), False


def _sum(terms: Mapping[Monomial, int], more: list[Summand], name_of: Callable[[str], str]) -> str:
    summands = [
        (factor, *_product(monomial, name_of), _place(monomial))
        for monomial, factor in terms.items()
        if monomial
    ]
    summands.extend(more)
    summands.sort(key=lambda summand: summand[3])
    constant = terms.get((), 0)
    if constant:
        summands.append((constant, "", False, ()))
    first = next((index for index, summand in enumerate(summands) if summand[0] > 0), 0)
    summands.insert(0, summands.pop(first))
    pieces: list[str] = []
    for factor, text, division, _ in summands:
        sign = "-" if factor < 0 else "+"
        body = _summand(abs(factor), text, division, leading_minus=factor < 0 and not pieces)
        if pieces:
            pieces.append(f" {sign} {body}")
        else:
            pieces.append(f"-{body}" if factor < 0 else body)
    return "".join(pieces)


def _summand(factor: int, text: str, division: bool, leading_minus: bool) -> str:
    if not text:
        return str(factor)
    if factor == 1:
        return f"({text})" if division and leading_minus else text
    return f"{factor}*({text})" if division else f"{factor}*{text}"
