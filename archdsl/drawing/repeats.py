"""Equal blocks written one after the other become one, ``×n``, where nothing but the next reads what each gives.

DETR's decoder layers are written one by one because in training each of them answers; at inference only the last one
does, and six equal boxes say no more than one.
"""

from __future__ import annotations

import re
from dataclasses import replace

from archdsl.dims import Dim
from archdsl.drawing.captions import Title
from archdsl.drawing.merging import Group, Merged
from archdsl.tensors import TensorType

_ROUND = re.compile(r"(.*?[. ])(\d+)(?:–(\d+))?")


def fold_repeats(merged: Merged) -> None:
    """Fold what is alike, in the order of the program; the first of its kind stays, open or closed as it is."""
    counts: dict[int, int] = {}  # how many a group (or, below 0, a frame) stands for by now
    for home in sorted(merged.groups):
        group = merged.groups.get(home)
        if group is None or group.kind != "block" or group.title is None or group.title.count:
            continue
        readers = _readers(merged)
        sources = dict.fromkeys(merged.home[wire.atom] for wire in group.sources)
        for source in sources:
            others = set(sources) - {source}
            if readers[source] != {home} or any(w.note for w in group.sources):
                continue
            before = merged.groups[source]
            frame = _frame_beside(merged, before.frame, group.frame)
            if frame is None and before.frame == group.frame:
                if _alike(before, group) and _fed_alike(before, others, merged):
                    count = counts[source] = counts.get(source, 1) + 1
                    assert before.title is not None
                    label = _through(before.title.label, group.title.label) if group.title.scattered else None
                    before.title = replace(before.title, count=f"×{count}", label=label or before.title.label)
                    _drop(merged, home, source)
                    break
            elif frame is not None and _opened(merged, frame, group, source, others, readers):
                count = counts[-1 - frame] = counts.get(-1 - frame, 1) + 1
                known = merged.frames[frame]
                merged.frames[frame] = replace(known, title=replace(known.title, count=f"×{count}"))
                _drop(merged, home, source)
                break
    for at, count in counts.items():
        for home, group in merged.groups.items():
            if home == at or (at < 0 and _within(merged, group.frame, -1 - at)):
                group.times *= count


def _readers(merged: Merged) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {home: set() for home in merged.groups}
    for home, group in merged.groups.items():
        for wire in group.sources:
            found[merged.home[wire.atom]].add(home)
    return found


def _alike(before: Group, group: Group) -> bool:
    if before.kind != "block" or before.title is None or group.title is None:
        return False
    rounds = before.title.scattered and group.title.scattered and not group.title.name
    return (
        (_rounds_alike(before, group) if rounds else _same(before.title, group.title))
        and before.atoms[0].form == group.atoms[0].form
        and before.figures == group.figures
        and _shape(before.atoms[0].taken) == _shape(group.atoms[0].taken)
        and before.atoms[-1].given == group.atoms[-1].given
    )


def _shape(type_: TensorType | None) -> tuple[Dim, ...] | None:
    """What is read has to have equal sizes; where its features are may be known of one and not of the other."""
    return None if type_ is None else type_.shape


def _same(one: Title, other: Title) -> bool:
    """Whether two titles name the same block with the same arguments; the place may differ."""
    return bool(one.name) and (one.name, one.arguments) == (other.name, other.arguments)


def _rounds_alike(before: Group, group: Group) -> bool:
    """Rounds have no arguments that would tell them apart, so their figures have to."""
    assert before.title is not None
    assert group.title is not None
    one, other = _ROUND.fullmatch(before.title.label), _ROUND.fullmatch(group.title.label)
    return one is not None and other is not None and one[1] == other[1] and bool(group.figures)


def _through(first: str, last: str) -> str | None:
    """``decoder.0`` to ``decoder.5`` as ``decoder.0–5``."""
    one, other = _ROUND.fullmatch(first), _ROUND.fullmatch(last)
    return f"{one[1]}{one[2]}–{other[3] or other[2]}" if one and other else None


def _fed_alike(before: Group, others: set[int], merged: Merged) -> bool:
    """Whether ``before`` reads those values too, and one of its own besides."""
    fed = {merged.home[wire.atom] for wire in before.sources}
    return others <= fed and len(fed - others) <= 1


def _frame_beside(merged: Merged, frame: int, level: int) -> int | None:
    """The frame in which ``frame`` is (or which it is) that stands directly in ``level``."""
    while frame in merged.frames:
        if merged.frames[frame].parent == level:
            return frame
        frame = merged.frames[frame].parent
    return None


def _opened(
    merged: Merged, frame: int, group: Group, source: int, others: set[int], readers: dict[int, set[int]]
) -> bool:
    """Whether ``frame`` is the same block as ``group``, open, with one way out and the same values coming in."""
    known = merged.frames[frame]
    assert group.title is not None
    repeated = known.title.count and not known.title.count.removeprefix("×").isdigit()
    if repeated or not _same(known.title, group.title) or known.figures != group.figures:
        return False
    inside = {home for home, g in merged.groups.items() if _within(merged, g.frame, frame)}
    fed = {merged.home[w.atom] for home in inside for w in merged.groups[home].sources} - inside
    leaving = {home for home in inside if readers[home] - inside}
    given = merged.groups[source].atoms[-1].given
    wires = [w for home in inside for w in merged.groups[home].sources]
    entering = {_shape(w.type) for w in wires if merged.home[w.atom] in fed - others}
    taken = {_shape(w.type) for w in group.sources if merged.home[w.atom] == source}
    if not entering <= taken:
        return False
    return others <= fed and len(fed - others) <= 1 and leaving == {source} and given == group.atoms[-1].given


def _within(merged: Merged, frame: int, outer: int) -> bool:
    while frame in merged.frames:
        if frame == outer:
            return True
        frame = merged.frames[frame].parent
    return False


def _drop(merged: Merged, home: int, into: int) -> None:
    del merged.groups[home]
    for atom, at in merged.home.items():
        if at == home:
            merged.home[atom] = into
