"""What PyTorch itself says of a module's memory: the storages its hooks see kept, the bytes its profiler sees live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def kept_bytes(net: nn.Module, inputs: Mapping[str, Tensor]) -> int:
    """Unique storages that a forward keeps for backward, those of parameters and buffers left out."""
    own = {t.untyped_storage().data_ptr() for t in (*net.parameters(), *net.buffers())}
    kept: dict[int, Tensor] = {}  # the tensors are held, or their places would be used again

    def pack(t: Tensor) -> Tensor:
        place = t.untyped_storage().data_ptr()
        if place not in own:
            kept[place] = t
        return t

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        outputs = net(**inputs)
    del outputs
    return sum(t.untyped_storage().nbytes() for t in kept.values())


class _Alive(TorchDispatchMode):
    """Follows the storages that PyTorch's operators give back, until nothing holds them."""

    def __init__(self) -> None:
        super().__init__()
        self.storages: dict[int, tuple[StorageWeakRef, int]] = {}
        self.ignored: set[int] = set()
        self.most = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        self.storages = {key: one for key, one in self.storages.items() if not one[0].expired()}
        for t in tree_leaves((found, args, kwargs)):
            if isinstance(t, Tensor):
                storage = t.untyped_storage()
                if storage._cdata in self.ignored:
                    continue
                self.storages.setdefault(storage._cdata, (StorageWeakRef(storage), storage.nbytes()))
        self.most = max(self.most, sum(size for _, size in self.storages.values()))
        return found


def held_bytes(net: nn.Module, inputs: Mapping[str, Tensor]) -> int:
    """The most that tensors held at once in an inference, inputs included and weights not; no kernel's workspace."""
    own = {t.untyped_storage()._cdata for t in (*net.parameters(), *net.buffers())}
    with torch.no_grad(), _Alive() as alive:
        for t in inputs.values():
            alive.storages[t.untyped_storage()._cdata] = (
                StorageWeakRef(t.untyped_storage()),
                t.untyped_storage().nbytes(),
            )
        for key in own:
            alive.ignored.add(key)
        outputs = net(**inputs)
    del outputs
    return alive.most


def live_bytes(net: nn.Module, inputs: Mapping[str, Tensor]) -> int:
    """The most that was live at once in an inference, beside weights and inputs, as the profiler records it."""
    with torch.no_grad():
        net(**inputs)  # what is made once and kept is not of the run
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
            outputs = net(**inputs)
    del outputs
    events: Any = seen.profiler.kineto_results.events()  # type: ignore[union-attr]
    changes = sorted((e.start_ns(), i, e.nbytes()) for i, e in enumerate(events) if e.name() == "[memory]")
    live = most = 0
    for _, _, change in changes:
        live += change
        most = max(most, live)
    return most
