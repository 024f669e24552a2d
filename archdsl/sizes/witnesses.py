"""Examples: sizes that are allowed and for which a relation is true, or false."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from itertools import product as all_combinations

from archdsl.dims import Dim, Size, evaluate, evaluate_along, symbol, symbols
from archdsl.sizes.relations import against_zero
from archdsl.sizes.residues import Domain

__all__ = ["Example", "examples", "isolated"]

Example = Mapping[str, int]

_TRIES = 4000
_TOGETHER = 256  # how many are evaluated at once


def isolated(a: Size) -> list[tuple[str, Dim]]:
    """The symbols that `a == 0` can be solved for, with what each then is; the last in the alphabet first."""
    found: list[tuple[str, Dim]] = []
    for monomial, factor in a.terms.items():
        if len(monomial) != 1 or factor not in (1, -1) or not isinstance(monomial[0], str):
            continue
        name = monomial[0]
        rest = a - factor * symbol(name)
        if name not in symbols(rest):
            found.append((name, -factor * rest))
    return sorted(found, key=lambda pair: pair[0], reverse=True)


def examples(
    a: Size,
    operator: str,
    names: Sequence[str],
    domain_of: Callable[[str], Domain],
    allowed: Callable[[Example], bool],
    hints: Iterable[tuple[str, int]] = (),
) -> tuple[Example | None, Example | None]:
    """Allowed values of `names` for which `a operator 0` is true, and ones for which it is false, if found."""
    hinted: dict[str, list[int]] = {name: [] for name in names}
    for name, value in hints:
        hinted.setdefault(name, []).append(value)
    if len(names) == 1:  # the hints are exact there, and mostly all that is needed
        true, false = _first(a, operator, names, [(value,) for value in hinted[names[0]]], allowed)
        if true is not None and false is not None:
            return true, false
    many = max(3, round(_TRIES ** (1 / len(names))) - 6)
    choices = [list(dict.fromkeys(hinted[name] + _candidates(domain_of(name), many))) for name in names]
    rows = list(islice(all_combinations(*choices), 4 * _TRIES))
    true, false = _first(a, operator, names, rows, allowed)
    if true is not None and false is not None:
        return true, false
    if operator != ">=" and (true is None if operator == "==" else false is None):
        solution = _solution(a, names, choices, domain_of, allowed)
        return (solution, false) if operator == "==" else (true, solution)
    return true, false


def _first(
    a: Size,
    operator: str,
    names: Sequence[str],
    rows: Sequence[tuple[int, ...]],
    allowed: Callable[[Example], bool],
) -> tuple[Example | None, Example | None]:
    """The first allowed row for which `a operator 0` is true, and the first for which it is false."""
    true = false = None
    for start in range(0, len(rows), _TOGETHER):
        part = rows[start : start + _TOGETHER]
        columns = {name: [row[index] for row in part] for index, name in enumerate(names)}
        for row, value in zip(part, evaluate_along(a, columns, len(part)), strict=True):
            holds = against_zero(value, operator)
            if (true if holds else false) is None:
                example = dict(zip(names, row, strict=True))
                if not allowed(example):
                    continue
                if holds:
                    true = example
                else:
                    false = example
                if true is not None and false is not None:
                    return true, false
    return true, false


def _candidates(domain: Domain, count: int) -> list[int]:
    """The first values of the domain, and some large ones."""
    values = list(islice(domain.values(), count))
    for power in (100, 10_000, 1_000_000):
        above = domain.between(power, None)
        if not above.empty:
            values.append(above.least())
    return values


def _solution(
    a: Size,
    names: Sequence[str],
    choices: Sequence[Sequence[int]],
    domain_of: Callable[[str], Domain],
    allowed: Callable[[Example], bool],
) -> Example | None:
    """Allowed values for which `a` is zero, by solving for one symbol."""
    for name, value in isolated(a):
        others = [index for index, other in enumerate(names) if other != name]
        for row in islice(all_combinations(*(choices[index] for index in others)), _TRIES):
            example = {names[index]: number for index, number in zip(others, row, strict=True)}
            example[name] = evaluate(value, example)
            if example[name] in domain_of(name) and allowed(example):
                return example
    return None
