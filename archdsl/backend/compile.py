"""torch.compile by region: the outermost regions that repeat enough are compiled once each, else the model whole."""

from __future__ import annotations

import os
import shutil
import sys
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from torch import nn

from archdsl.backend import members
from archdsl.backend.module import emitted
from archdsl.backend.regions import Regions, Unit, instances
from archdsl.network.types import CallNode, Network, OpNode, Path, Region

Mode = Literal["auto", "none", "regional", "whole"]

SMALLEST = 4  # operators: compiling less than that apart gains nothing
PAYS_FROM = 4.0  # regional compiling must save this factor of what is traced
UNTRACED = ("lstm", "gru", "rnn")
COVERS = 0.5  # of the model's operators, or too much is left to eager


@dataclass(frozen=True)
class CompiledRegion:
    """One region with a code object of its own, and the submodules that are instances of it."""

    name: str
    unit: Unit
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Compilation:
    """What was compiled: ``mode`` is what it came to ("none" without a compiler)."""

    mode: Literal["none", "regional", "whole"]
    regions: tuple[CompiledRegion, ...] = ()
    reason: str = ""


def compile_module(
    network: Network,
    net: nn.Module,
    mode: Mode = "auto",
    *,
    backend: str = "inductor",
    dynamic: bool | None = None,
    **options: Any,
) -> Compilation:
    """Compiles in place (``Module.compile``), so that hooks, names and the state dict stay what they are.

    Lazy, as torch's own: each region is traced at its first call. ``fullgraph`` holds, so that a recompile limit is an
    error and never a silent fall back to eager; not so around ``nn.LSTM`` and its kin, which dynamo leaves to eager.
    """
    if mode == "none":
        return Compilation("none", reason="asked for")
    device = next((p.device.type for p in net.parameters()), "cpu")
    if backend == "inductor" and not can_compile(device):
        reason = "no C++ compiler was found" if device == "cpu" else "triton is not installed"
        warnings.warn(f"{reason}: the model runs in eager mode", stacklevel=2)
        return Compilation("none", reason=reason)
    chosen = compile_plan(network, mode)
    if not chosen:
        whole = _traces_whole(network.inference) and _traces_whole(network.training)
        net.compile(backend=backend, fullgraph=whole, dynamic=dynamic, **options)
        return Compilation("whole")
    for region in chosen:
        parts = [net.get_submodule(path) for path in region.paths]
        own = _own_code(type(parts[0]), region)
        whole = all(_traces_whole(r) for r in region.unit.both)
        for part in parts:
            part.__class__ = own
            part.compile(backend=backend, fullgraph=whole, dynamic=dynamic, **options)
    return Compilation("regional", chosen)


def compile_plan(network: Network, mode: Mode = "auto") -> tuple[CompiledRegion, ...]:
    """The regions to compile apart; none where the model is better compiled whole."""
    made = emitted(network)
    regions, root = made.regions, made.root
    if mode == "whole":
        return ()
    times = instances(root.inference, regions)
    cost = _Cost(regions)
    found: dict[Unit, list[str]] = {}
    for path, unit in _outermost(root, (), regions, times, cost):
        found.setdefault(unit, []).append(".".join(path))
    if mode == "auto" and found:
        whole = cost(root.inference)
        covered = sum(times[u.inference] * cost(u.inference) for u in found)
        distinct = sum(cost(u.inference) for u in found)
        if covered < COVERS * whole or covered < PAYS_FROM * distinct:
            return ()
    return tuple(CompiledRegion(u.inference.name, u, tuple(paths)) for u, paths in found.items())


def _traces_whole(region: Region) -> bool:
    """Whether dynamo can trace a region without a break: everything but torch's recurrent layers."""
    seen: set[Region] = set()

    def visit(inner: Region) -> bool:
        if inner in seen:
            return True
        seen.add(inner)
        return all(
            node.op.name not in UNTRACED if isinstance(node, OpNode) else visit(node.region)
            for node in inner.nodes
            if isinstance(node, OpNode | CallNode)
        )

    return visit(region)


class _Cost:
    """How many operators a region comes to when all is written out."""

    def __init__(self, regions: Regions) -> None:
        self.regions = regions
        self.known: dict[Region, int] = {}

    def __call__(self, region: Region) -> int:
        region = self.regions.canonical(region)
        if region not in self.known:
            total = 0
            for node in region.nodes:
                if isinstance(node, OpNode):
                    total += 1
                elif isinstance(node, CallNode):
                    rounds = (
                        node.count if node.kind in ("loop", "until") and isinstance(node.count, int) else 1
                    )
                    total += rounds * self(node.region)
            self.known[region] = total
        return self.known[region]


def _outermost(
    unit: Unit, path: Path, regions: Regions, times: Any, cost: _Cost
) -> Iterator[tuple[Path, Unit]]:
    for below, inner in children(unit, regions):
        here = path + below
        if (
            not regions.is_transparent(inner.inference)
            and times[inner.inference] >= 2
            and cost(inner.inference) >= SMALLEST
        ):
            yield here, inner
        else:
            yield from _outermost(inner, here, regions, times, cost)


def children(unit: Unit, regions: Regions) -> Iterator[tuple[Path, Unit]]:
    """The uses of regions with weights inside a region, rounds one by one; layers where they are declared."""
    for region in unit.both[:1]:
        for declaration in region.layers:
            if declaration.region is not None and regions.owns_state(declaration.region):
                yield declaration.path, regions.unit(declaration.region, declaration.region)
        for node, inner in members.pairs(unit, regions).items():
            if node not in region.nodes:
                continue
            if node.kind in ("loop", "until"):
                assert isinstance(node.count, int)
                for k in range(node.count):
                    yield (*node.path, str(node.first + k)), inner
            else:
                yield node.path, inner


def _own_code(cls: type[nn.Module], region: CompiledRegion) -> type[nn.Module]:
    """A class like ``cls`` whose ``forward`` is a code object of its own.

    Dynamo keeps what it compiled by code object: one for many shapes would meet the recompile limit.
    """
    home = sys.modules[cls.__module__]
    base = cls.__dict__.get("_archdsl_base", cls)
    name = f"{base.__name__}_{region.unit.inference.serial}_{abs(hash(region.unit)) % 10**8}"
    known = getattr(home, name, None)
    if known is not None:
        return known  # type: ignore[no-any-return]
    forward = base.forward
    code = forward.__code__.replace(co_name="forward")
    clone = types.FunctionType(
        code, forward.__globals__, "forward", forward.__defaults__, forward.__closure__
    )
    clone.__kwdefaults__ = forward.__kwdefaults__
    clone.__annotations__ = forward.__annotations__
    clone.__qualname__ = forward.__qualname__
    made = type(name, (base,), {"forward": clone, "__module__": cls.__module__, "_archdsl_base": base})
    made.__doc__ = base.__doc__
    setattr(home, name, made)
    return made


@cache
def can_compile(device: str) -> bool:
    """Whether inductor has what it needs: a C++ compiler for the CPU, triton for a GPU."""
    if device == "cuda":
        from torch.utils._triton import has_triton

        return bool(has_triton())
    candidates = [os.environ.get("CXX", ""), "g++", "clang++", "c++", "cl"]
    return any(shutil.which(name) for name in candidates if name)
