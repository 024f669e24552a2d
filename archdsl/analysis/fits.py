"""The largest batch that fits into so much memory: a size is raised until the model would take more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from archdsl.analysis.memory import Memory
from archdsl.analysis.sizes import SizesError, declared_sizes, sizes_for
from archdsl.analysis.summary import Mode, summarise
from archdsl.network.types import Network

_LOOKED_AT = 4096
"""So many values of a size are tried for the first that the model allows, and the next after that."""
_LARGEST = 1 << 40


class NoSize(Exception):
    """There is no size to raise, or none that the model allows."""


@dataclass(frozen=True)
class Fit:
    """``value`` of ``size`` takes ``taken`` of ``budget`` bytes, the next one ``over``; None where none fits at all.

    ``over`` is None where the model allows no more; ``least`` is what the smallest allowed value takes.
    """

    size: str
    value: int | None
    budget: int
    taken: int
    over: int | None
    least: int
    first: int
    memory: Memory


def fit(network: Network, at: Mapping[str, int], mode: Mode, budget: int, size: str | None) -> Fit:
    """By bisection: more of a size never takes less memory. Raises NoSize, SizesError."""
    name = _size(network, size, at)
    first, step = _allowed(network, at, name)
    known: dict[int, Memory] = {}

    def memory(k: int) -> Memory:
        if k not in known:
            known[k] = summarise(network, {**at, name: first + k * step}, mode).memory
        return known[k]

    def taken(k: int) -> int:
        return memory(k).training_total if mode.train else memory(k).inference_total

    least = taken(0)
    if least > budget:
        return Fit(name, None, budget, least, None, least, first, memory(0))
    best, over = _largest(
        lambda k: _is_allowed(network, {**at, name: first + k * step}), lambda k: taken(k) <= budget
    )
    return Fit(
        name,
        first + best * step,
        budget,
        taken(best),
        None if over is None else taken(over),
        least,
        first,
        memory(best),
    )


def _largest(allowed: Callable[[int], bool], fits: Callable[[int], bool]) -> tuple[int, int | None]:
    """The largest k that is allowed and fits, and the one after it where it is allowed. 0 does and is."""

    def good(k: int) -> bool:
        return allowed(k) and fits(k)

    low, high = 0, 1
    while good(high) and high < _LARGEST:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if good(middle) else (low, middle)
    return low, low + 1 if allowed(low + 1) else None


def _size(network: Network, asked: str | None, at: Mapping[str, int]) -> str:
    names = declared_sizes(network)
    if not names:
        raise NoSize(f"{network.name} has no size that could be raised: all its inputs' sizes are numbers")
    name = names[0] if asked is None else asked
    if name not in names:
        raise NoSize(f"{network.name} has no size {name}: its sizes are {', '.join(names)}")
    if name in at:
        raise NoSize(f"--at gives {name} already, and --fits looks for it: leave one out")
    if name in dict(network.assumptions.solved):
        raise NoSize(f"{name} of {network.name} follows from its other sizes: choose one of them with --for")
    return name


def _is_allowed(network: Network, at: Mapping[str, int]) -> bool:
    try:
        sizes_for(network, at)
    except SizesError:
        return False
    return True


def _allowed(network: Network, at: Mapping[str, int], name: str) -> tuple[int, int]:
    """The first value that the model allows, and how far it is to the next: 1, or what a division asks for."""
    found: list[int] = []
    for value in range(1, _LOOKED_AT):
        if _is_allowed(network, {**at, name: value}):
            found.append(value)
            if len(found) == 2:
                return found[0], found[1] - found[0]
    if not found:
        sizes_for(network, {**at, name: 1})  # says why not
        raise NoSize(f"no {name} below {_LOOKED_AT} is allowed")
    return found[0], 1
