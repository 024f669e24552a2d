"""From atoms to boxes: what follows one another without a branch stands in one box, and a short block is one box.

``conv -> batch_norm -> relu`` is one box of two lines; a block that is such a chain of up to seven lines is a box with
its title; a frame around nothing but one frame or one box gives it its title and goes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from archdsl.drawing.atoms import Atom, Frame, Walk, Wire
from archdsl.drawing.captions import Title

_ROW_WIDTH = 30
_MOST_ROWS = 7


@dataclass
class Group:
    """Atoms that share a box. ``sources`` are wires from other groups' atoms, in order, without repetition.

    ``times``: so many equal ones are drawn as this one.
    """

    atoms: list[Atom]
    frame: int
    sources: list[Wire]
    title: Title | None = None
    path: tuple[str, ...] = ()
    figures: str = ""
    times: int = 1

    @property
    def kind(self) -> str:
        return self.atoms[0].kind

    @property
    def major(self) -> Atom:
        """The atom that gives the box its colour."""
        return next((a for a in self.atoms if a.kind == "major" and a.role != "source"), self.atoms[0])

    def rows(self) -> list[str]:
        """What the box says: a row per operator of weight, what follows it beside it or below."""
        several = sum(atom.kind == "major" for atom in self.atoms) > 1
        rows: list[str] = []
        light = False  # whether the last row holds minor operators alone
        for atom in self.atoms:
            text = f"{atom.label}: {atom.caption}" if atom.label else atom.caption
            minor = atom.kind == "minor"
            joined = f"{rows[-1]} · {text}" if rows else text
            if minor and rows and (several or light) and len(joined) <= _ROW_WIDTH:
                rows[-1] = joined
            else:
                rows.append(text)
                light = minor
        return [row for row in rows if row]


@dataclass
class Merged:
    """Groups by the atom that opens them, frames that are left, and which group and frame everything went to."""

    groups: dict[int, Group]
    home: dict[int, int]
    frames: dict[int, Frame]


def merge(walk: Walk) -> Merged:
    """Boxes for the atoms of a walk."""
    atoms = walk.atoms
    uses = [0] * len(atoms)
    for atom in atoms:
        for wire in dict.fromkeys(atom.sources):
            uses[wire.atom] += 1
    merged = Merged({}, {}, dict(enumerate(walk.frames)))
    passed: dict[int, Wire] = {}
    for index, atom in enumerate(atoms):
        sources = [_through(wire, passed) for wire in dict.fromkeys(atom.sources)]
        before = _joinable(atom, sources, merged, atoms, uses)
        if before is not None:
            group = merged.groups[before]
            if atom.kind == "symbol":
                group.sources += [wire for wire in sources if merged.home[wire.atom] != before]
                group.atoms[0] = replace(group.atoms[0], given=atom.given)
            else:
                group.atoms.append(atom)
            merged.home[index] = before
        elif atom.passes and sources:
            passed[index] = sources[0]
            uses[sources[0].atom] += uses[index] - 1
        else:
            merged.groups[index] = Group([atom], atom.frame, sources, path=atom.path)
            merged.home[index] = index
            if atom.kind == "block":
                group = merged.groups[index]
                group.title, group.figures, group.atoms = (
                    atom.title,
                    atom.caption,
                    [replace(atom, caption="")],
                )
    _close_frames(merged)
    return merged


def _through(wire: Wire, passed: dict[int, Wire]) -> Wire:
    """The wire past what is not drawn (a dropout alone)."""
    while wire.atom in passed:
        before = passed[wire.atom]
        wire = replace(wire, atom=before.atom, note=wire.note or before.note)
    return wire


def _joinable(
    atom: Atom, sources: list[Wire], merged: Merged, atoms: list[Atom], uses: list[int]
) -> int | None:
    """The group that ``atom`` can join: the one before it, where nothing else reads from there."""
    if atom.kind == "symbol":
        for wire in sources:
            other = atoms[wire.atom]
            alike = (other.kind, other.caption, other.frame) == (atom.kind, atom.caption, atom.frame)
            if alike and uses[wire.atom] == 1 and atom.caption in ("+", "×"):
                return merged.home[wire.atom]
        return None
    if len(sources) != 1 or sources[0].note or atom.kind not in ("minor", "major"):
        return None
    source = sources[0].atom
    home = merged.home[source]
    group = merged.groups[home]
    if group.frame != atom.frame or uses[source] != 1 or group.kind not in ("major", "minor"):
        return None
    if atom.kind == "minor":
        return home
    light = all(a.kind == "minor" for a in group.atoms)
    if light and atom.role == "convolution":  # norm -> relu -> conv, as in pre-activation networks
        return home
    return home if all(a.role == "source" for a in group.atoms) else None


def _close_frames(merged: Merged) -> None:
    """Inner frames first: what holds one thing alone gives it its title, what is a short chain becomes a box."""
    readers: dict[int, set[int]] = {}
    for home, group in merged.groups.items():
        for wire in group.sources:
            readers.setdefault(merged.home[wire.atom], set()).add(home)
    for number in sorted(merged.frames, reverse=True):
        frame = merged.frames[number]
        inside = [home for home, group in merged.groups.items() if group.frame == number]
        frames = [n for n, other in merged.frames.items() if other.parent == number]
        if not inside and not frames:
            del merged.frames[number]
        elif not inside and len(frames) == 1:
            inner = merged.frames[frames[0]]
            if not (frame.title.count and inner.title.count):
                title = frame.title.around(inner.title)
                merged.frames[frames[0]] = Frame(
                    title, frame.parent, frame.path, inner.span, frame.figures or inner.figures
                )
                del merged.frames[number]
        elif not frames and _is_chain(inside, merged, readers):
            _join(number, frame, inside, merged)


def _is_chain(inside: list[int], merged: Merged, readers: dict[int, set[int]]) -> bool:
    groups = [merged.groups[home] for home in inside]
    if any(g.kind not in ("major", "minor", "block") for g in groups):
        return False
    if len(groups) > 1 and any(g.title is not None for g in groups):
        return False
    for i, (before, group) in enumerate(zip(inside, groups[1:], strict=False)):
        if [merged.home[w.atom] for w in group.sources] != [before] or group.sources[0].note:
            return False
        if readers.get(before, set()) != {inside[i + 1]}:
            return False
    return sum(len(g.rows()) for g in groups) <= _MOST_ROWS


def _join(number: int, frame: Frame, inside: list[int], merged: Merged) -> None:
    first = merged.groups[inside[0]]
    if first.title is not None and first.title.count and frame.title.count:
        return  # 2 rounds of 3 are not "×2" nor "×3": the frame stays
    title = frame.title if first.title is None else frame.title.around(first.title)
    figures = frame.figures or first.figures
    merged.groups[inside[0]] = Group(
        [atom for home in inside for atom in merged.groups[home].atoms],
        frame.parent, first.sources, title, frame.path, figures,
    )  # fmt: skip
    for home in inside[1:]:
        del merged.groups[home]
    renamed = dict.fromkeys(inside, inside[0])
    for atom, home in merged.home.items():
        merged.home[atom] = renamed.get(home, home)
    del merged.frames[number]
