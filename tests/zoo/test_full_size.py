"""The built modules at full size, on meta: they hold and do what the static figures say, counted by torch itself."""

from __future__ import annotations

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from archdsl.backend.module import module
from tests.zoo.compare import named
from tests.zoo.test_figures import TABLE, Figures


@pytest.mark.slow
@pytest.mark.parametrize("figures", TABLE, ids=str)
def test_built_at_full_size(figures: Figures) -> None:
    model = figures.find()
    net = module(model.network, device="meta").eval()
    assert sum(p.numel() for p in net.parameters()) == figures.params

    inputs = {
        item.name: torch.empty(
            model.shape(item.name, **figures.at), dtype=getattr(torch, item.type.dtype), device="meta"
        )
        for item in model.network.inputs
    }
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        found = net(**inputs)
    assert counter.get_total_flops() == 2 * figures.macs  # fused attention would count as nothing

    outputs = named(found, model.network.inference.output_names)
    assert {name: tuple(value.shape) for name, value in outputs.items()} == figures.outputs
