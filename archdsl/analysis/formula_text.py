"""A polynomial as a person would write it: ``layers*(12*d**2 + 13*d) + vocab*d + context*d + 2*d``.

What all terms share stands in front; what several terms are linear in (how often a block is used, how many classes
there are) is a bracket of its own; the largest terms come first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from archdsl.analysis.interpolation import Polynomial, Powers, monomial


@dataclass(frozen=True)
class Names:
    """The variables: how each is called, which are sizes, and the numbers by which terms are ordered."""

    texts: Sequence[str]
    sizes: frozenset[int]
    usual: Sequence[int]

    def size_of(self, terms: Mapping[Powers, Fraction]) -> Fraction:
        return abs(sum((c * monomial(p, self.usual) for p, c in terms.items()), Fraction(0)))


def formula(polynomial: Polynomial, names: Names) -> str:
    """The whole polynomial; reading it back as Python gives the same numbers."""
    if not polynomial.terms:
        return "0"
    degrees = [max(p[i] for p in polynomial.terms) for i in range(len(names.texts))]
    order = sorted(range(len(degrees)), key=lambda i: (i not in names.sizes, degrees[i], i))
    linear = [i for i, degree in enumerate(degrees) if degree == 1]
    return _Writer(names, order, linear).whole(dict(polynomial.terms))


class _Writer:
    """Writes the terms of one polynomial; ``order`` is that of the factors in a product.

    ``linear`` are the variables that may stand before a bracket.
    """

    def __init__(self, names: Names, order: Sequence[int], linear: Sequence[int]) -> None:
        self.names, self.order, self.linear = names, order, linear

    def whole(self, terms: dict[Powers, Fraction]) -> str:
        """A sum, with what all its terms share in front of a bracket."""
        if len(terms) == 1:
            return self._sum(terms)
        shared, factor = self._shared(terms), _content(terms)
        if factor == 1 and not any(shared):
            return self._sum(terms)
        rest = {tuple(a - b for a, b in zip(p, shared, strict=True)): c / factor for p, c in terms.items()}
        return self._times(factor, shared, rest)

    def _times(self, factor: Fraction, shared: Powers, rest: dict[Powers, Fraction]) -> str:
        """A product before a bracket; what the bracket's terms share joins it."""
        more, again = self._shared(rest), _content(rest)
        if len(rest) > 1 and (any(more) or again != 1):
            inner = {tuple(a - b for a, b in zip(p, more, strict=True)): c / again for p, c in rest.items()}
            both = tuple(a + b for a, b in zip(shared, more, strict=True))
            return self._times(factor * again, both, inner)
        front = [str(factor.numerator)] if factor.numerator != 1 else []
        front += [product] if (product := self._product(shared)) else []
        over = f"/{factor.denominator}" if factor.denominator > 1 else ""
        return "*".join([*front, f"({self._sum(rest)})"]) + over

    def _shared(self, terms: Mapping[Powers, Fraction]) -> Powers:
        """Powers in front: a size's that all terms have, a parameter's only where all have the same."""
        found = []
        for i in range(len(self.names.texts)):
            powers = {p[i] for p in terms}
            found.append(min(powers) if i in self.names.sizes or len(powers) == 1 else 0)
        return tuple(found)

    def _sum(self, terms: Mapping[Powers, Fraction]) -> str:
        parts = self._parts(dict(terms))
        # The largest first; among equals the one whose variable was declared first.
        parts.sort(key=lambda part: (-self.names.size_of(part[0]), tuple(-power for power in max(part[0]))))
        text = ""
        for part, outside in parts:
            negative = all(c < 0 for c in part.values())
            shown = {p: -c for p, c in part.items()} if negative else part
            written = self._bracket(shown, outside) if outside is not None else self._term(shown)
            sign = (" - " if negative else " + ") if text else ("-" if negative else "")
            text += sign + written
        return text

    def _parts(self, terms: dict[Powers, Fraction]) -> list[tuple[dict[Powers, Fraction], int | None]]:
        """Single terms, and groups of those that are linear in one variable."""
        groups: list[tuple[dict[Powers, Fraction], int | None]] = []
        while True:
            variable = self._linear(terms, bool(groups))
            if variable is None:
                break
            groups.append(({p: c for p, c in terms.items() if p[variable]}, variable))
            terms = {p: c for p, c in terms.items() if not p[variable]}
        return [*groups, *(({p: c}, None) for p, c in terms.items())]

    def _linear(self, terms: Mapping[Powers, Fraction], inner: bool) -> int | None:
        """The variable that most terms have.

        One that all have is for the bracket around these terms, unless they are what other groups left (``inner``).
        """
        best, most = None, 1
        for i in self.linear:
            powers = [p[i] for p in terms]
            if most < sum(powers) and (inner or sum(powers) < len(terms)):
                best, most = i, sum(powers)
        return best

    def _bracket(self, terms: Mapping[Powers, Fraction], variable: int) -> str:
        inside = {tuple(n - (i == variable) for i, n in enumerate(p)): c for p, c in terms.items()}
        alone = tuple(int(i == variable) for i in range(len(self.names.texts)))
        return self._times(Fraction(1), alone, inside)

    def _term(self, terms: Mapping[Powers, Fraction]) -> str:
        ((powers, coefficient),) = terms.items()
        product = self._product(powers)
        above, below = coefficient.numerator, coefficient.denominator
        if not product:
            return f"{above}/{below}" if below > 1 else str(above)
        text = product if above == 1 else f"{above}*{product}"
        return f"{text}/{below}" if below > 1 else text

    def _product(self, powers: Powers) -> str:
        factors = []
        for i in self.order:
            if powers[i]:
                factors.append(self.names.texts[i] + (f"**{powers[i]}" if powers[i] > 1 else ""))
        return "*".join(factors)


def _content(terms: Mapping[Powers, Fraction]) -> Fraction:
    """The number in front, where all terms have the same: 8*(d**2 + d), but 12*d**2 + 2*T*d."""
    numbers = set(terms.values())
    return numbers.pop() if len(numbers) == 1 and len(terms) > 1 else Fraction(1)
