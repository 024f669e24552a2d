"""How weights start: named initialisers with checked arguments, and what each is in torch.nn.init."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def bilinear_(weight: Tensor) -> None:
    """A transposed convolution that enlarges bilinearly, each channel by itself; ``weight`` is ``[C, C, *kernel]``."""
    tent = torch.ones((), dtype=weight.dtype, device=weight.device)
    for size in weight.shape[2:]:
        step = (size + 1) // 2
        places = torch.arange(size, dtype=weight.dtype, device=weight.device) - (2 * step - 1 - size % 2) / 2
        tent = tent[..., None] * (1 - places.abs() / step)
    channels = torch.arange(min(weight.shape[:2]), device=weight.device)
    with torch.no_grad():
        weight.zero_()
        weight[channels, channels] = tent


# name -> (torch.nn.init function, parameters with defaults). Names and defaults are torch's, without the underscore.
INITIALIZERS: Mapping[str, tuple[str, Mapping[str, float | str]]] = MappingProxyType(
    {
        "constant": ("constant_", {"val": 0.0}),
        "normal": ("normal_", {"mean": 0.0, "std": 1.0}),
        "trunc_normal": ("trunc_normal_", {"mean": 0.0, "std": 1.0, "a": -2.0, "b": 2.0}),
        "uniform": ("uniform_", {"a": 0.0, "b": 1.0}),
        "xavier_uniform": ("xavier_uniform_", {"gain": 1.0}),
        "xavier_normal": ("xavier_normal_", {"gain": 1.0}),
        "kaiming_uniform": ("kaiming_uniform_", {"a": 0.0, "mode": "fan_in", "nonlinearity": "leaky_relu"}),
        "kaiming_normal": ("kaiming_normal_", {"a": 0.0, "mode": "fan_in", "nonlinearity": "leaky_relu"}),
        "orthogonal": ("orthogonal_", {"gain": 1.0}),
        "identity": ("eye_", {}),
        "dirac": ("dirac_", {"groups": 1}),
        "bilinear": ("bilinear_", {}),
    }
)

# What torch.nn.init lacks: written into the file that uses it.
OWN: Mapping[str, Callable[[Tensor], None]] = MappingProxyType({"bilinear": bilinear_})

CHOICES = MappingProxyType(
    {
        "mode": ("fan_in", "fan_out"),
        "nonlinearity": (
            "linear",
            "sigmoid",
            "tanh",
            "relu",
            "leaky_relu",
            "selu",
            "conv1d",
            "conv2d",
            "conv3d",
        ),
    }
)


@dataclass(frozen=True)
class Initializer:
    """``trunc_normal(std=0.02)``: a name of INITIALIZERS with the arguments that differ from torch's defaults."""

    name: str
    arguments: tuple[tuple[str, int | float | str], ...] = ()

    @property
    def torch_function(self) -> str:
        return INITIALIZERS[self.name][0]
