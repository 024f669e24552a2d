"""Sample inputs of a network: floats at random, integers within the bounds that its operators need."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from archdsl.backend.running import sizes_at, value_range
from archdsl.dims import evaluate
from archdsl.network.types import Network
from archdsl.tensors import FLOATS


def sample_inputs(
    network: Network,
    at: Mapping[str, int] | None = None,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    seed: int = 0,
) -> tuple[Tensor, ...]:
    """One tensor for each input, in their order; the same for the same seed on any device."""
    sizes = sizes_at(network, at)
    made: list[Tensor] = []
    generator = torch.Generator().manual_seed(seed)
    for given in network.inputs:
        shape = [evaluate(d, sizes) for d in given.type.shape]
        kind = given.type.dtype
        if torch.device(device).type == "meta":
            real = (dtype or torch.float32) if kind == "float32" else getattr(torch, kind)
            made.append(torch.empty(shape, dtype=real, device="meta"))
            continue
        if kind in FLOATS:
            tensor = torch.randn(shape, generator=generator)
            tensor = tensor.to((dtype or torch.float32) if kind == "float32" else getattr(torch, kind))
        elif kind == "bool":
            tensor = torch.rand(shape, generator=generator) < 0.5
        else:
            low, high = value_range(network, given, sizes)
            tensor = torch.randint(low, max(high, low + 1), shape, generator=generator).to(
                getattr(torch, kind)
            )
        made.append(tensor.to(device))
    return tuple(made)
