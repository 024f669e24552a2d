"""The weights that a network promises: every key of the state dict, with its shape."""

from __future__ import annotations

from collections.abc import Iterator

from archdsl.backend.regions import Regions
from archdsl.dims import evaluate
from archdsl.network.types import CallNode, Network, OpNode, RawTensorNode, Region


def promised_weights(network: Network) -> dict[str, tuple[int, ...]]:
    """The state dict's keys and shapes as the network promises them, both modes joined."""
    regions = Regions()
    found: dict[str, tuple[int, ...]] = {}
    for region in (network.inference, network.training):
        found.update(_stored(regions.canonical(region), "", regions))
    return found


def _stored(region: Region, prefix: str, regions: Regions) -> Iterator[tuple[str, tuple[int, ...]]]:
    def joined(*parts: str) -> str:
        return ".".join(p for p in (prefix.rstrip("."), *parts) if p)

    for declaration in region.layers:
        if declaration.region is not None:
            yield from _stored(declaration.region, joined(*declaration.path), regions)
    for node in region.nodes:
        match node:
            case OpNode():
                for weight in node.op.weights(node.input_types):
                    if weight.kind != "constant":
                        yield joined(*node.path, weight.name), weight.shape
            case RawTensorNode():
                yield joined(*node.path), tuple(evaluate(d, {}) for d in node.output.type.shape)
            case CallNode() if node.kind in ("loop", "until"):
                assert isinstance(node.count, int)
                if regions.owns_state(node.region):
                    for k in range(node.count):
                        yield from _stored(node.region, joined(*node.path, str(node.first + k)), regions)
            case CallNode() if node.kind != "layer":
                yield from _stored(node.region, joined(*node.path), regions)
