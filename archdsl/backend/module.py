"""A network as an nn.Module: generated source executed, made on the meta device, started once where it will live."""

from __future__ import annotations

import hashlib
import linecache
import sys
import types
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from archdsl.backend.emit import Emitted, Variants, emit
from archdsl.backend.errors import BackendError
from archdsl.backend.promises import promised_weights
from archdsl.network.types import Network

# Emitted files by network: emitting is pure, and a network is one object for as long as it is used.
_EMITTED: dict[int, tuple[Network, Emitted]] = {}


def emitted(network: Network, variants: Variants | None = None) -> Emitted:
    """The source of a network's module, made once; ``variants`` (of the first call) as for ``emit``."""
    known = _EMITTED.get(id(network))
    if known is None or known[0] is not network:
        if len(_EMITTED) > 64:
            _EMITTED.clear()
        known = _EMITTED[id(network)] = (network, emit(network, variants))
    return known[1]


def load(made: Emitted) -> types.ModuleType:
    """The generated file as a Python module; tracebacks show its lines."""
    digest = hashlib.sha256(made.source.encode()).hexdigest()[:12]
    name = f"archdsl_generated_{made.model.lower()}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    filename = f"<archdsl {made.model} {digest}>"
    module = types.ModuleType(name)
    module.__file__ = filename
    linecache.cache[filename] = (len(made.source), None, made.source.splitlines(keepends=True), filename)
    # Classes must be found again by pickle, copy and dynamo.
    sys.modules[name] = module
    try:
        exec(compile(made.source, filename, "exec", dont_inherit=True), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def module(
    network: Network,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    seed: int | None = 0,
) -> nn.Module:
    """An ordinary module with the network's weights, started from ``seed``; its state dict's keys are the paths.

    ``seed`` None leaves the weights unset (a checkpoint follows). ``dtype`` is that of all floats.
    """
    made = emitted(network)
    cls: type[nn.Module] = getattr(load(made), made.model)
    device = torch.device(device)
    with torch.device("meta"):
        net = cls()
    _keep_promises(network, net)
    if device.type == "meta":
        return net if dtype is None else net.to(dtype)
    if seed is not None and any(_can_not_reset(m) for m in net.modules()):
        return _made_directly(cls, device, dtype, seed)
    if dtype is not None:
        net = net.to(dtype)
    net = net.to_empty(device=device)
    with _seeded(seed or 0, device):
        reset(net, only_buffers=seed is None)
    return net


def _keep_promises(network: Network, net: nn.Module) -> None:
    """Never a module that lacks weights: loops whose rounds the two modes fold otherwise could lose some."""
    wrong = sorted(net.state_dict().keys() ^ promised_weights(network).keys())
    if wrong:
        raise BackendError(
            f"{network.name} can't be built: what training and inference do in the rounds of a loop differs too much "
            f"for one list of modules ({', '.join(wrong[:4])}); write these rounds out, a statement each"
        )


def reset(net: nn.Module, *, only_buffers: bool = False) -> None:
    """Start all weights and buffers again: what is inside first, because what is outside has the last word."""
    with torch.no_grad():
        for part in reversed(list(net.modules())):
            start: Any = getattr(part, "reset_parameters", None)
            if callable(start) and (not only_buffers or next(part.buffers(recurse=False), None) is not None):
                start()


def _can_not_reset(part: nn.Module) -> bool:
    own = [*part.parameters(recurse=False), *part.buffers(recurse=False)]
    return bool(own) and not callable(getattr(part, "reset_parameters", None))


def _made_directly(
    cls: type[nn.Module], device: torch.device, dtype: torch.dtype | None, seed: int
) -> nn.Module:
    """For operators whose modules can't start again: made on the device at once."""
    with _seeded(seed, device), device:
        net = cls()
    return net if dtype is None else net.to(dtype)


class _seeded:
    """The random state of a device set, and put back afterwards."""

    def __init__(self, seed: int, device: torch.device) -> None:
        devices = [device] if device.type == "cuda" else []
        self.fork = torch.random.fork_rng(devices=devices)
        self.seed = seed

    def __enter__(self) -> None:
        self.fork.__enter__()
        torch.manual_seed(self.seed)

    def __exit__(self, *error: Any) -> None:
        self.fork.__exit__(*error)


def state_paths(network: Network) -> Iterator[str]:
    """The keys of the state dict, from the generated module on the meta device."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from module(network, device="meta").state_dict()
