"""What a region leaves behind and what it does, without the identity of its values: equal for two that do the same."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from archdsl.network.types import CallNode, OpNode, RawTensorNode, Region, Value, WeightNode
from archdsl.ops.masks import Mask


@dataclass(frozen=True)
class Left:
    """What a region's text left behind: the wire, the names a round assigned, and whether to stop."""

    wire: Any
    assigned: Mapping[str, Any]
    stop: Value | None = None


def signature(region: Region, left: Left) -> Hashable:
    """What a region does, without the identity of its values: equal for two that do the same."""
    numbers: dict[object, int] = {}
    for value in (*region.inputs, *region.layer_inputs, *(d.value for d in region.layers)):
        numbers[value] = len(numbers)
    rows: list[Hashable] = []
    for node in region.nodes:
        match node:
            case OpNode():
                row: Hashable = (node.op, node.path, tuple(node.late.items()), node.frozen)
            case CallNode():
                late = tuple(tuple(rate.items()) for rate in node.late)
                layer = numbers.get(node.layer) if node.layer else None
                shape = (
                    node.kind,
                    node.region,
                    node.path,
                    node.count,
                    node.first,
                    node.carry,
                    node.stop,
                    node.stacked,
                )
                row = (shape, late, layer, tuple(numbers[v] for v in node.layers), node.frozen)
            case WeightNode():
                row = (numbers[node.layer], node.weight)
            case RawTensorNode():
                row = (
                    node.keyword,
                    node.path,
                    node.output.type,
                    id(node.initial) if isinstance(node.initial, Region) else node.initial,
                )
        made = node.outputs if isinstance(node, OpNode | CallNode) else (node.output,)
        rows.append((row, tuple(numbers[v] for v in getattr(node, "inputs", ()))))
        for value in made:
            numbers[value] = len(numbers)
    ends = tuple(
        tuple(numbers.get(t, -1) for t in tensors_in(v))
        for v in (left.wire, *left.assigned.values(), left.stop)
    )
    return (
        tuple(rows),
        tuple(numbers[v] for v in region.outputs),
        ends,
        constants_in(left.wire),
        constants_in(tuple(left.assigned.values())),
    )


def constants_in(value: Any) -> Hashable:
    """A value with its tensors left out."""
    if isinstance(value, Value):
        return None
    if isinstance(value, tuple):
        return tuple(constants_in(v) for v in value)
    if isinstance(value, Mask):
        return (type(value).__name__, *(constants_in(v) for v in value.payloads()))
    return repr(value)


def tensors_in(value: Any) -> list[Value]:
    """The tensors in a value: itself, those of a list or a mask."""
    if isinstance(value, Value):
        return [value]
    if isinstance(value, tuple):
        return [t for v in value for t in tensors_in(v)]
    if isinstance(value, Mask):
        return [t for v in value.payloads() for t in tensors_in(v)]
    return []


def replaced(value: Any, mapping: Mapping[Value, Value]) -> Any:
    """A value with its tensors exchanged."""
    if isinstance(value, Value):
        return mapping[value]
    if isinstance(value, tuple):
        return tuple(replaced(v, mapping) for v in value)
    if isinstance(value, Mask):
        return value.map(lambda v: replaced(v, mapping))
    return value
