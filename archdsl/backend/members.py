"""What a class stores: modules, lists of rounds and raw tensors, each at its path, with how they are made and start."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from archdsl.backend.code import Expr, New, SlotValue
from archdsl.backend.constructors import Rates, rate, raw
from archdsl.backend.errors import BackendError
from archdsl.backend.graphs import OpMember
from archdsl.backend.helpers import Helpers
from archdsl.backend.lower import Lowering
from archdsl.backend.names import checked_component
from archdsl.backend.regions import Regions, Unit, has_state
from archdsl.network.types import (
    CallNode,
    LayerDeclaration,
    OpNode,
    Path,
    RawTensorNode,
    Region,
)


@dataclass(frozen=True)
class Reset:
    """How a weight starts: ``path`` below the member; ``initial`` an Initializer, a number or a constant region."""

    path: Path
    initial: Any


@dataclass(eq=False)
class Entry:
    """One member, or ``count`` consecutive elements of a list. ``made`` has one expression, or one for each element."""

    path: Path
    made: list[Expr]
    resets: list[Reset]
    frozen: bool = False
    first: int | None = None
    count: int = 1
    counter: Expr | None = None  # the count as code, where it is an argument of the class


@dataclass(eq=False)
class Collector:
    """Collects the members of one class from the regions it covers, inlined ones too."""

    lowering: Lowering
    helpers: Helpers
    entries: dict[tuple[Path, int | None], Entry] = field(default_factory=dict)

    @property
    def regions(self) -> Regions:
        return self.lowering.regions

    def collect(self, unit: Unit, prefix: Path, rates: Rates, frozen: bool = False) -> None:
        """Everything that a unit's regions store, below ``prefix``."""
        for region in unit.both:
            for declaration in region.layers:
                if declaration.region is not None and self.regions.owns_state(declaration.region):
                    inner = self._layer_unit(unit, declaration)
                    self._inner(prefix + declaration.path, inner, {}, frozen or declaration.frozen)
            children = pairs(unit, self.regions)
            for node in region.nodes:
                match node:
                    case OpNode() if has_state(node):
                        made, resets = self._operator(node, region, rates)
                        self._add(Entry(prefix + node.path, made, resets, frozen or node.frozen))
                    case RawTensorNode():
                        start = Reset((), 0.0 if node.initial is None else node.initial)
                        self._add(Entry(prefix + node.path, [raw(node)], [start], frozen or node.frozen))
                    case CallNode() if node in children:
                        self._call(node, children[node], region, prefix, rates, frozen or node.frozen)

    def _layer_unit(self, unit: Unit, declaration: LayerDeclaration) -> Unit:
        found = [
            d.region
            for r in unit.both
            for d in r.layers
            if d.path == declaration.path and d.region is not None
        ]
        return self.regions.unit(found[0], found[-1])

    def _add(self, entry: Entry) -> None:
        for component in entry.path:
            checked_component(component)
        self.entries.setdefault((entry.path, entry.first), entry)

    def _call(
        self, node: CallNode, unit: Unit, outer: Region, prefix: Path, rates: Rates, frozen: bool
    ) -> None:
        path = prefix + node.path
        if node.kind not in ("loop", "until"):
            self._inner(path, unit, inner_rates(node, 0, rates), frozen)
            return
        assert isinstance(node.count, int)
        made: list[Expr] = []
        resets: list[Reset] = []
        for k in range(node.count):
            one, resets = self.element(unit, inner_rates(node, k, rates))
            made.append(one)
        if all(m is made[0] or same_text(m, made[0]) for m in made[1:]):
            made = made[:1]
        self._add(Entry(path, made, resets, frozen, node.first, node.count))

    def _inner(self, path: Path, unit: Unit, rates: Rates, frozen: bool) -> None:
        if self.regions.is_transparent(unit.inference):
            self.collect(unit, path, rates, frozen)
        else:
            self._add(Entry(path, [new(unit, rates, self.regions)], [], frozen))

    def element(self, unit: Unit, rates: Rates) -> tuple[Expr, list[Reset]]:
        """The one module that stands for a region in a list."""
        if not self.regions.is_transparent(unit.inference):
            return new(unit, rates, self.regions), []
        inside = Collector(self.lowering, self.helpers)
        inside.collect(unit, (), rates)
        if list(inside.entries) != [((), None)]:
            raise BackendError(f"{unit.inference.name}: a round that is one module stores more than that")
        entry = inside.entries[(), None]
        return entry.made[0], entry.resets

    def _operator(self, node: OpNode, region: Region, rates: Rates) -> tuple[list[Expr], list[Reset]]:
        lowered = self.lowering(region)
        member = next(
            m for m in lowered.members.values() if isinstance(m, OpMember) and m.node is node and m.owns
        )
        resets = [
            Reset(tuple(w.name.split(".")), w.initializer)
            for w in member.op.weights(node.input_types)
            if w.initializer is not None and w.kind != "constant"
        ]
        made = self.helpers.module(member, rates)
        return (made if isinstance(made, list) else [made]), resets


def joined(entries: list[Entry]) -> list[Entry]:
    """Consecutive elements of one list that are made alike as one entry."""
    found: list[Entry] = []
    for entry in entries:
        last = found[-1] if found else None
        if (
            last is not None
            and entry.first is not None
            and last.first is not None
            and (last.path, last.frozen, repr(last.resets)) == (entry.path, entry.frozen, repr(entry.resets))
            and last.first + last.count == entry.first
            and len(last.made) == len(entry.made) == 1
            and same_text(last.made[0], entry.made[0])
        ):
            found[-1] = replace(last, count=last.count + entry.count)
        else:
            found.append(entry)
    return found


def pairs(unit: Unit, regions: Regions) -> dict[CallNode, Unit]:
    """For each use of a region that owns weights: the regions used there in the two modes."""
    places: dict[tuple[Path, int], list[CallNode]] = {}
    for region in unit.both:
        for node in region.nodes:
            if isinstance(node, CallNode) and node.kind != "layer" and regions.owns_state(node.region):
                places.setdefault((node.path, node.first), []).append(node)
    return {
        node: regions.unit(nodes[0].region, nodes[-1].region) for nodes in places.values() for node in nodes
    }


def inner_rates(node: CallNode, k: int, rates: Rates) -> Rates:
    """The rates of the ``k``-th round in terms of the caller's."""
    if not node.late:
        return {}
    late = node.late[k if len(node.late) > 1 else 0]
    return {slot: rate(expression, rates) for slot, expression in late.items()}


def all_rounds(node: CallNode, rates: Rates) -> Rates:
    """The rates of all rounds of a loop: a list for each slot that changes from round to round."""
    if len(node.late) <= 1:
        return inner_rates(node, 0, rates)
    each = [inner_rates(node, k, rates) for k in range(len(node.late))]
    return {slot: [e[slot] for e in each] for slot in each[0]}  # type: ignore[misc]


def new(unit: Unit, rates: Rates, regions: Regions) -> Expr:
    """An instance of a unit's class, with the rates that differ between its instances."""
    needed = varying_slots(unit, regions)
    found = {slot: rates.get(slot, SlotValue(slot)) for slot in needed}
    return New(unit, tuple((slot, value) for slot, value in found.items() if not isinstance(value, list)))


def varying_slots(unit: Unit, regions: Regions) -> list[int]:
    """The late slots whose values differ between instances: arguments of the class."""
    slots = sorted({s for region in unit.both for s in region.late_slots})
    return [s for s in slots if any(s in r.late_slots and regions.constant(r, s) is None for r in unit.both)]


def same_text(a: Expr, b: Expr) -> bool:
    from archdsl.backend.skeleton import skeleton

    return skeleton(a, literals=True) == skeleton(b, literals=True)
