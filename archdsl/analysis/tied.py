"""Weights that are used again: how many numbers more there would be if each use had its own."""

from __future__ import annotations

from math import prod

from archdsl.analysis.parameters import ParameterCounter
from archdsl.network.types import CallNode, Region, WeightNode


class TiedCounter:
    """Counts regions, each once: uses of layers, and of their weights as tensors, beyond the first."""

    def __init__(self, parameters: ParameterCounter) -> None:
        self.parameters = parameters
        self._uses: dict[Region, int] = {}

    def model(self, region: Region) -> int:
        return max(self.region(region), 0)

    def region(self, region: Region) -> int:
        """Numbers that uses in a region ask for, less those of the layers that it declares."""
        if region not in self._uses:
            asked = sum(self._node(node) for node in region.nodes)
            declared = (item.region for item in region.layers if item.region is not None)
            self._uses[region] = asked - sum(self.parameters.region(inner).total for inner in declared)
        return self._uses[region]

    def _node(self, node: object) -> int:
        if isinstance(node, WeightNode):
            return prod(dim for dim in node.output.type.shape if isinstance(dim, int))
        if isinstance(node, CallNode):
            rounds = node.count if node.kind in ("loop", "until") and isinstance(node.count, int) else 1
            own = self.parameters.region(node.region).total if node.kind == "layer" else 0
            return rounds * (own + self.region(node.region))
        return 0
