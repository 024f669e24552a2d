"""What reaches an output: weights that don't are a mistake of the author's."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.network.types import (
    CallNode,
    LayerDeclaration,
    Node,
    OpNode,
    RawTensorNode,
    Region,
    Value,
)


class Liveness:
    """Which nodes of which regions some output depends on, gathered over all uses of each region."""

    def __init__(self) -> None:
        self.live: set[Node] = set()
        self._done: dict[tuple[Region, frozenset[int]], frozenset[int]] = {}

    def region(self, region: Region, outputs: frozenset[int]) -> frozenset[int]:
        """Marks what the given outputs depend on; returns the inputs among it."""
        key = (region, outputs)
        if key in self._done:
            return self._done[key]
        needed: set[Value] = {region.outputs[i] for i in outputs}
        for node in reversed(region.nodes):
            made = node.outputs if isinstance(node, OpNode | CallNode) else (node.output,)
            wanted = frozenset(i for i, v in enumerate(made) if v in needed)
            if not wanted:
                continue
            self.live.add(node)
            if isinstance(node, CallNode):
                needed.update(node.inputs[i] for i in self._call(node, wanted))
            elif isinstance(node, OpNode):
                needed.update(node.inputs)
        found = frozenset(i for i, v in enumerate(region.inputs) if v in needed)
        self._done[key] = found
        return found

    def _call(self, node: CallNode, wanted: frozenset[int]) -> frozenset[int]:
        if node.stop is not None:
            wanted = wanted | {node.stop}
        while True:  # what a round needs of the one before it
            inputs = self.region(node.region, wanted)
            more = wanted | {j for j, i in node.carry if i in inputs}
            if more == wanted:
                return inputs
            wanted = more


def weighty(region: Region, holds: dict[Region, bool]) -> bool:
    """Whether a region holds weights of its own, however deep."""
    if region not in holds:
        holds[region] = False
        holds[region] = bool(region.layers) or any(_node_holds(node, holds) for node in region.nodes)
    return holds[region]


def _node_holds(node: Node, holds: dict[Region, bool]) -> bool:
    match node:
        case OpNode():
            return bool(node.op.weights(node.input_types))
        case RawTensorNode():
            return True
        case CallNode():
            return node.kind != "layer" and weighty(node.region, holds)
        case _:
            return False


def dead(region: Region, live: Liveness, holds: dict[Region, bool], seen: set[Region]) -> Iterator[Node]:
    """Nodes with weights that no output depends on, the outermost of each."""
    if region in seen:
        return
    seen.add(region)
    for node in region.nodes:
        if node not in live.live:
            if _node_holds(node, holds):
                yield node
        elif isinstance(node, CallNode):
            yield from dead(node.region, live, holds, seen)


def unused_layers(region: Region, seen: set[Region]) -> Iterator[LayerDeclaration]:
    """Layers that were declared and never used."""
    if region in seen:
        return
    seen.add(region)
    for declaration in region.layers:
        if declaration.region is None:
            yield declaration
    for node in region.nodes:
        if isinstance(node, CallNode):
            yield from unused_layers(node.region, seen)


def describe(node: Node) -> str:
    """A node with weights in the words of a message."""
    match node:
        case OpNode():
            return f"this `{node.op.name}`"
        case RawTensorNode():
            return f"the {node.keyword} `{node.output.name}`"
        case CallNode():
            return f"this `{node.written}`"
        case _:
            return "this"
