"""What a region owns: its weights, the regions inside it, and each weight with its path, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from archdsl.network.types import CallNode, LayerDeclaration, Network, OpNode, Path, RawTensorNode, Region
from archdsl.ops.base import Weight


@dataclass(frozen=True)
class Owned:
    """A weight a region owns itself, with its path in that region."""

    path: Path
    weight: Weight
    frozen: bool


@dataclass(frozen=True)
class Part:
    """A region inside another that has weights of its own there: ``times`` of them, the first at ``path``.

    ``numbered`` tells the rounds of a loop, whose ordinal (from ``first``) joins the path.
    """

    path: Path
    region: Region
    times: int
    first: int
    numbered: bool
    frozen: bool


def weights_of(node: OpNode) -> tuple[Weight, ...]:
    """The weights of one operator at its place."""
    return node.op.weights(node.input_types)


def raw_weight(node: RawTensorNode) -> Weight:
    """A ``param`` or ``buffer`` as a weight; its name is the last part of its path."""
    shape = tuple(dim if isinstance(dim, int) else 0 for dim in node.output.type.shape)
    kind = "parameter" if node.keyword == "param" else "buffer"
    return Weight(node.path[-1], shape, node.initial, node.output.type.dtype, kind)  # type: ignore[arg-type]


def own_weights(region: Region) -> Iterator[Owned]:
    """The weights that the operators and raw tensors of a region hold, those of regions inside it excepted."""
    for node in region.nodes:
        if isinstance(node, OpNode):
            for weight in weights_of(node):
                yield Owned((*node.path, weight.name), weight, node.frozen)
        elif isinstance(node, RawTensorNode):
            yield Owned(node.path, raw_weight(node), node.frozen)


def parts(region: Region) -> Iterator[Part]:
    """The regions inside a region that have weights of their own: calls, loops, and the layers it declares."""
    for node in region.nodes:
        if isinstance(node, CallNode) and node.kind != "layer":
            numbered = node.kind in ("loop", "until")
            times = node.count if numbered and isinstance(node.count, int) else 1
            yield Part(node.path, node.region, times, node.first, numbered, node.frozen)
    yield from map(layer_part, (layer for layer in region.layers if layer.region is not None))


def layer_part(declaration: LayerDeclaration) -> Part:
    assert declaration.region is not None
    return Part(declaration.path, declaration.region, 1, 0, False, declaration.frozen)


def all_weights(region: Region, prefix: Path = (), frozen: bool = False) -> Iterator[Owned]:
    """Every weight of a region with its whole path, lazily: there may be more than could ever be listed."""
    stack: list[Iterator[Owned | tuple[Region, Path, bool]]] = [_walk(region, prefix, frozen)]
    while stack:
        found = next(stack[-1], None)
        if found is None:
            stack.pop()
        elif isinstance(found, Owned):
            yield found
        else:
            stack.append(_walk(*found))


def _walk(region: Region, prefix: Path, frozen: bool) -> Iterator[Owned | tuple[Region, Path, bool]]:
    for owned in own_weights(region):
        yield Owned(prefix + owned.path, owned.weight, frozen or owned.frozen)
    for part in parts(region):
        for ordinal in range(part.times):
            number = (str(part.first + ordinal),) if part.numbered else ()
            yield part.region, prefix + part.path + number, frozen or part.frozen


def model_weights(network: Network) -> Iterator[Owned]:
    """Every weight of a model, each path once: those of inference, then those that training alone has."""
    if network.training is network.inference:
        yield from all_weights(network.inference)
        return
    seen: set[Path] = set()
    for region in (network.inference, network.training):
        for owned in all_weights(region):
            if owned.path not in seen:
                seen.add(owned.path)
                yield owned


def numel(weight: Weight) -> int:
    """How many numbers a weight holds."""
    return prod(weight.shape)
