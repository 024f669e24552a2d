"""Integer polynomials over named sizes and floor divisions, in one canonical form.

A `Size` is never constant: every operation that ends in a constant returns a plain `int`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from math import gcd
from typing import NoReturn

__all__ = ["Atom", "Dim", "FloorDiv", "Monomial", "Size", "floor_div", "symbol"]


class FloorDiv:
    """The atom `numerator // divisor`; build it with `floor_div`, which keeps it canonical."""

    __slots__ = ("_hash", "divisor", "key", "numerator")
    numerator: Size
    divisor: int
    key: str
    _hash: int

    def __init__(self, numerator: Size, divisor: int) -> None:
        put = object.__setattr__
        put(self, "numerator", numerator)
        put(self, "divisor", divisor)
        put(self, "key", f"({numerator.key})//{divisor}")
        put(self, "_hash", hash((numerator, divisor)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, FloorDiv) and self._hash == other._hash and self.key == other.key

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("sizes are immutable")

    def __reduce__(self) -> tuple[object, ...]:
        return (FloorDiv, (self.numerator, self.divisor))

    def __repr__(self) -> str:
        return self.key


Atom = str | FloorDiv
Monomial = tuple[Atom, ...]  # sorted by key, repeated for powers; () is the constant one


def _key(atom: Atom) -> str:
    return atom if isinstance(atom, str) else atom.key


@lru_cache(maxsize=1 << 16)
def _times(left: Monomial, right: Monomial) -> Monomial:
    return tuple(sorted(left + right, key=_key))


class Size:
    """A symbolic size: a non-constant integer polynomial in canonical form, immutable and hashable.

    `+ - *`, `//` and `%` by a positive integer and `**` by a small one give a `Dim`. `==` compares
    canonical forms; whether two different forms are equal for all sizes is for `Assumptions.compare`.
    """

    __slots__ = ("_hash", "_text", "terms")
    terms: Mapping[Monomial, int]
    _hash: int
    _text: str | None

    def __init__(self, terms: Mapping[Monomial, int]) -> None:
        put = object.__setattr__
        put(self, "terms", terms)
        put(self, "_hash", hash(frozenset(terms.items())))
        put(self, "_text", None)

    @property
    def key(self) -> str:
        """A text that two sizes share exactly when they are equal; the order of atoms."""
        if self._text is None:
            ordered = sorted(
                ("*".join(map(_key, monomial)), factor) for monomial, factor in self.terms.items()
            )
            object.__setattr__(self, "_text", "+".join(f"{factor}*{text}" for text, factor in ordered))
        assert self._text is not None
        return self._text

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Size) and self._hash == other._hash and self.terms == other.terms

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("sizes are immutable")

    def __reduce__(self) -> tuple[object, ...]:
        return (Size, (dict(self.terms),))

    def __repr__(self) -> str:
        from archdsl.sizes.text import render

        return render(self)

    def __add__(self, other: Dim) -> Dim:
        if isinstance(other, Size):
            terms = dict(self.terms)
            for monomial, factor in other.terms.items():
                total = terms.get(monomial, 0) + factor
                if total:
                    terms[monomial] = total
                else:
                    del terms[monomial]
            return _from_terms(terms)
        if isinstance(other, int):
            if other == 0:
                return self
            terms = dict(self.terms)
            total = terms.pop((), 0) + other
            if total:
                terms[()] = total
            return Size(terms)
        return NotImplemented

    __radd__ = __add__

    def __neg__(self) -> Dim:
        return Size({monomial: -factor for monomial, factor in self.terms.items()})

    def __pos__(self) -> Dim:
        return self

    def __sub__(self, other: Dim) -> Dim:
        if isinstance(other, int | Size):
            return self + -other
        return NotImplemented

    def __rsub__(self, other: Dim) -> Dim:
        return -self + other

    def __mul__(self, other: Dim) -> Dim:
        if isinstance(other, Size):
            terms: dict[Monomial, int] = {}
            for left, left_factor in self.terms.items():
                for right, right_factor in other.terms.items():
                    monomial = _times(left, right)
                    terms[monomial] = terms.get(monomial, 0) + left_factor * right_factor
            return _from_terms({monomial: factor for monomial, factor in terms.items() if factor})
        if isinstance(other, int):
            if other == 0:
                return 0
            return Size({monomial: factor * other for monomial, factor in self.terms.items()})
        return NotImplemented

    __rmul__ = __mul__

    def __floordiv__(self, divisor: int) -> Dim:
        if not isinstance(divisor, int):
            raise TypeError("a size can be divided by a constant only")
        return floor_div(self, divisor)

    def __rfloordiv__(self, other: Dim) -> NoReturn:
        raise TypeError("a size can be divided by a constant only")

    def __mod__(self, divisor: int) -> Dim:
        return self - divisor * floor_div(self, divisor)

    def __pow__(self, exponent: int) -> Dim:
        if not 0 <= exponent <= 64:
            raise ValueError(f"a size can be raised to a power from 0 to 64, not {exponent}")
        result: Dim = 1
        for _ in range(exponent):
            result = result * self
        return result

    def __lt__(self, other: Dim) -> NoReturn:
        raise TypeError(
            "symbolic sizes have no order of their own: ask Assumptions.compare(Relation(a, '<', b)),"
            " or compare what evaluate() gives"
        )

    __le__ = __gt__ = __ge__ = __lt__


Dim = int | Size


def _from_terms(terms: dict[Monomial, int]) -> Dim:
    """The size with these non-zero terms, or the integer it is."""
    if not terms:
        return 0
    if len(terms) == 1 and () in terms:
        return terms[()]
    return Size(terms)


def symbol(name: str) -> Size:
    """The size called `name`."""
    if not name or any(mark in name for mark in "()+*/ "):
        raise ValueError(f"{name!r} can't name a size")
    return Size({(name,): 1})


def floor_div(a: Dim, n: int) -> Dim:
    """`a // n`, rounded down, for a positive constant `n`."""
    if n <= 0:
        raise ValueError(f"a size can be divided by a positive constant only, not by {n}")
    if isinstance(a, int):
        return a // n
    return a if n == 1 else _floor_div(a, n)


@lru_cache(maxsize=1 << 14)
def _floor_div(a: Size, n: int) -> Dim:
    outside: dict[Monomial, int] = {}
    inside: dict[Monomial, int] = {}
    for monomial, factor in a.terms.items():
        quotient, rest = divmod(factor, n)
        if quotient:
            outside[monomial] = quotient
        if rest:
            inside[monomial] = rest
    whole = _from_terms(outside)
    constant = inside.pop((), 0)
    if not inside:
        return whole
    common = gcd(n, *inside.values())
    divisor = n // common
    constant //= common
    terms = {monomial: factor // common for monomial, factor in inside.items()}
    if divisor == 1:
        return whole + Size(terms) + constant
    nested = [monomial for monomial in terms if any(isinstance(atom, FloorDiv) for atom in monomial)]
    if len(nested) == 1 and len(nested[0]) == 1 and terms[nested[0]] == 1:
        inner = nested[0][0]
        assert isinstance(inner, FloorDiv)
        del terms[nested[0]]
        # (p // m + q) // n == (p + m*q) // (m*n)
        raised = inner.numerator + inner.divisor * (_from_terms(terms) + constant)
        return whole + floor_div(raised, inner.divisor * divisor)
    if constant:
        terms[()] = constant
    if common > 1:  # the reduced coefficients may hold multiples of the reduced divisor
        return whole + floor_div(Size(terms), divisor)
    return whole + Size({(FloorDiv(Size(terms), divisor),): 1})
