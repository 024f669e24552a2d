"""Which parameters of a model a generated class can really take: found by elaborating it with others and comparing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from archdsl.network.types import Network

# Elaborates the model with these parameters set; None where that is refused.
Elaborate = Callable[[Mapping[str, Any]], Network | None]

WANTED = 2


def variants(network: Network, elaborate: Elaborate) -> dict[str, tuple[Network, ...]]:
    """For each number among the parameters, the model with two other values of it, where both are accepted."""
    found: dict[str, tuple[Network, ...]] = {}
    for name, value in network.parameters.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        made: list[Network] = []
        for other in _others(value):
            one = elaborate({name: other})
            if one is not None and one.parameters.get(name) == other:
                made.append(one)
            if len(made) == WANTED:
                found[name] = tuple(made)
                break
    return found


def _others(value: int | float) -> Iterator[int | float]:
    if isinstance(value, float):
        yield from (v for v in dict.fromkeys((value / 2, value * 0.75, 0.25, 0.125)) if v != value)
        return
    for other in dict.fromkeys(
        (2 * value, 3 * value, value + 1, value // 2, value + 8, value + 2, 4 * value)
    ):
        if other > 0 and other != value:
            yield other
