"""The oracle's state while a program runs in torch: sizes, names, weights by path, and what counts as a refusal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

# What torch raises for sizes and arguments it does not take. A mistake of the oracle (KeyError, NameError,
# AttributeError) is none of these.
REFUSALS = (
    RuntimeError,
    ValueError,
    IndexError,
    TypeError,
    AssertionError,
    NotImplementedError,
    ZeroDivisionError,
)


class Stricter(ValueError):
    """The language refuses what torch would take, for a reason that stands in ``stricter.RULES``."""


class Weights:
    """The modules of a network by path, made at the first run and kept: a weight can't follow a free size."""

    def __init__(self, device: str = "meta") -> None:
        self.device = torch.device(device)
        self.modules: dict[tuple[str, ...], nn.Module] = {}

    def on_cpu(self) -> Weights:
        """The same modules with real memory, filled by ``fill``."""
        copy = Weights("cpu")
        for path, module in self.modules.items():
            copy.modules[path] = deepcopy(module).to_empty(device="cpu")
        fill(copy.state())
        return copy

    def state(self) -> dict[str, Tensor]:
        """Parameters and buffers by the keys that the generated module should have."""
        return {
            ".".join((*path, name)): tensor
            for path, module in self.modules.items()
            for name, tensor in module.state_dict(keep_vars=True).items()
        }

    @property
    def count(self) -> int:
        """The number of parameters."""
        return sum(p.numel() for m in self.modules.values() for p in m.parameters())


class Raw(nn.Module):
    """A ``param`` or ``buffer`` of the language."""

    def __init__(self, keyword: str, shape: list[int]) -> None:
        super().__init__()
        self.keyword = keyword
        if keyword == "param":
            self.value = nn.Parameter(torch.zeros(shape))
        else:
            self.register_buffer("value", torch.zeros(shape))

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        found = super().state_dict(*args, **kwargs)
        return {"": found["value"]} if "value" in found else found


def fill(state: Mapping[str, Tensor]) -> None:
    """Values that depend on the key and the shape alone, so that two modules with equal keys are equal."""
    with torch.no_grad():
        for key, tensor in state.items():
            key = key.rstrip(".")
            if not tensor.is_floating_point():
                tensor.zero_()
                continue
            seed = sum((i + 1) * ord(c) for i, c in enumerate(key)) % 997
            wave = torch.arange(tensor.numel(), dtype=torch.float64).add_(1.0).mul_(0.7 + seed / 997).sin_()
            if key.endswith(("running_var", "running_square")):
                values = 1.0 + 0.5 * wave
            else:
                fan = max(1, tensor.numel() // max(1, tensor.shape[0])) if tensor.dim() > 1 else 4
                values = wave / math.sqrt(fan)
                if tensor.dim() == 1 and key.endswith("weight"):
                    values = 1.0 + values
            tensor.copy_(values.view(tensor.shape).to(tensor.dtype))


class Run:
    """One run of a program at given sizes. ``env`` holds the names, ``prefix`` the place at hand."""

    def __init__(self, sizes: Mapping[str, int], weights: Weights, env: dict[str, Any] | None = None) -> None:
        self.sizes = dict(sizes)
        self.weights = weights
        self.env: dict[str, Any] = env if env is not None else {}
        self.prefix: tuple[str, ...] = ()

    @contextmanager
    def place(self, *components: str, absolute: bool = False) -> Iterator[None]:
        """Weights made inside are stored below."""
        before = self.prefix
        self.prefix = components if absolute else (*before, *components)
        try:
            yield
        finally:
            self.prefix = before

    @contextmanager
    def scope(self, names: Mapping[str, Any], fresh: bool = False) -> Iterator[None]:
        """Names of a block's own; ``fresh`` hides those outside."""
        before = self.env
        self.env = dict(names) if fresh else {**before, **names}
        try:
            yield
        finally:
            self.env = before

    def module(self, make: Callable[[], nn.Module], *below: str) -> Any:
        """The module at this place; made at the first run."""
        path = (*self.prefix, *below)
        known = self.weights.modules.get(path)
        if known is None:
            with self.weights.device:
                known = make()
            known.eval()
            self.weights.modules[path] = known
        return known

    @property
    def device(self) -> torch.device:
        return self.weights.device


def checked(value: Any) -> Any:
    """A value as it is; a tensor without elements is refused, as in the language nothing may shrink to zero."""
    for tensor in tensors_of(value):
        if 0 in tensor.shape:
            raise Stricter("a size of zero")
    return value


def tensors_of(value: Any) -> list[Tensor]:
    """The tensors in nested lists."""
    if isinstance(value, Tensor):
        return [value]
    return [t for v in value for t in tensors_of(v)] if isinstance(value, list | tuple) else []


def sample(shape: list[int], dtype: str, device: torch.device, high: int, name: str = "") -> Tensor:
    """An input: floats between -1 and 1, integers below ``high``."""
    kind = getattr(torch, dtype)
    if device.type == "meta":
        return torch.empty(shape, dtype=kind, device=device)
    generator = torch.Generator().manual_seed(sum(map(ord, name)) + 7)
    if kind.is_floating_point:
        return (torch.rand(shape, generator=generator) * 2 - 1).to(kind)
    return torch.randint(0, 2 if kind == torch.bool else high, shape, generator=generator).to(kind)
