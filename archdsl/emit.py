"""What each stage made, as text, for ``--emit``: the tree, the typed network."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from archdsl.network.types import CallNode, Network, OpNode, RawTensorNode, Region, Value, WeightNode
from archdsl.source import Source, Span
from archdsl.syntax.tree import File, Node


def tree_text(file: File) -> str:
    """The tree, one node on a line with its place, children indented."""
    lines: list[str] = []
    for statement in file.statements:
        _tree(statement, "", 0, lines)
    return "".join(f"{line}\n" for line in lines)


def _tree(node: Node, label: str, depth: int, lines: list[str]) -> None:
    plain: list[str] = []
    inner: list[tuple[str, Node]] = []
    for item in fields(node):
        value = getattr(node, item.name)
        if isinstance(value, Span | Source) or item.name == "span":
            continue
        if isinstance(value, Node):
            inner.append((f"{item.name}: ", value))
        elif isinstance(value, tuple) and any(isinstance(part, Node) for part in value):
            inner += [(f"{item.name}[{i}]: ", part) for i, part in enumerate(value) if isinstance(part, Node)]
        elif isinstance(value, tuple) and any(isinstance(part, Span) for part in value):
            continue
        elif value is not None and value != ():
            plain.append(f"{item.name}={value!r}")
    line, column, _, _ = node.span.range
    text = " ".join([f"{label}{type(node).__name__}", *plain])
    lines.append(f"{'  ' * depth}{text}  @{line}:{column}")
    for name, child in inner:
        _tree(child, name, depth + 1, lines)


def network_text(network: Network) -> str:
    """Each region once, the model's last; what it is used for stands at the use."""
    regions: dict[Region, int] = {}
    for region in dict.fromkeys((network.inference, network.training)):
        _collect(region, regions)
    blocks = [_region(region, number, regions) for region, number in regions.items()]
    inputs = ", ".join(f"{item.name}: {item.type}" for item in network.inputs)
    head = [f"model {network.name}({inputs})"]
    head += [f"  assumed {relation.render()}" for relation in network.assumed]
    head += [f"  bound {bound.relation.render()}  # {bound.reason}" for bound in network.bounds]
    head.append(f"  inference #{regions[network.inference]}, training #{regions[network.training]}")
    return "\n".join([*blocks, "\n".join(head)]) + "\n"


def _collect(region: Region, found: dict[Region, int]) -> None:
    if region in found:
        return
    for node in region.nodes:
        if isinstance(node, CallNode):
            _collect(node.region, found)
    for layer in region.layers:
        if layer.region is not None:
            _collect(layer.region, found)
    found[region] = len(found) + 1


def _values(values: tuple[Value, ...]) -> str:
    return ", ".join(f"%{value.index}: {value.type}" for value in values)


def _uses(values: tuple[Value, ...]) -> str:
    return ", ".join(f"%{value.index}" for value in values)


def _region(region: Region, number: int, regions: dict[Region, int]) -> str:
    arguments = ", ".join(f"{name}={value}" for name, value in region.arguments.items())
    lines = [f"region #{number} {region.kind} {region.name}({arguments}): {_values(region.inputs)}"]
    lines += [f"  layer {layer.name} given" for layer in region.layer_inputs]
    for layer in region.layers:
        made = f"#{regions[layer.region]}" if layer.region is not None else "unused"
        lines.append(f"  layer {layer.value.name} = {made} at {'.'.join(layer.path)}")
    lines += [f"  {_node(node, regions)}" for node in region.nodes]
    outputs = ", ".join(f"{n}=%{v.index}" for n, v in zip(region.output_names, region.outputs, strict=True))
    return "\n".join([*lines, f"  return {outputs}", ""])


def _node(node: Any, regions: dict[Region, int]) -> str:
    at = f" at {'.'.join(node.path)}" if getattr(node, "path", ()) else ""
    frozen = " frozen" if getattr(node, "frozen", False) else ""
    match node:
        case OpNode():
            return f"{_values(node.outputs)} = {node.op!r}({_uses(node.inputs)}){at}{frozen}"
        case RawTensorNode():
            return f"{_values((node.output,))} = {node.keyword}{at}{frozen}"
        case WeightNode():
            return f"{_values((node.output,))} = {node.layer.name}.{node.weight}"
        case CallNode():
            times = "" if node.kind in ("call", "layer") else f" x{node.count} from {node.first}"
            carry = f" carry {list(node.carry)}" if node.carry else ""
            used = f"#{regions[node.region]}({_uses(node.inputs)})"
            return f"{_values(node.outputs)} = {node.kind}{times} {used}{carry}{at}{frozen}"
        case _:
            return repr(node)
