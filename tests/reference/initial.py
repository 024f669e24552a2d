"""Weights with which signals keep their size through many layers, so that every layer counts in a comparison."""

from __future__ import annotations

from torch import nn


def lively(net: nn.Module) -> None:
    """He initialisation of all matrices and kernels."""
    for tensor in net.parameters():
        if tensor.dim() > 1:
            nn.init.kaiming_normal_(tensor)
