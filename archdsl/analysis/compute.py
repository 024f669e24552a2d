"""What one run of a model computes: exact multiply-accumulates and elementwise results, each region once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from archdsl.analysis.sizes import concrete_all
from archdsl.dims import evaluate
from archdsl.network.types import CallNode, OpNode, Region
from archdsl.ops.base import Macs

_NO_MACS = Macs()


@dataclass(frozen=True)
class Work:
    """Multiply-accumulates by kind, and the elementwise results beside them."""

    macs: Macs = _NO_MACS
    elementwise: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(self.macs + other.macs, self.elementwise + other.elementwise)

    def __mul__(self, times: int) -> Work:
        return Work(self.macs * times, self.elementwise * times)


NOTHING = Work()


class WorkCounter:
    """Counts the work of regions at given sizes, each region once."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = dict(sizes)
        self._regions: dict[Region, Work] = {}
        self._instances: dict[Region, int] = {}

    def region(self, region: Region) -> Work:
        """The work of one run of a region."""
        if region not in self._regions:
            self._regions[region] = sum((self.node(node) for node in region.nodes), NOTHING)
        return self._regions[region]

    def node(self, node: object) -> Work:
        """The work of one node: all the rounds of a loop (all that may run, of an ``until``), all steps of a scan."""
        if isinstance(node, OpNode):
            inputs = concrete_all(node.input_types, self.sizes)
            outputs = concrete_all(node.output_types, self.sizes)
            return Work(node.op.macs(inputs, outputs), node.op.elementwise(inputs, outputs))
        if isinstance(node, CallNode):
            return self.region(node.region) * self.rounds(node)
        return NOTHING

    def rounds(self, node: CallNode) -> int:
        """How often the region of a use runs."""
        return evaluate(node.count, self.sizes) if node.kind != "call" and node.kind != "layer" else 1

    def instances(self, region: Region) -> int:
        """How many regions run where this one does: itself, and every use inside it."""
        if region not in self._instances:
            inner = (
                self.instances(node.region) * (self.rounds(node) if node.kind in ("loop", "until") else 1)
                for node in region.nodes
                if isinstance(node, CallNode)
            )
            self._instances[region] = 1 + sum(inner)
        return self._instances[region]

    @property
    def distinct(self) -> int:
        """How many different regions have been counted."""
        return len(self._instances)
