"""Sets of positive integers that repeat with a modulus: the values that one declared size may take.

A `Domain` holds, for each residue that occurs, the stretches of values with that residue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from heapq import merge
from itertools import count
from math import gcd, lcm

from archdsl.sizes.relations import TooHard

__all__ = ["CASES", "Domain", "Stretch"]

Stretch = tuple[int, int | None]  # first and last value, both in the class; None: no end

CASES = 20_000  # how many residue classes a question may be split into
LARGEST_MODULUS = 10**9


@dataclass(frozen=True)
class Domain:
    """An immutable set of integers >= 1; `classes` is sorted and holds no empty class."""

    modulus: int = 1
    classes: tuple[tuple[int, tuple[Stretch, ...]], ...] = ((0, ((1, None),)),)

    def __hash__(self) -> int:
        return hash((self.modulus, self.classes[:4], len(self.classes)))

    @property
    def empty(self) -> bool:
        """Whether no value is left."""
        return not self.classes

    def least(self) -> int:
        """The least value."""
        return min(stretches[0][0] for _, stretches in self.classes)

    def greatest(self) -> int | None:
        """The greatest value, None if there is none."""
        result = 0
        for _, stretches in self.classes:
            last = stretches[-1][1]
            if last is None:
                return None
            result = max(result, last)
        return result

    def size(self) -> int | None:
        """How many values there are, None if there is no end to them."""
        total = 0
        for _, stretches in self.classes:
            for first, last in stretches:
                if last is None:
                    return None
                total += (last - first) // self.modulus + 1
        return total

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, int):
            return False
        stretches = dict(self.classes).get(value % self.modulus, ())
        return any(first <= value and (last is None or value <= last) for first, last in stretches)

    def class_values(self, stretches: tuple[Stretch, ...], limit: int) -> list[int]:
        """The first `limit` values of one class."""
        found: list[int] = []
        for first, last in stretches:
            value = first
            while len(found) < limit and (last is None or value <= last):
                found.append(value)
                value += self.modulus
        return found

    def values(self) -> Iterator[int]:
        """All values in ascending order, for as long as they are asked for."""

        def ascending(stretches: tuple[Stretch, ...]) -> Iterator[int]:
            for first, last in stretches:
                yield from (
                    count(first, self.modulus) if last is None else range(first, last + 1, self.modulus)
                )

        return merge(*(ascending(stretches) for _, stretches in self.classes))

    def refined(self, modulus: int) -> Domain:
        """The same set, with classes for a multiple of `modulus`."""
        return _refined(self, lcm(self.modulus, modulus))

    def rebuilt(self, change: Callable[[int, tuple[Stretch, ...]], Iterable[Stretch]]) -> Domain:
        """The set with each class's stretches replaced; the new ones are ordered and lie in the class."""
        classes = []
        for residue, stretches in self.classes:
            changed = tuple(change(residue, stretches))
            if changed:
                classes.append((residue, _joined(changed, self.modulus)))
        return Domain(self.modulus, tuple(classes))

    def only(self, residues: Iterable[int], modulus: int) -> Domain:
        """The values that leave one of `residues` when divided by `modulus`."""
        kept = frozenset(residues)
        if len(kept) == 1 and self.modulus % modulus:
            return _one_residue(self, next(iter(kept)), modulus)
        fine = self.refined(modulus)
        return Domain(fine.modulus, tuple(c for c in fine.classes if c[0] % modulus in kept))

    def between(self, first: int, last: int | None) -> Domain:
        """The values from `first` to `last`."""
        return self.rebuilt(
            lambda residue, stretches: _clipped(residue, self.modulus, stretches, first, last)
        )

    def without(self, value: int) -> Domain:
        """All values but one."""

        def change(residue: int, stretches: tuple[Stretch, ...]) -> list[Stretch]:
            if value % self.modulus != residue:
                return list(stretches)
            return _clipped(residue, self.modulus, stretches, 1, value - 1) + _clipped(
                residue, self.modulus, stretches, value + 1, None
            )

        return self.rebuilt(change)

    def minus(self, other: Domain) -> Domain:
        """The values that `other` lacks."""
        modulus = lcm(self.modulus, other.modulus)
        taken = dict(_refined(other, modulus).classes)

        def change(residue: int, stretches: tuple[Stretch, ...]) -> list[Stretch]:
            left = list(stretches)
            for first, last in taken.get(residue, ()):
                below = _clipped(residue, modulus, tuple(left), 1, first - 1)
                above = [] if last is None else _clipped(residue, modulus, tuple(left), last + 1, None)
                left = below + above
            return left

        return _refined(self, modulus).rebuilt(change)

    def same(self, other: Domain) -> bool:
        """Whether both hold the same values."""
        modulus = lcm(self.modulus, other.modulus)
        return _refined(self, modulus).classes == _refined(other, modulus).classes


def _joined(stretches: tuple[Stretch, ...], modulus: int) -> tuple[Stretch, ...]:
    result: list[Stretch] = []
    for first, last in stretches:
        if result and result[-1][1] is not None and result[-1][1] + modulus == first:
            result[-1] = (result[-1][0], last)
        else:
            result.append((first, last))
    return tuple(result)


def _clipped(
    residue: int, modulus: int, stretches: tuple[Stretch, ...], first: int, last: int | None
) -> list[Stretch]:
    """The part of the stretches from `first` to `last` with this residue."""
    kept: list[Stretch] = []
    for start, end in stretches:
        low = max(start, first)
        low += (residue - low) % modulus
        high = end if last is None else last if end is None else min(end, last)
        if high is not None:
            high -= (high - residue) % modulus
            if high < low:
                continue
        kept.append((low, high))
    return kept


@lru_cache(maxsize=4096)
def _refined(domain: Domain, modulus: int) -> Domain:
    if modulus == domain.modulus:
        return domain
    if len(domain.classes) * (modulus // domain.modulus) > CASES:
        raise TooHard(f"there are more than {CASES} residues modulo {modulus} to look at")
    classes = []
    for residue, stretches in domain.classes:
        for fine in range(residue, modulus, domain.modulus):
            kept = _clipped(fine, modulus, stretches, 1, None)
            if kept:
                classes.append((fine, _joined(tuple(kept), modulus)))
    return Domain(modulus, tuple(sorted(classes)))


def _one_residue(domain: Domain, wanted: int, modulus: int) -> Domain:
    """The values that leave `wanted`, without listing the other residues."""
    step, common = domain.modulus, gcd(domain.modulus, modulus)
    period, whole = modulus // common, lcm(domain.modulus, modulus)
    if whole > LARGEST_MODULUS:
        raise TooHard(f"the modulus {whole} is too large")
    classes = []
    for residue, stretches in domain.classes:
        times, rest = divmod(wanted - residue, common)
        if rest:
            continue
        # the one residue modulo `whole` that meets both
        fine = (residue + step * (times * pow(step // common, -1, period) % period)) % whole
        kept = _clipped(fine, whole, stretches, 1, None)
        if kept:
            classes.append((fine, _joined(tuple(kept), whole)))
    return Domain(whole, tuple(sorted(classes)))
