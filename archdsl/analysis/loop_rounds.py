"""Memory of a loop: rounds are followed until one starts like an earlier one, and what lies between is multiplied."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archdsl.analysis.storages import Held
from archdsl.network.types import CallNode

if TYPE_CHECKING:
    from archdsl.analysis.memory_walk import Frame

_MOST = 64
"""So many rounds are followed one by one; by then even odd ways of handing things on have come round."""


@dataclass(frozen=True)
class Round:
    """What one round gave, and the most that was there of what it made."""

    results: tuple[Held, ...]
    peak: int


def follow(
    node: CallNode,
    count: int,
    given: Sequence[Held],
    frame: Frame,
    run: Callable[[Sequence[Held]], Round],
    dying: int,
) -> tuple[tuple[Held, ...], int]:
    """The outputs of the last round, and the peak beside what was there before.

    ``dying``: bytes of what was handed to the first round and is let go after it.
    """
    before = {id(item.storage) for item in given}
    inputs = [_step(item) if i in node.scanned else item for i, item in enumerate(given)]
    seen: dict[tuple[object, ...], tuple[int, int]] = {}
    peak, k, stacked, found = 0, 0, 0, Round((), 0)
    jumped = False
    while k < count:
        key = _state(inputs, before)
        if not jumped and (key in seen or k >= _MOST):
            start, kept = seen.get(key, (k - 1, frame.kept))
            periods = (count - k) // (k - start)
            frame.kept += periods * (frame.kept - kept)
            k += periods * (k - start)
            jumped = True
            if k >= count:
                break
        seen.setdefault(key, (k, frame.kept))
        carried = sum(
            s.bytes for s in {i.storage for i in inputs} if id(s) not in before and s.source == "own"
        )
        found = run(inputs)
        peak = max(peak, found.peak + carried + stacked * k - (dying if k else 0))
        stacked = sum(found.results[j].storage.bytes for j in node.stacked)
        for j, i in node.carry:
            inputs[i] = found.results[j]
        k += 1
    if node.stacked:
        peak = max(peak, 2 * stacked * count)
    return found.results, peak


def _state(inputs: Sequence[Held], before: set[int]) -> tuple[object, ...]:
    """All that decides what a round does: how its inputs lie, what they ask for, what they share, what is kept."""
    numbers: dict[int, int] = {}
    state: list[object] = []
    for item in inputs:
        storage = item.storage
        place: object = (
            id(storage) if id(storage) in before else numbers.setdefault(id(storage), len(numbers))
        )
        state.append((place, id(storage) in before, storage.kept, storage.bytes, item.strides, item.wanted))
    return tuple(state)


def _step(item: Held) -> Held:
    """One step of what is scanned: a look at dim 1."""
    return Held(item.storage, (item.strides[0], *item.strides[2:]), item.wanted)
