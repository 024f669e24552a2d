"""A region in both modes: which nodes of the two graphs are one, and what a unit is handed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import fx

from archdsl.backend.graphs import Lowered, OpMember, SizeFunction
from archdsl.backend.lower import Lowering
from archdsl.backend.regions import Unit
from archdsl.dims import Size
from archdsl.network.types import CallNode

# One thing that a region is handed (an input, a layer or a weight of it, a size), by name: modes keep different ones.
Key = tuple[Any, ...]


def keys(lowered: Lowered) -> list[Key]:
    """The keys of a region's placeholders, in order."""
    region = lowered.region
    names: list[Key] = [("input", name) for name in region.input_names]
    names += [("layer", region.layer_inputs[place].name, weight) for place, weight in lowered.needs]
    names += [("extra", extra) for extra in lowered.extras]
    found: list[Key] = []
    for name in names:
        found.append((*name, sum(1 for other in found if other[:-1] == name)))
    return found


def signature(unit: Unit, lowering: Lowering) -> list[Key]:
    """What the class of a unit is handed: the union over the modes."""
    both = [key for region in unit.both for key in keys(lowering(region))]
    return list(dict.fromkeys(both))


def annotation(key: Key) -> str:
    """The type of an argument of ``forward``."""
    kind = key[0]
    if kind == "layer":
        return "nn.Module" if key[2] is None else "Tensor"
    if kind == "extra":
        return "int" if isinstance(key[1], Size) else f"torch.{key[1]}"
    return "Tensor"


def matched(
    inference: Lowered, training: Lowered, children: Mapping[CallNode, Unit]
) -> dict[fx.Node, fx.Node]:
    """For nodes of the training graph the node of the inference graph that computes the same from the same."""
    partner: dict[fx.Node, fx.Node] = {}
    available: dict[object, list[fx.Node]] = {}
    placeholders = zip(
        keys(inference), (n for n in inference.graph.nodes if n.op == "placeholder"), strict=True
    )
    by_key = dict(placeholders)
    for node in inference.graph.nodes:
        if node.op not in ("placeholder", "output"):
            available.setdefault(
                _text(node, inference, children, {n: n for n in inference.graph.nodes}), []
            ).append(node)
    rest = iter(keys(training))
    for node in training.graph.nodes:
        if node.op == "placeholder":
            other = by_key.get(next(rest))
            if other is not None:
                partner[node] = other
        elif node.op != "output" and all(a in partner for a in node.all_input_nodes):
            candidates = available.get(_text(node, training, children, partner), [])
            if candidates:
                partner[node] = candidates.pop(0)
    return partner


def _text(
    node: fx.Node, lowered: Lowered, children: Mapping[CallNode, Unit], partner: Mapping[fx.Node, fx.Node]
) -> object:
    def named(value: Any) -> Any:
        if isinstance(value, fx.Node):
            return ("node", partner[value].name)
        if isinstance(value, tuple | list):
            return (type(value).__name__, *(named(v) for v in value))
        if isinstance(value, slice):
            return ("slice", named(value.start), named(value.stop), named(value.step))
        return repr(value)

    target: Any = node.target
    call = node.meta.get("call")
    if call is not None:
        unit = children.get(call)
        target = (
            call.kind, call.path, call.first, repr(call.count), call.carry, call.stop, call.scanned, call.stacked,
            len(call.outputs), id(call.region) if unit is None else id(unit.inference),
        )  # fmt: skip
    elif isinstance(target, SizeFunction):
        target = target.size
    elif node.op == "call_module" and isinstance(member := lowered.members.get(target), OpMember):
        target = (target if member.owns else None, repr(member.op), member.mod.target)
    given = tuple(named(a) for a in node.args), tuple((k, named(v)) for k, v in sorted(node.kwargs.items()))
    return (node.op, target, given, len(node.meta.get("types", ())))
