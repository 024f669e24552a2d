"""What the back end asks of regions: which are one, which own weights, what their late rates are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from archdsl.network.types import (
    CallNode,
    LateExpression,
    LayerValue,
    Network,
    Node,
    OpNode,
    RawTensorNode,
    Region,
    Value,
    WeightNode,
)
from archdsl.ops.base import Late, Operator
from archdsl.tensors import TensorType

Slots = tuple[float | int | None, ...]


@dataclass(frozen=True)
class Unit:
    """The regions of one use in both modes; the same object where the mode makes no difference."""

    inference: Region
    training: Region

    @property
    def same(self) -> bool:
        return self.inference is self.training

    @property
    def both(self) -> tuple[Region, ...]:
        return (self.inference,) if self.same else (self.inference, self.training)


def shape_and_dtype(type: TensorType) -> tuple[Any, ...]:
    return (type.shape, type.dtype)


@dataclass(eq=False)
class Regions:
    """Regions by content: two with equal text, types and nodes are one, also across modes."""

    by_content: dict[object, Region] = field(default_factory=dict)
    known: dict[Region, Region] = field(default_factory=dict)
    owning: dict[Region, bool] = field(default_factory=dict)
    rates: dict[Region, list[set[float | int]]] = field(default_factory=dict)
    _walked: set[tuple[Region, Slots]] = field(default_factory=set)

    def canonical(self, region: Region) -> Region:
        """The one region that stands for all with its content."""
        found = self.known.get(region)
        if found is None:
            found = self.known[region] = self.by_content.setdefault(self._content(region), region)
        return found

    def unit(self, inference: Region, training: Region) -> Unit:
        return Unit(self.canonical(inference), self.canonical(training))

    def _content(self, region: Region) -> object:
        number: dict[Value | LayerValue, int] = {}
        given: list[Value | LayerValue] = [
            *region.inputs,
            *region.layer_inputs,
            *(d.value for d in region.layers),
        ]
        for value in given:
            number[value] = len(number)
        nodes = []
        for node in region.nodes:
            nodes.append(self._node(node, number))
        layers = tuple(
            (d.path, None if d.region is None else id(self.canonical(d.region)), d.frozen)
            for d in region.layers
        )
        return (
            id(region.definition), region.name, region.kind, region.docstring, layers, tuple(nodes),
            tuple(shape_and_dtype(v.type) for v in region.inputs), region.input_names,
            tuple(v.name for v in region.layer_inputs), region.late_slots, region.output_names,
            tuple(number[v] for v in region.outputs),
        )  # fmt: skip

    def _node(self, node: Node, number: dict[Value | LayerValue, int]) -> object:
        outputs = (node.output,) if isinstance(node, RawTensorNode | WeightNode) else node.outputs
        given = tuple(number[v] for v in getattr(node, "inputs", ()))
        for value in outputs:
            number[value] = len(number)
        types = tuple((v.name, *shape_and_dtype(v.type)) for v in outputs)
        match node:
            case OpNode():
                # Equal operators can differ in 1, 1.0 and True: their text can't.
                late = tuple(sorted((k, repr(v)) for k, v in node.late.items()))
                return ("op", type(node.op), repr(node.op), given, types, node.path, late, node.frozen)
            case RawTensorNode():
                initial = node.initial
                start = id(self.canonical(initial)) if isinstance(initial, Region) else repr(initial)
                return (node.keyword, start, types, node.path, node.frozen)
            case WeightNode():
                return ("weight", number[node.layer], node.weight, types)
            case CallNode():
                return (
                    node.kind, id(self.canonical(node.region)), given, types, node.path, repr(node.count), node.first,
                    node.carry, node.stop, node.scanned, node.stacked, node.frozen,
                    tuple(number[v] for v in node.layers), None if node.layer is None else number[node.layer],
                    tuple(tuple(sorted((k, repr(v)) for k, v in late.items())) for late in node.late),
                )  # fmt: skip

    # -------------------------------------------------------------------------------------------- who owns weights

    def owns_state(self, region: Region) -> bool:
        """Whether anything inside has weights or buffers that a state dict holds."""
        region = self.canonical(region)
        if region not in self.owning:
            self.owning[region] = bool(owners(region, self))
        return self.owning[region]

    def is_transparent(self, region: Region) -> bool:
        """Whether its weights belong to a single use that adds nothing to the path: that use stands for the region."""
        return any(path == () for path in owners(self.canonical(region), self))

    # ------------------------------------------------------------------------------------------------- late rates

    def walk_rates(self, region: Region, slots: Slots) -> None:
        """Collect the values that each late slot takes, over all instances."""
        region = self.canonical(region)
        if (region, slots) in self._walked:
            return
        self._walked.add((region, slots))
        values = self.rates.setdefault(region, [set() for _ in region.late_slots])
        for found, value in zip(values, slots, strict=True):
            if value is not None:
                found.add(value)
        environment = dict(zip(region.late_slots, slots, strict=True))
        for declaration in region.layers:
            if declaration.region is not None and not declaration.region.late_slots:
                self.walk_rates(declaration.region, ())
        for node in region.nodes:
            if not isinstance(node, CallNode):
                continue
            inner = self.canonical(node.region)
            for late in node.late or ({},):
                self.walk_rates(inner, tuple(evaluated(late.get(s), environment) for s in inner.late_slots))

    def constant(self, region: Region, slot: int) -> float | int | None:
        """The value of a late slot where all instances agree."""
        values = self.rates.get(self.canonical(region))
        if values is None:
            return None
        found = values[region.late_slots.index(slot)]
        return next(iter(found)) if len(found) == 1 else None

    def folded(self, node: OpNode, region: Region) -> Operator:
        """The operator with the rates put in that are the same for all instances of the region."""
        constants = {
            f.name: self.late_constant(node.late[f.name], region)
            for f in fields(node.op)
            if isinstance(getattr(node.op, f.name), Late) and f.name in node.late
        }
        known = {name: value for name, value in constants.items() if value is not None}
        return replace(node.op, **known) if known else node.op

    def late_constant(self, expression: LateExpression, region: Region) -> float | int | None:
        """A late expression as a number, where all instances of the region agree."""
        slots = {s: self.constant(region, s) for s in region.late_slots}
        return evaluated(expression, slots)


def owners(region: Region, regions: Regions) -> list[tuple[str, ...]]:
    """The relative paths at which a region keeps weights, without those inside other regions."""
    found: dict[tuple[str, ...], None] = {}
    for declaration in region.layers:
        if declaration.region is not None and regions.owns_state(declaration.region):
            found[declaration.path] = None
    for node in region.nodes:
        match node:
            case OpNode() if has_state(node):
                found[node.path] = None
            case RawTensorNode():
                found[node.path] = None
            case CallNode() if node.kind != "layer" and regions.owns_state(node.region):
                loop = node.kind in ("loop", "until")
                found[(*node.path, str(node.first)) if loop else node.path] = None
    return list(found)


def has_state(node: OpNode) -> bool:
    return any(w.kind != "constant" for w in node.op.weights(node.input_types))


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "//": lambda a, b: a // b, "%": lambda a, b: a % b, "**": lambda a, b: a**b,
    "min": min, "max": max,
}  # fmt: skip


def evaluated(
    expression: LateExpression | None, slots: Mapping[int, float | int | None]
) -> float | int | None:
    """A late expression as a number; None where a slot's value isn't known."""
    if not isinstance(expression, tuple):
        return expression
    operator, *operands = expression
    if operator == "slot":
        return slots.get(operands[0])
    values = [evaluated(x, slots) for x in operands]
    if any(v is None for v in values):
        return None
    if len(values) == 1:
        return -values[0] if operator == "-" else values[0]  # type: ignore[operator]
    return _ARITHMETIC[operator](*values)  # type: ignore[no-any-return]


def of(network: Network) -> tuple[Regions, Unit]:
    """The regions of a network and its root, with the values of all late rates collected."""
    regions = Regions()
    root = regions.unit(network.inference, network.training)
    for region in root.both:
        regions.walk_rates(region, (None,) * len(region.late_slots))
    return regions, root


def instances(region: Region, regions: Regions) -> Counter[Region]:
    """How often each region is used, all rounds counted. Exact without expanding."""
    order = list(_postorder(regions.canonical(region), regions, set()))
    times: Counter[Region] = Counter({order[-1]: 1})
    for outer in reversed(order):
        for node in outer.nodes:
            if isinstance(node, CallNode):
                rounds = node.count if node.kind in ("loop", "until") and isinstance(node.count, int) else 1
                times[regions.canonical(node.region)] += times[outer] * rounds
    return times


def _postorder(region: Region, regions: Regions, seen: set[Region]) -> Iterator[Region]:
    seen.add(region)
    for node in region.nodes:
        if isinstance(node, CallNode) and (inner := regions.canonical(node.region)) not in seen:
            yield from _postorder(inner, regions, seen)
    yield region
