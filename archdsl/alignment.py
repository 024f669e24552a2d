"""Two sequences side by side: which things of one are which of the other, in order; the same answer from either side.

Needleman and Wunsch's alignment: pairs add up how alike they are, what is left alone adds nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

T = TypeVar("T")

EQUAL = 100
"""How alike two things are that are the same; nothing is more."""
_MOST_CELLS = 250_000


def align(
    left: Sequence[T], right: Sequence[T], alike: Callable[[T, T], int], key: Callable[[T], str]
) -> list[tuple[T | None, T | None]]:
    """Pairs in order; one side is None for what the other alone has, those of ``left`` first where both have some.

    ``alike`` is symmetric, 0 for things that are never a pair. ``key`` is a text that equal things share: by it a
    tie is decided, so that the pairs do not depend on which side is called left.
    """
    keys_left, keys_right = [key(item) for item in left], [key(item) for item in right]
    if keys_left > keys_right:
        turned = _pairs(right, left, keys_right, keys_left, alike)
        pairs = [(j, i) for i, j in turned]
    else:
        pairs = _pairs(left, right, keys_left, keys_right, alike)
    found: list[tuple[T | None, T | None]] = []
    at_left = at_right = 0
    for i, j in [*pairs, (len(left), len(right))]:
        found += [(item, None) for item in left[at_left:i]]
        found += [(None, item) for item in right[at_right:j]]
        if i < len(left):
            found.append((left[i], right[j]))
        at_left, at_right = i + 1, j + 1
    return found


def _pairs(
    left: Sequence[T],
    right: Sequence[T],
    keys_left: Sequence[str],
    keys_right: Sequence[str],
    alike: Callable[[T, T], int],
) -> list[tuple[int, int]]:
    start = 0
    while start < min(len(left), len(right)) and keys_left[start] == keys_right[start]:
        start += 1
    ends = 0
    while ends < min(len(left), len(right)) - start and keys_left[-1 - ends] == keys_right[-1 - ends]:
        ends += 1
    rows, columns = len(left) - start - ends, len(right) - start - ends
    if rows * columns <= _MOST_CELLS:
        inner = _table(left[start : start + rows], right[start : start + columns], alike)
    else:
        matcher = SequenceMatcher(
            None, keys_left[start : start + rows], keys_right[start : start + columns], autojunk=False
        )
        inner = [(m.a + k, m.b + k) for m in matcher.get_matching_blocks() for k in range(m.size)]
    middle = [(start + i, start + j) for i, j in inner]
    last = [(len(left) - k, len(right) - k) for k in range(ends, 0, -1)]
    return [*((i, i) for i in range(start)), *middle, *last]


def _table(left: Sequence[T], right: Sequence[T], alike: Callable[[T, T], int]) -> list[tuple[int, int]]:
    scores = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    likeness = [[alike(a, b) for b in right] for a in left]
    for i in range(len(left) - 1, -1, -1):
        for j in range(len(right) - 1, -1, -1):
            best = max(scores[i + 1][j], scores[i][j + 1])
            if likeness[i][j]:
                best = max(best, likeness[i][j] + scores[i + 1][j + 1])
            scores[i][j] = best
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        if likeness[i][j] and scores[i][j] == likeness[i][j] + scores[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif scores[i][j] == scores[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs
