"""What a solved einops pattern is in torch: the fewest of squeeze, unflatten, flatten, transpose, expand that do it.

Sizes that follow from the shape are written as -1, so that the steps serve any size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from archdsl.dims import Dim, product
from archdsl.ops.axes import one_or_all
from archdsl.ops.base import Fn, Lowered, Slot
from archdsl.ops.patterns import Solved

Run = tuple[str, ...]  # axes that travel together
Reducer = Callable[[Lowered, int, tuple[int, ...], bool], Lowered]  # expression, rank, dims, keep


def steps(solved: Solved, reducer: Reducer | None = None) -> Lowered:
    """The expression on ``Slot(0)``."""
    left, right, lone = _paired_ones(solved)
    out: Lowered = Slot(0)
    if lone:
        out = Fn(".squeeze", (out, one_or_all(lone)))
    kept = {axis for dim in right for axis in dim}
    runs = _runs(left, right, kept)
    out = _split(out, left, runs, solved)
    out = _merge(out, _lengths([piece for dim in left for piece in _pieces(dim, runs)], runs))

    reduced = [i for i, run in enumerate(runs) if run[0] not in kept]
    current = [run for run in runs if run[0] in kept]
    if reduced:
        assert reducer is not None
        new_ones = [i for i, dim in enumerate(right) if len(dim) == 1 and dim[0].startswith("+")]
        keep = len(new_ones) == len(reduced)
        out = reducer(out, len(runs), tuple(reduced), keep)
        if keep:  # the dims that stay, with size 1, are those ones
            current = list(runs)
            for i, place in zip(reduced, new_ones, strict=True):
                current[i] = right[place]
    start = {run[0]: run for run in current}
    wanted = [[start.get(axis, (axis,)) for axis in _firsts(dim, current)] for dim in right]
    flat = [run for dim in wanted for run in dim]
    order = [current.index(run) for run in flat if run in current]
    out = _permuted(out, order)
    out = _new_axes(out, flat, current, solved)
    return _merge(out, [len(dim) for dim in wanted])


def _paired_ones(solved: Solved) -> tuple[list[Run], list[Run], list[int]]:
    """Dims of size 1 as axes ``1+0``..., the k-th of the left being the k-th of the right; and the dims to squeeze.

    What the right side has more of is named ``+0``...
    """
    lefts = [i for i, dim in enumerate(solved.left) if not dim]
    rights = [i for i, dim in enumerate(solved.right) if not dim]
    left, right = list(solved.left), list(solved.right)
    both = min(len(lefts), len(rights))
    for k, (i, j) in enumerate(zip(lefts, rights, strict=False)):
        left[i] = right[j] = (f"1+{k}",)
    for k, j in enumerate(rights[both:]):
        right[j] = (f"+{k}",)
    lone = lefts[both:]
    return [dim for i, dim in enumerate(left) if i not in lone], right, lone


def _runs(left: Sequence[Run], right: Sequence[Run], kept: set[str]) -> list[Run]:
    """The axes of the left side in order, joined where they stay neighbours inside one dim of the right side."""
    follows = {(a, b) for dim in right for a, b in pairwise(dim)}
    runs: list[list[str]] = []
    for dim in left:
        for place, axis in enumerate(dim):
            before = runs[-1][-1] if runs else None
            reduced_together = place > 0 and axis not in kept and before not in kept
            if before is not None and ((before, axis) in follows or reduced_together):
                runs[-1].append(axis)
            else:
                runs.append([axis])
    return [tuple(run) for run in runs]


def _pieces(dim: Run, runs: Sequence[Run]) -> list[Run]:
    """A dim of the left side, cut where a run begins or ends."""
    home = {axis: i for i, run in enumerate(runs) for axis in run}
    pieces: list[list[str]] = []
    for axis in dim:
        if pieces and home[pieces[-1][-1]] == home[axis]:
            pieces[-1].append(axis)
        else:
            pieces.append([axis])
    return [tuple(piece) for piece in pieces]


def _split(out: Lowered, left: Sequence[Run], runs: Sequence[Run], solved: Solved) -> Lowered:
    """Dims cut into pieces, from the last one, so that the others keep their numbers."""
    for i in reversed(range(len(left))):
        pieces = _pieces(left[i], runs)
        if len(pieces) < 2:
            continue
        sizes = [product(solved.size[axis] for axis in piece) for piece in pieces]
        free = next((k for k, p in enumerate(pieces) if solved.inferred.intersection(p)), None)
        if free is None:
            free = next((k for k, size in enumerate(sizes) if not isinstance(size, int)), None)
        written: list[Dim] = [-1 if k == free else size for k, size in enumerate(sizes)]
        out = Fn(".unflatten", (out, i, tuple(written)))
    return out


def _lengths(pieces: Sequence[Run], runs: Sequence[Run]) -> list[int]:
    """How many pieces each run consists of."""
    lengths, place = [], 0
    for run in runs:
        count, axes = 0, 0
        while axes < len(run):
            axes += len(pieces[place + count])
            count += 1
        lengths.append(count)
        place += count
    return lengths


def _merge(out: Lowered, lengths: Sequence[int]) -> Lowered:
    """Neighbouring dims made one: as many as ``lengths`` says, from the last one."""
    rank = sum(lengths)
    end = rank
    for length in reversed(lengths):
        start = end - length
        if length > 1:
            out = Fn(".flatten", (out, start) if end == rank else (out, start, end - 1))
            rank -= length - 1
        end = start
    return out


def _firsts(dim: Run, current: Sequence[Run]) -> list[str]:
    """The axes of a dim of the right side that begin a run, or are new."""
    inner = {axis for run in current for axis in run[1:]}
    return [axis for axis in dim if axis not in inner]


def _permuted(out: Lowered, order: Sequence[int]) -> Lowered:
    moved = [i for i, place in enumerate(order) if i != place]
    if not moved:
        return out
    if len(moved) == 2:
        return Fn(".transpose", (out, *moved))
    return Fn(".permute", (out, *order))


def _new_axes(out: Lowered, flat: Sequence[Run], current: Sequence[Run], solved: Solved) -> Lowered:
    new = [i for i, run in enumerate(flat) if run not in current]
    for i in new:
        out = Fn(".unsqueeze", (out, i))
    sizes = {i: solved.size[flat[i][0]] for i in new if not flat[i][0].startswith("+")}
    if not any(size != 1 for size in sizes.values()):
        return out
    return Fn(".expand", (out, *(sizes.get(i, -1) for i in range(len(flat)))))
