"""The fx graphs of a network as text, one per region: what ``--emit fx`` prints."""

from __future__ import annotations

from archdsl.backend.lower import Lowering
from archdsl.backend.regions import Regions
from archdsl.network.types import CallNode, Network, Region


def fx_text(network: Network) -> str:
    """Each region's ``torch.fx.Graph`` once, those it calls before it; the model's last."""
    lowering = Lowering(Regions(), network.assumptions)
    found: dict[Region, None] = {}
    for region in (network.inference, network.training):
        _collect(region, lowering, found)
    return "\n".join(f"# {region.kind} {region.name}\n{lowering(region).graph}\n" for region in found)


def _collect(region: Region, lowering: Lowering, found: dict[Region, None]) -> None:
    region = lowering.regions.canonical(region)
    if region in found:
        return
    for node in region.nodes:
        if isinstance(node, CallNode):
            _collect(node.region, lowering, found)
    found[region] = None
