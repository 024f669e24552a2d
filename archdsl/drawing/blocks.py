"""What stands directly inside one block, each inner block a closed box: the pieces an interactive drawing is made of.

The static drawing shows a network at one state of folding. Here every distinct block is drawn once, by itself, with the
same words and the same joining of operators into boxes; opening a block puts its inside where the box was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from archdsl.drawing.atoms import TooMany, Wire, picture_too_large, walk_network
from archdsl.drawing.captions import GLUE, wrapped
from archdsl.drawing.folding import Folding, Way, is_combinator
from archdsl.drawing.grid import Grid, place
from archdsl.drawing.merging import Group, Merged, merge
from archdsl.network.types import CallNode, Network, OpNode, Path, Region
from archdsl.source import Span
from archdsl.tensors import TensorType

_MOST_BOXES = 1000


@dataclass(frozen=True)
class Part:
    """An operator or use of a block, as the author placed it: enough to find its figures."""

    path: Path
    span: Span


@dataclass(frozen=True)
class Item:
    """A box. ``parts`` are what it stands for; ``block`` says that there is something inside."""

    kind: str
    role: str
    title: str
    lines: tuple[str, ...]
    given: TensorType
    parts: tuple[Part, ...]
    block: bool


@dataclass(frozen=True)
class Arrow:
    """From one item to another, by their numbers. ``changed``: the shape is worth saying here."""

    source: int
    target: int
    note: str
    changed: bool
    skip: bool


@dataclass(frozen=True)
class Inside:
    """A block's inside; ``opened`` are the uses of blocks that are drawn without a box of their own."""

    items: tuple[Item, ...]
    arrows: tuple[Arrow, ...]
    grid: Grid
    opened: frozenset[tuple[Path, Span]]


class OneLevel(Folding):
    """Closed boxes for blocks, but for those that no drawing gives a frame. Made once for a network."""

    def __init__(self, network: Network) -> None:
        super().__init__(frozenset(), frozenset(), 0)
        self.opened: set[tuple[Path, Span]] = set()
        self.closes_combinators = False
        self.study(network.inference)
        if network.training is not network.inference:
            self.study(network.training)

    def way(self, node: CallNode, path: Path, depth: int) -> Way:
        once = node.count == 1 and node.kind in ("call", "loop", "layer")
        combines = is_combinator(node.region) and not self.closes_combinators
        if once and (combines or self.weight(node.region) <= 1):
            self.opened.add((path, node.span))
            return "inline"
        return "box"


def inside_of(network: Network, region: Region, folding: OneLevel) -> Inside:
    """The drawing of one region. EngineError where it alone has too many boxes."""
    for folding.closes_combinators in (False, True):
        folding.opened = set()
        try:
            walk = walk_network(network, region, folding, _MOST_BOXES, lambda path: "")
            break
        except TooMany:
            continue
    else:
        raise picture_too_large(region.name, _MOST_BOXES)
    merged = merge(walk)
    order = _in_order(merged)
    number = {home: i for i, home in enumerate(order)}
    arrows = tuple(_arrows(merged, order, number))
    groups = [merged.groups[home] for home in order]
    outputs = [i for i, group in enumerate(groups) if group.kind == "output"]
    wires = [
        number for number, arrow in enumerate(arrows) if _is_wire(arrow, groups[arrow.target], number, arrows)
    ]
    grid = place(len(order), [(arrow.source, arrow.target) for arrow in arrows], outputs, wires)
    return Inside(tuple(map(_item, groups)), arrows, grid, frozenset(folding.opened))


def _in_order(merged: Merged) -> list[int]:
    """Groups in program order, each after what it reads."""
    order: dict[int, None] = {}
    for home in sorted(merged.groups):
        waiting = [(home, False)]
        while waiting:
            at, ready = waiting.pop()
            if at in order:
                continue
            if ready:
                order[at] = None
                continue
            waiting.append((at, True))
            waiting += [(merged.home[wire.atom], False) for wire in reversed(merged.groups[at].sources)]
    return list(order)


def _arrows(merged: Merged, order: list[int], number: dict[int, int]) -> Iterator[Arrow]:
    above: dict[int, int] = {}  # what each group can be reached from, as bits
    said: set[int] = set()
    for home in order:
        wires: dict[int, Wire] = {}
        for wire in merged.groups[home].sources:
            wires.setdefault(merged.home[wire.atom], wire)
        above[home] = 0
        for source in wires:
            above[home] |= above[source] | 1 << number[source]
        for source, wire in wires.items():
            skip = any(other != source and above[other] >> number[source] & 1 for other in wires)
            changed = source not in said and not skip and _changes(merged.groups[source])
            said |= {source} if changed else set()
            yield Arrow(number[source], number[home], wire.note, changed, skip)


def _is_wire(arrow: Arrow, target: Group, number: int, arrows: tuple[Arrow, ...]) -> bool:
    """The first thing that a block takes is what flows through it; the others come from the side."""
    into = [i for i, other in enumerate(arrows) if other.target == arrow.target]
    return target.kind == "block" and len(into) > 1 and into[0] == number and not arrow.skip


def _changes(group: Group) -> bool:
    taken, given = group.atoms[0].taken, group.atoms[-1].given
    return group.kind not in ("weight", "output", "input") and (taken is None or taken.shape != given.shape)


def _item(group: Group) -> Item:
    title = group.title.head() if group.title is not None else ""
    lines = group.rows()
    if group.kind == "block" and group.title is not None:
        lines = [*wrapped(group.title.arguments), *lines]
    role = "block" if group.kind == "block" else group.major.role
    parts = tuple(Part(atom.path, atom.span) for atom in group.atoms if atom.kind not in ("input", "output"))
    given = group.atoms[-1].given
    return Item(group.kind, role, title, tuple(lines), given, parts, group.kind == "block")


def only_block(region: Region) -> CallNode | None:
    """The one use of a block that is all of a region: opening the region means opening that."""
    inner = [n for n in region.nodes if not (isinstance(n, OpNode) and n.op.name in GLUE)]
    return inner[0] if len(inner) == 1 and isinstance(inner[0], CallNode) else None
