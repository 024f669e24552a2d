"""Sizes where residues of symbols are known: `H % 16 == 12` makes `(H + 4) // 16` exact, and 2*(H // 2) H.

A symbol with `H % M == r` is read as M*k + r; the polynomial in k is written with H again. Sizes that come to
the same polynomial get the same form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import gcd, lcm, prod

from archdsl.dims import product, substitute, symbols
from archdsl.sizes.polynomials import Atom, Dim, FloorDiv, Monomial, Size, floor_div, symbol
from archdsl.sizes.residues import Domain

__all__ = ["Residue", "residues", "simplified"]

Residue = tuple[str, int, int]  # the symbol, its modulus (more than 1), what it leaves
_Known = Mapping[str, Residue]  # by the name of the symbol's k

_TRIES = 64  # how many multiples are tried inside a floor division
_ROUNDS = 3  # a form must stay as it is when it is simplified again


@lru_cache(maxsize=1024)
def residues(domains: tuple[tuple[str, Domain], ...]) -> tuple[Residue, ...]:
    """What all values of each domain have in common, where it is more than being an integer."""
    found: list[Residue] = []
    for name, domain in domains:
        first = domain.classes[0][0]
        modulus = gcd(domain.modulus, *(residue - first for residue, _ in domain.classes))
        if modulus > 1:
            found.append((name, modulus, first % modulus))
    return tuple(found)


@lru_cache(maxsize=1 << 14)
def simplified(a: Size, known: tuple[Residue, ...]) -> Dim:
    """A size that is `a` wherever these residues hold, with no floor division that they make exact."""
    form: Dim = a
    for _ in range(_ROUNDS):
        again = _simpler(form, known)
        if again == form:
            return form
        form = again
    return a


def _simpler(a: Dim, known: tuple[Residue, ...]) -> Dim:
    if isinstance(a, int):
        return a
    divisor = _divisor(a)
    used = {
        _k(name): (name, shared, residue % shared)
        for name, modulus, residue in known
        if (shared := gcd(modulus, divisor)) > 1
    }
    floored = frozenset[str]().union(*(symbols(atom.numerator) for atom in _floors(a)))
    if all(name not in floored for name, _, _ in used.values()):
        return a
    return _written(substitute(a, _spread(used)), used)


def _k(name: str) -> str:
    return f"{name}~"


def _spread(known: _Known) -> dict[str, Dim]:
    return {name: modulus * symbol(k) + residue for k, (name, modulus, residue) in known.items()}


def _floors(a: Size) -> set[FloorDiv]:
    return {atom for monomial in a.terms for atom in monomial if isinstance(atom, FloorDiv)}


@lru_cache(maxsize=4096)
def _divisor(a: Size) -> int:
    """What the floor divisions in `a` divide by, together."""
    return lcm(*(atom.divisor * _divisor(atom.numerator) for atom in _floors(a)))


def _written(a: Dim, known: _Known) -> Dim:
    """`a`, a size over the k of some symbols, over those symbols themselves."""
    total: Dim = 0
    left = _with_floors(a, known) if isinstance(a, Size) else a
    while isinstance(left, Size):
        # the monomial with the most k first: what is over goes to monomials with fewer
        monomial = min(left.terms, key=lambda monomial: _rank(monomial, known))
        steps = [known[atom] for atom in monomial if isinstance(atom, str) and atom in known]
        others = tuple(atom for atom in monomial if atom not in known)
        factor, divisors = _shared(left.terms[monomial], [modulus for _, modulus, _ in steps])
        rest = Size({others: factor}) if others else factor
        exact = list(zip(steps, divisors, strict=True))
        total = total + rest * product(floor_div(symbol(name), by) for (name, _, _), by in exact)
        left = left - rest * product(
            modulus // by * symbol(_k(name)) + residue // by for (name, modulus, residue), by in exact
        )
    return total + left


def _rank(monomial: Monomial, known: _Known) -> tuple[int, list[str]]:
    return -sum(atom in known for atom in monomial), [str(atom) for atom in monomial]


def _shared(factor: int, moduli: Sequence[int]) -> tuple[int, list[int]]:
    """`factor * k * ...` as a factor and a divisor for each modulus: `factor * (size // divisor) * ...`.

    The divisors are as small as can be, and as even.
    """
    divisors = list(moduli)
    for prime in _primes(lcm(*moduli)):
        while factor % prime == 0:
            index = max(range(len(divisors)), key=lambda index: gcd(divisors[index], prime**30))
            if divisors[index] % prime:
                break
            divisors[index] //= prime
            factor //= prime
    return factor, divisors


@lru_cache(maxsize=256)
def _primes(number: int) -> tuple[int, ...]:
    found: list[int] = []
    divisor = 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            found.append(divisor)
            number //= divisor
        else:
            divisor += 1
    return tuple(dict.fromkeys([*found, number] if number > 1 else found))


def _with_floors(a: Size, known: _Known) -> Dim:
    """`a` with its floor divisions over the symbols themselves; the rest stays over the k."""
    forms: dict[Atom, Dim] = {}
    for atom in _floors(a):
        if not symbols(atom.numerator).isdisjoint(known):
            forms[atom] = _floor(atom, _taken_in(a, atom, known), known)
    return _replaced(a, forms)


def _replaced(a: Size, forms: Mapping[Atom, Dim]) -> Dim:
    """`a` with atoms replaced where they are not inside floor divisions."""
    total: Dim = 0
    for monomial, factor in a.terms.items():
        kept = tuple(atom for atom in monomial if atom not in forms)
        part = Size({kept: factor}) if kept else factor
        total = total + part * product(forms[atom] for atom in monomial if atom in forms)
    return total


def _taken_in(a: Size, atom: FloorDiv, known: _Known) -> dict[Monomial, int]:
    """Multiples of monomials that `a` adds to the floor division and that make it simpler inside it.

    With H = 16*k + 12, H // 5 is 3*k + 2 + (k + 2) // 5; back inside, 3*k gives the H.
    """
    outer = min((m for m in a.terms if atom in m), key=lambda monomial: _rank(monomial, known))
    others = list(outer)
    others.remove(atom)
    taken: dict[Monomial, int] = {}
    for monomial, factor in atom.numerator.terms.items():
        modulus = _modulus(monomial, known)
        if modulus == 1 or any(isinstance(each, FloorDiv) for each in monomial):
            continue
        beside = Size({monomial: 1}) * product(Size({(each,): 1}) for each in others)
        assert isinstance(beside, Size)
        most = min(a.terms.get(next(iter(beside.terms)), 0) // a.terms[outer], _TRIES)
        taken[monomial] = max(
            range(max(0, most) + 1),
            key=lambda count: (gcd(modulus, factor + atom.divisor * count), -count),
        )
    return taken


def _floor(atom: FloorDiv, taken: Mapping[Monomial, int], known: _Known) -> Dim:
    """A floor division over the symbols themselves, less the monomials that are taken in."""
    terms = {m: f + atom.divisor * taken.get(m, 0) for m, f in atom.numerator.terms.items()}
    scale = lcm(*(_modulus(m, known) // gcd(_modulus(m, known), factor) for m, factor in terms.items()))
    total: Dim = 0
    for monomial, factor in terms.items():
        inner: dict[Atom, Dim] = {
            each: symbol(known[each][0]) - known[each][2] if isinstance(each, str) else _nested(each, known)
            for each in monomial
            if each in known or isinstance(each, FloorDiv)
        }
        over = scale * factor // _modulus(monomial, known)
        total = total + (_replaced(Size({monomial: over}), inner) if monomial and over else over)
    # (scale * numerator + anything from 0 to scale - 1) // (scale * divisor)
    divisor, constant = scale * atom.divisor, total.terms.get((), 0) if isinstance(total, Size) else total
    last = constant + scale - 1
    nicest = last // divisor * divisor
    if nicest < constant:
        nicest = min(constant, last, key=abs)
    form = floor_div(total + (nicest - constant), divisor)
    for monomial, count in taken.items():
        form = form - Size({monomial: count}) if count else form
    spread: dict[Atom, Dim] = dict(_spread(known).items())
    return _replaced(form, spread) if isinstance(form, Size) else form


def _nested(atom: FloorDiv, known: _Known) -> Dim:
    return _written(Size({(atom,): 1}), known)


def _modulus(monomial: Monomial, known: _Known) -> int:
    return prod(known[atom][1] for atom in monomial if isinstance(atom, str) and atom in known)
