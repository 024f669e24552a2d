"""Where several arrows would enter a frame from one box outside, one arrow does, and branches inside.

So a residual arc begins in the frame it belongs to (drawn from outside, it runs round the frame), and a
frame's title is crossed by one arrow at most.
"""

from __future__ import annotations

from dataclasses import replace

from archdsl.drawing.atoms import Atom
from archdsl.drawing.merging import Group, Merged


def add_junctions(merged: Merged, atoms: list[Atom]) -> None:
    """Frames from the outside in; the atoms of the junctions are added to ``atoms``."""
    around = {number: _around(number, merged) for number in merged.frames}
    for number, frame in sorted(merged.frames.items()):
        inside = {home for home, group in merged.groups.items() if number in around.get(group.frame, ())}
        readers: dict[int, list[int]] = {}
        for home in sorted(inside):
            for source in dict.fromkeys(merged.home[wire.atom] for wire in merged.groups[home].sources):
                if source not in inside:
                    readers.setdefault(source, []).append(home)
        for source, homes in readers.items():
            below = {_child(number, merged.groups[home].frame, merged) for home in homes}
            if len(homes) < 2 or (len(below) == 1 and None not in below):
                continue  # where all stand in one inner frame, the branching is that one's
            wires = [
                w for home in homes for w in merged.groups[home].sources if merged.home[w.atom] == source
            ]
            entry = replace(wires[0], note="")
            type_ = atoms[entry.atom].given
            atom = Atom("junction", "", "junction", number, frame.path, frame.span, (entry,), type_, type_)
            atoms.append(atom)
            index = len(atoms) - 1
            merged.home[index] = index
            merged.groups[index] = Group([atom], number, [entry], path=frame.path)
            for home in homes:
                group = merged.groups[home]
                group.sources = [
                    replace(w, atom=index) if merged.home[w.atom] == source else w for w in group.sources
                ]


def _child(number: int, frame: int, merged: Merged) -> int | None:
    """The frame just inside ``number`` in which ``frame`` is; None for ``number`` itself."""
    found = None
    while frame != number:
        found, frame = frame, merged.frames[frame].parent
    return found


def _around(number: int, merged: Merged) -> frozenset[int]:
    """The frame and those around it."""
    found = set()
    while number in merged.frames:
        found.add(number)
        number = merged.frames[number].parent
    return frozenset(found)
