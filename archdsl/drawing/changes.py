"""Two pictures as one: what both have stands once, what one of them has is marked, by colour and by a sign.

Frames and boxes are aligned frame by frame, in the order of the program. A box that both have and that says something
else now says what it said; an arrow of the old picture is kept where one of its ends is gone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from archdsl.alignment import EQUAL, align
from archdsl.drawing.picture import Box, Cluster, Edge, Picture

SIGNS = {"added": "+ ", "removed": "− ", "changed": "~ ", "same": ""}
_LONGEST_NAME = 60
_LONGEST_LINE = 30
_DOT = " · "


@dataclass(frozen=True)
class _Item:
    """A box or a frame, with the words by which it is recognised."""

    thing: Box | Cluster
    words: tuple[str, ...]

    @property
    def kind(self) -> str:
        return self.thing.kind if isinstance(self.thing, Box) else "frame"


def picture_of_changes(before: Picture, after: Picture, places: Collection[str] = ()) -> Picture:
    """One picture of what leads from one to the other; boxes have the roles added, removed, changed and same.

    ``places`` are paths of the second at which something changed: a closed block there has changed, whatever it says.
    """
    return merged(before, after, places)[0]


def merged(
    before: Picture, after: Picture, places: Collection[str] = ()
) -> tuple[Picture, Mapping[str, str]]:
    """The one picture, and for each frame that both have, by its path in it, its path in the first."""
    merge = _Merge(before, after, places)
    return merge.picture(), merge.places


class _Merge:
    def __init__(self, before: Picture, after: Picture, changed: Collection[str]) -> None:
        self.before, self.after, self.changed = before, after, frozenset(changed)
        self.boxes: list[Box] = []
        self.clusters: list[Cluster] = []
        self.places: dict[str, str] = {}
        self.ids: dict[tuple[Literal["a", "b"], str], str] = {}

    def picture(self) -> Picture:
        before, after = self.before, self.after
        self._level(_children(before, None), _children(after, None), None)
        edges = tuple(self._edges())
        order = _topological([box.id for box in self.boxes], edges)
        boxes = sorted(self.boxes, key=lambda box: order[box.id])
        present = {box.role for box in boxes if box.kind != "junction"}
        name = f"{before.name} -> {after.name}"
        notes = tuple(dict.fromkeys((*before.notes, *after.notes)))
        return Picture(
            name[:_LONGEST_NAME], "", tuple(boxes), tuple(self.clusters), edges, tuple(sorted(present)), notes
        )

    def _level(self, old: Sequence[_Item], new: Sequence[_Item], parent: str | None) -> None:
        for left, right in align(old, new, _alike, _key):
            if left is None and right is not None:
                self._only(right, "b", parent)
            elif right is None and left is not None:
                self._only(left, "a", parent)
            elif left is not None and right is not None:
                self._both(left, right, parent)

    def _only(self, item: _Item, side: Literal["a", "b"], parent: str | None) -> None:
        """What one picture alone has, with all that is in it."""
        what = "removed" if side == "a" else "added"
        picture = self.before if side == "a" else self.after
        if isinstance(item.thing, Box):
            self._box(replace(item.thing, cluster=parent), what, {side: item.thing.id})
            return
        name = self._frame(replace(item.thing, title=SIGNS[what] + item.thing.title, parent=parent))
        for inner in _children(picture, item.thing.id):
            self._only(inner, side, name)

    def _both(self, left: _Item, right: _Item, parent: str | None) -> None:
        old, new = left.thing, right.thing
        if isinstance(old, Box) and isinstance(new, Box):
            same = (old.title, old.lines) == (new.title, new.lines)
            made = replace(new, cluster=parent)
            if not same:
                made = replace(
                    made, title=briefly(old.title, new.title), lines=_lines(new.kind, old.lines, new.lines)
                )
            inside = bool(new.title) and new.path in self.changed
            self._box(made, "same" if same and not inside else "changed", {"a": old.id, "b": new.id})
        elif isinstance(old, Cluster) and isinstance(new, Cluster):
            self.places[new.path or new.place] = old.path or old.place
            title, detail = briefly(old.title, new.title), briefly(old.detail, new.detail)
            sign = "" if (title, detail) == (new.title, new.detail) else SIGNS["changed"]
            name = self._frame(replace(new, title=sign + title, detail=detail, parent=parent))
            self._level(_children(self.before, old.id), _children(self.after, new.id), name)

    def _frame(self, frame: Cluster) -> str:
        name = f"cluster{len(self.clusters)}"
        self.clusters.append(replace(frame, id=name))
        return name

    def _box(self, box: Box, what: str, ids: Mapping[Literal["a", "b"], str]) -> None:
        name = f"n{len(self.boxes)}"
        for side, known in ids.items():
            self.ids[side, known] = name
        if box.kind == "junction":
            self.boxes.append(replace(box, id=name))
            return
        sign = SIGNS[what] if box.kind != "symbol" else ""
        title, lines = box.title, box.lines
        if title:
            title = sign + title
        elif lines:
            lines = (sign + lines[0], *lines[1:])
        self.boxes.append(replace(box, id=name, title=title, lines=lines, role=what))

    def _edges(self) -> Iterator[Edge]:
        """The new picture's arrows, and those of the old one that lead to or from what is gone."""
        ends: set[tuple[str, str]] = set()
        after: dict[str, set[str]] = {}
        for edge in self.after.edges:
            source, target = self.ids["b", edge.source], self.ids["b", edge.target]
            ends.add((source, target))
            after.setdefault(source, set()).add(target)
            yield replace(edge, source=source, target=target)
        gone = {box.id for box in self.boxes if box.role == "removed"}
        gone |= {self.ids["a", box.id] for box in self.before.boxes} - {
            self.ids["b", box.id] for box in self.after.boxes
        }
        for edge in self.before.edges:
            source, target = self.ids["a", edge.source], self.ids["a", edge.target]
            if (source, target) in ends or not {source, target} & gone or _reaches(after, target, source):
                continue
            ends.add((source, target))
            after.setdefault(source, set()).add(target)
            yield replace(edge, source=source, target=target)


def _children(picture: Picture, frame: str | None) -> list[_Item]:
    """What stands in a frame, in the order of the program: a frame where its first box is."""
    inside: dict[
        str, str
    ] = {}  # each frame, by the one of its ancestors (or itself) that stands in ``frame``
    for cluster in picture.clusters:
        if cluster.parent == frame:
            inside[cluster.id] = cluster.id
        elif cluster.parent in inside:
            inside[cluster.id] = inside[cluster.parent]
    frames = {cluster.id: cluster for cluster in picture.clusters}
    found: dict[str, _Item] = {}
    words: dict[str, list[str]] = {}
    for box in picture.boxes:
        if box.cluster == frame:
            found[box.id] = _Item(box, (box.title, *box.lines))
        elif box.cluster in inside:
            top = inside[box.cluster]
            words.setdefault(top, []).append(" ".join((box.title, *box.lines)))
            found.setdefault(top, _Item(frames[top], ()))
    return [
        replace(item, words=tuple(words[name])) if isinstance(item.thing, Cluster) else item
        for name, item in found.items()
    ]


def _key(item: _Item) -> str:
    head = item.thing.title if isinstance(item.thing, Cluster) else ""
    return "\n".join((item.kind, head, *item.words))


def _alike(left: _Item, right: _Item) -> int:
    """How much two boxes, or two frames, are alike; by what stands in them."""
    if left.kind != right.kind and {left.kind, right.kind} != {"operators", "block"}:
        return 0
    if _key(left) == _key(right):
        return EQUAL
    old, new = left.thing, right.thing
    named = _word(old.title) == _word(new.title) and bool(old.title)
    if left.kind in ("output", "junction"):
        return 60
    if left.kind == "input":  # of the same name, or of the same type
        return 60 * any(a == b for a, b in zip(left.words, right.words, strict=False) if a)
    common = len(_heads(left) & _heads(right))
    every = len(_heads(left) | _heads(right))
    share = 40 * common // every if every else 0
    if left.kind == "frame":
        return 50 * named + share if named or share >= 24 else 0
    return 30 * named + share + 10 * (old.path == new.path and bool(old.path)) if named or share >= 20 else 0


def _heads(item: _Item) -> frozenset[str]:
    """The first word of each line: what operator it is, without its numbers."""
    return frozenset(_word(text) for text in item.words if text)


def _word(text: str) -> str:
    return re.split(r"[\s×]", text.strip(), maxsplit=1)[0]


def _lines(kind: str, old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    """What a box says and said: by what stands between its dots, with a sign before what is new or gone."""
    if kind in ("input", "output") and len(old) == len(new):
        return tuple(briefly(a, b) for a, b in zip(old, new, strict=True))
    found: list[str] = []
    kept = False  # whether the last line holds unchanged parts only, and one more may join it
    first = [part for line in old for part in line.split(_DOT)]
    second = [part for line in new for part in line.split(_DOT)]
    for left, right in align(first, second, _same_line, str):
        if left == right and right is not None and kept and len(found[-1]) + len(right) < _LONGEST_LINE:
            found[-1] += f"{_DOT}{right}"
            continue
        kept = left == right
        if left is None and right is not None:
            found.append(f"{SIGNS['added']}{right}")
        elif right is None and left is not None:
            found.append(f"{SIGNS['removed']}{left}")
        elif left is not None and right is not None:
            found.append(briefly(left, right))
    return tuple(found)


def _same_line(left: str, right: str) -> int:
    return EQUAL if left == right else 60 if _word(left) == _word(right) else 0


def briefly(old: str, new: str) -> str:
    """``linear 768 -> 1024``, ``heads=12 -> 16, mask=causal``: what both say once."""
    if old == new or not old:
        return new
    left, right = old.split(", "), new.split(", ")
    if len(left) != len(right) or old.startswith("[") or "(" in old + new:
        return f"{old} -> {new or 'nothing'}"
    return ", ".join(_part(a, b) for a, b in zip(left, right, strict=True))


def _part(old: str, new: str) -> str:
    if old == new:
        return new
    left, right = re.split(r"(?<=[\s=])", old), re.split(r"(?<=[\s=])", new)
    common = 0
    while common < min(len(left), len(right)) - 1 and left[common] == right[common]:
        common += 1
    return f"{old} -> {''.join(right[common:])}"


def _reaches(after: Mapping[str, set[str]], source: str, target: str) -> bool:
    waiting, seen = [source], {source}
    while waiting:
        at = waiting.pop()
        if at == target:
            return True
        more = after.get(at, set()) - seen
        seen |= more
        waiting += more
    return False


def _topological(names: Sequence[str], edges: Sequence[Edge]) -> Mapping[str, int]:
    """A place for each box behind all that lead to it, else in the order in which they came."""
    before: dict[str, list[str]] = {}
    for edge in edges:
        before.setdefault(edge.target, []).append(edge.source)
    order: dict[str, int] = {}
    for name in names:
        waiting = [(name, False)]
        while waiting:
            at, ready = waiting.pop()
            if at in order:
                continue
            if ready:
                order[at] = len(order)
                continue
            waiting.append((at, True))
            waiting += [(source, False) for source in before.get(at, ()) if source not in order]
    return order
