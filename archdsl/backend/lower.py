"""Regions as torch.fx graphs, each once: what is called on what, with modules and inner regions as leaves."""

from __future__ import annotations

from dataclasses import dataclass, field

from archdsl.backend.graphs import Lowered, Need
from archdsl.backend.regions import Regions
from archdsl.network.types import CallNode, OpNode, RawTensorNode, Region, WeightNode
from archdsl.sizes.assumptions import Assumptions


@dataclass(eq=False)
class Lowering:
    """Lowers regions, each once."""

    regions: Regions
    assumptions: Assumptions = field(default_factory=Assumptions.empty)
    done: dict[Region, Lowered] = field(default_factory=dict)
    _needs: dict[Region, tuple[Need, ...]] = field(default_factory=dict)

    def __call__(self, region: Region) -> Lowered:
        region = self.regions.canonical(region)
        if region not in self.done:
            from archdsl.backend.region_graph import RegionGraph

            self.done[region] = RegionGraph(self, region).run()
        return self.done[region]

    def needs(self, region: Region) -> tuple[Need, ...]:
        """What a region needs of each layer handed to it: the module, or single weights."""
        region = self.regions.canonical(region)
        if region not in self._needs:
            place = {layer: i for i, layer in enumerate(region.layer_inputs)}
            found: dict[Need, None] = {}
            for node in region.nodes:
                if isinstance(node, WeightNode) and node.layer in place:
                    found[place[node.layer], node.weight] = None
                elif isinstance(node, CallNode):
                    if node.layer in place and self.regions.owns_state(node.region):
                        found[place[node.layer], None] = None
                    for inner, weight in self.needs(node.region):
                        if node.layers[inner] in place:
                            found[place[node.layers[inner]], weight] = None
            modules = {i for i, weight in found if weight is None}
            ordered = sorted(found, key=lambda need: (need[0], need[1] or ""))
            self._needs[region] = tuple(n for n in ordered if n[1] is None or n[0] not in modules)
        return self._needs[region]

    def weight_path(self, region: Region) -> tuple[str, ...] | None:
        """The path of some weight of the model's dtype inside a region."""
        for node in region.nodes:
            if isinstance(node, OpNode):
                for weight in node.op.weights(node.input_types):
                    if weight.kind == "parameter" and weight.dtype == "float32":
                        return (*node.path, *weight.name.split("."))
            elif isinstance(node, RawTensorNode) and node.output.type.dtype == "float32":
                return node.path
            elif isinstance(node, CallNode) and node.kind != "layer":
                inner = self.weight_path(self.regions.canonical(node.region))
                if inner is not None:
                    ordinal = (str(node.first),) if node.kind in ("loop", "until") else ()
                    return (*node.path, *ordinal, *inner)
        for declaration in region.layers:
            inner = None if declaration.region is None else self.weight_path(declaration.region)
            if inner is not None:
                return (*declaration.path, *inner)
        return None
