"""What changed between two networks: regions aligned part by part, each pair of regions compared once.

``mirrored`` of what leads from A to B is what leads from B to A.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from archdsl.alignment import EQUAL, align
from archdsl.analysis.contents import Contents
from archdsl.analysis.figures import Figures
from archdsl.analysis.summary import Summary
from archdsl.analysis.uses import Held, Part
from archdsl.network.types import Network, Region

What = Literal["added", "removed", "changed", "moved", "follows"]

_MUCH = 45  # alike enough to be the same part at another place
_LAST = 1 << 60  # the gap behind all others
_MOST = 100  # parts that are looked for elsewhere

_ROLES = frozenset(
    ("activation", "normalisation", "regularisation", "convolution", "recurrence", "pool", "position", "loss")
)


@dataclass(frozen=True)
class Detail:
    """One thing that differs: an argument by its name, or ``path``, ``times``, ``operator``, ``wiring``, ``shape``."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, eq=False)
class Change:
    """One part that differs. ``inside`` is what differs in it: the same object wherever the same regions meet.

    ``follows``: nothing but what other changes bring with them, the sizes that reach it or the number of its round.
    ``moved``: the same part, or nearly, at another place of its block.
    """

    what: What
    before: Part | None
    after: Part | None
    details: tuple[Detail, ...]
    inside: Inside | None = None
    gap: int = (
        0  # between which pairs: what is removed and what is added in one place has no order of its own
    )

    @property
    def part(self) -> Part:
        found = self.after or self.before
        assert found is not None
        return found


@dataclass(frozen=True, eq=False)
class Inside:
    """The changes in one pair of regions, and how many of their parts are the same."""

    changes: tuple[Change, ...]
    same: int

    @property
    def only_follows(self) -> bool:
        return all(item.what == "follows" for item in self.changes)


@dataclass(frozen=True, eq=False)
class Difference:
    """Two models side by side: names, figures, inputs and outputs, and what changed in their structure.

    ``sizes`` are those at which each was measured.
    """

    names: tuple[str, str]
    sizes: tuple[Mapping[str, int], Mapping[str, int]]
    figures: Mapping[str, tuple[int, int]]
    signature: tuple[Detail, ...]
    inside: Inside

    def __bool__(self) -> bool:
        """Whether anything differs; what the models are called does not count."""
        changed = any(a != b for a, b in self.figures.values())
        return changed or bool(self.signature) or bool(self.inside.changes)

    def __str__(self) -> str:
        from archdsl.analysis.difference_report import render_text

        return render_text(self)


def difference(before: Summary, after: Summary) -> Difference:
    """What leads from one model to the other."""
    contents = Contents(before.sizes), Contents(after.sizes)
    compare = _Comparison(*contents)
    old, new = before.network, after.network
    inside = compare.regions(old.inference, new.inference)
    if inside.only_follows and not (old.training is old.inference and new.training is new.inference):
        training = compare.regions(old.training, new.training)
        inside = inside if not training.changes else training
    first, second = Figures(before), Figures(after)
    return Difference(
        names=(old.name, new.name),
        sizes=(before.sizes, after.sizes),
        figures={name: (first[name], second[name]) for name in first},
        signature=tuple(_signature(old, new)),
        inside=inside,
    )


def _signature(before: Network, after: Network) -> Iterator[Detail]:
    """Inputs and outputs by name, with their types."""
    for kind, old, new in (
        ("input", _inputs(before), _inputs(after)),
        ("output", _outputs(before.inference), _outputs(after.inference)),
        ("output in training", _outputs(before.training), _outputs(after.training)),
    ):
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name) and not (
                kind == "output in training" and _said(before, after, name)
            ):
                yield Detail(f"{kind} {name}", old.get(name, ""), new.get(name, ""))


def _inputs(network: Network) -> Mapping[str, str]:
    return {item.name: str(item.type) for item in network.inputs}


def _outputs(region: Region) -> Mapping[str, str]:
    return {n: str(v.type) for n, v in zip(region.output_names, region.outputs, strict=True)}


def _said(before: Network, after: Network, name: str) -> bool:
    """Whether an output differs in inference already."""
    return _outputs(before.inference).get(name) != _outputs(after.inference).get(name)


class _Comparison:
    def __init__(self, before: Contents, after: Contents) -> None:
        self.before, self.after = before, after
        self._known: dict[tuple[Region, Region], Inside] = {}

    def regions(self, before: Region, after: Region) -> Inside:
        """What differs between two regions."""
        pair = before, after
        if pair not in self._known:
            self._known[pair] = self._compare(before, after)
        return self._known[pair]

    def _compare(self, before: Region, after: Region) -> Inside:
        old, new = self.before.parts(before), self.after.parts(after)
        pairs = align(old, new, _alike, _key)
        elsewhere = _elsewhere(pairs)
        lost = {id(item) for pair in elsewhere for item in pair}
        changes: list[Change] = []
        same = gap = 0
        for left, right in pairs:
            if id(left or right) in lost:
                continue
            change = self._pair(left, right)
            gap += left is not None and right is not None
            same += change is None
            changes += [replace(change, gap=gap)] if change is not None else []
        changes += [self._moved(left, right) for left, right in elsewhere]
        wired = self.before.digests(before)[1] != self.after.digests(after)[1]
        if wired and all(change.what == "follows" for change in changes) and old and new:
            # Every part has its like, and yet the whole differs: what feeds what.
            whole = Part(
                "block", "", before.name, before.name, "block", (), "1", None, (), 0, 0, "", "", "", "", False
            )
            other = replace(whole, name=after.name)
            changes.append(Change("changed", whole, other, (Detail("wiring", "", ""),), None, _LAST))
        return Inside(tuple(changes), same)

    def _moved(self, left: Held, right: Held) -> Change:
        found = self._pair(left, right)
        if found is None:
            return Change("moved", left.part, right.part, (), None, _LAST)
        return Change("moved", left.part, right.part, found.details, found.inside, _LAST)

    def _pair(self, left: Held | None, right: Held | None) -> Change | None:
        if left is None or right is None:
            what: What = "added" if left is None else "removed"
            return Change(what, left.part if left else None, right.part if right else None, ())
        before, after = left.part, right.part
        details = tuple(_details(before, after))
        shapes = tuple(_follows(before, after))
        if before.digest == after.digest and not details and not shapes:
            return None
        inside = None
        if left.region is not None and right.region is not None and before.digest != after.digest:
            inside = self.regions(left.region, right.region)
        if not details and (inside is None or inside.only_follows):
            return Change("follows", before, after, shapes, inside) if shapes or inside else None
        return Change("changed", before, after, (*details, *shapes), inside)


def _details(before: Part, after: Part) -> Iterator[Detail]:
    """What a reader would call a change: not what only follows from other sizes."""
    if before.label != after.label:
        yield Detail("path", before.label, after.label)
    if before.name != after.name:
        if before.kind == "operator":
            yield Detail("operator", before.caption, after.caption)
        else:
            yield Detail(before.kind, before.name, after.name)
    if before.times != after.times:
        yield Detail("times", before.times, after.times)
    if before.name == after.name:
        old, new = dict(before.arguments), dict(after.arguments)
        for name in old if list(old) == list(new) else sorted({*old, *new}):
            if old.get(name) != new.get(name):
                yield Detail(name, old.get(name, ""), new.get(name, ""))
    if before.late != after.late:
        yield Detail("rates", before.late, after.late)
    if before.frozen != after.frozen:
        yield Detail("frozen", str(before.frozen).lower(), str(after.frozen).lower())


def _follows(before: Part, after: Part) -> Iterator[Detail]:
    if before.shapes != after.shapes:
        yield Detail("shape", " ".join(before.shapes), " ".join(after.shapes))
    elif before.params != after.params and before.kind == "operator":
        yield Detail("weights", str(before.params), str(after.params))
    if before.first != after.first and before.times == after.times:
        yield Detail("first", str(before.first), str(after.first))


def _key(held: Held) -> str:
    part = held.part
    return f"{part.digest} {part.label} {part.times} {part.first} {part.late} {part.name} {part.frozen}"


def _alike(left: Held, right: Held) -> int:
    """How much two parts are alike, for the alignment; by what a reader would recognise them."""
    before, after = left.part, right.part
    if before.kind != after.kind:
        return 0
    named = before.label == after.label
    if before.digest == after.digest:
        return EQUAL if named and before.times == after.times else 92
    if before.form == after.form:
        return 88 if named else 80
    if before.name == after.name:
        return 60 + 12 * named + 4 * (before.arguments == after.arguments)
    if before.kind == "operator":
        return 30 + 10 * named if before.role == after.role and before.role in _ROLES else 0
    if before.kind != "block":
        return 0
    return max(40 * (named and bool(before.label)), _likeness(left.profile, right.profile))


def _likeness(left: Mapping[str, int], right: Mapping[str, int]) -> int:
    """For blocks of other names: how much of what they hold is the same; 0 where it is less than half."""
    common = sum(min(count, right.get(name, 0)) for name, count in left.items())
    every = sum(left.values()) + sum(right.values()) - common
    return 20 + 35 * common // every if every and 2 * common >= every else 0


def _elsewhere(pairs: Sequence[tuple[Held | None, Held | None]]) -> list[tuple[Held, Held]]:
    """What one side lost and the other has, the same or much alike, at another place: weights and blocks only."""
    lost = [left for left, right in pairs if right is None and left is not None and _matters(left)][:_MOST]
    gained = [right for left, right in pairs if left is None and right is not None and _matters(right)][
        :_MOST
    ]
    ways = [(_alike(a, b), a, b) for a in lost for b in gained]
    ways = [way for way in ways if way[0] >= _MUCH]
    ways.sort(key=lambda way: (-way[0], sorted((_key(way[1]), _key(way[2])))))
    used: set[int] = set()
    found: list[tuple[Held, Held]] = []
    for _, left, right in ways:
        if id(left) not in used and id(right) not in used:
            used |= {id(left), id(right)}
            found.append((left, right))
    return found


def _matters(held: Held) -> bool:
    return bool(held.part.params) and held.part.kind != "use"
