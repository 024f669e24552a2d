"""Runs an operator's lowering with real tensors, on any device (meta too), without emitting source.

What the emitter writes as text is done here directly: targets are looked up in a fixed set of torch's namespaces,
modules are created once, helper functions see the names that the emitted file would give them. Tests and constant
folding use it; models run as emitted source.
"""

from __future__ import annotations

import builtins
import math
import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from archdsl.dims import Size, evaluate
from archdsl.ops.base import Fn, Late, Lowered, Mod, Operator, Slot

# What a dotted target may start with, and what a helper's source finds in the emitted file.
NAMESPACES: Mapping[str, object] = {"torch": torch, "nn": nn, "F": F, "math": math, "operator": operator}
EMITTED_NAMES: Mapping[str, object] = {"torch": torch, "nn": nn, "F": F, "math": math, "Tensor": Tensor}
MARKERS = ("device", "dtype")  # stand for those of the model at hand


class LoweringError(Exception):
    """A lowering that names what it may not, or lacks what it needs: a mistake in an operator, not in a program."""


@dataclass(frozen=True)
class Surroundings:
    """What a lowering needs beside its tensors: where and in which dtype, the values of late fields and of sizes."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    dtype: torch.dtype = torch.float32
    late: Mapping[str, float] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)


class Interpreter(nn.Module):
    """A lowering whose modules exist. ``parts`` holds them in the order in which they are written."""

    def __init__(self, lowered: Lowered, around: Surroundings | None = None) -> None:
        super().__init__()
        self.lowered = lowered
        self.around = around or Surroundings()
        self.parts = nn.ModuleList()
        self._part_of: dict[int, int] = {}
        self._found: dict[
            int, Any
        ] = {}  # what each Fn's target names; looked up once, outside any compiled code
        self._create(lowered)

    def forward(self, *tensors: Tensor) -> Any:
        """The value of the lowering: a tensor, or a tuple of them."""
        return self._value(self.lowered, tensors)

    def own_parameters(self) -> dict[str, Tensor]:
        """Parameters under the names that the operator's ``weights`` gives them: without the module's own name."""
        return {name: p for part in self.parts for name, p in part.named_parameters()}

    def own_buffers(self) -> dict[str, Tensor]:
        """Buffers under the operator's names, also those that no state dict holds."""
        return {name: b for part in self.parts for name, b in part.named_buffers()}

    def own_state(self) -> dict[str, Tensor]:
        """What a checkpoint holds of it, under the operator's names."""
        return {name: value for part in self.parts for name, value in part.state_dict().items()}

    def _create(self, node: object) -> None:
        """Create every module in ``node`` and look up every target, each once however often it is mentioned."""
        match node:
            case Mod():
                self._create((node.arguments, dict(node.keywords), node.inputs))
                if id(node) not in self._part_of:
                    cls = _module_class(node.target)
                    with self.around.device:
                        part = cls(*self._value(node.arguments, ()), **self._value(dict(node.keywords), ()))
                        part = part if node.around is None else function(node.around)(part)
                    self._part_of[id(node)] = len(self.parts)
                    self.parts.append(part.to(dtype=self.around.dtype))
            case Fn():
                if not (isinstance(node.target, str) and (node.target[0] == "." or node.target in MARKERS)):
                    self._found[id(node)] = function(node.target)
                self._create((node.args, dict(node.kwargs)))
            case tuple() | list():
                for item in node:
                    self._create(item)
            case dict():
                self._create(tuple(node.values()))
            case slice():
                self._create((node.start, node.stop, node.step))

    def _value(self, node: object, tensors: Sequence[Tensor]) -> Any:
        match node:
            case Slot(index):
                return tensors[index]
            case Mod():
                return self.parts[self._part_of[id(node)]](*(self._value(i, tensors) for i in node.inputs))
            case Fn(target="device"):
                return self.around.device
            case Fn(target="dtype"):
                return self.around.dtype
            case Fn():
                return self._call(node, tensors)
            case Late(key):
                return self.around.late[key]
            case Size():
                return evaluate(node, self.around.sizes)
            case tuple():
                return tuple(self._value(item, tensors) for item in node)
            case list():
                return [self._value(item, tensors) for item in node]
            case dict():
                return {key: self._value(item, tensors) for key, item in node.items()}
            case slice():
                return slice(*(self._value(x, tensors) for x in (node.start, node.stop, node.step)))
            case _:
                return node

    def _call(self, node: Fn, tensors: Sequence[Tensor]) -> Any:
        args = [self._value(a, tensors) for a in node.args]
        kwargs = {key: self._value(a, tensors) for key, a in node.kwargs.items()}
        if isinstance(node.target, str) and node.target.startswith("."):
            name = _public(node.target[1:], node.target)
            # ``.shape`` and ``.device`` are there to be read. The class is asked, which ``torch.compile`` can follow.
            if not callable(getattr(torch.Tensor, name, None)):
                return getattr(args[0], name)
            return getattr(args[0], name)(*args[1:], **kwargs)
        found = self._found[id(node)]
        # ``torch.float16`` and ``math.pi`` are constants, not calls.
        return found(*args, **kwargs) if callable(found) else found


def run(op: Operator, lowered: Lowered, tensors: Sequence[Tensor], around: Surroundings | None = None) -> Any:
    """The value of ``lowered``, which ``op.lower`` gave, for these tensors; its modules are created on their device."""
    if around is None:
        first = next((t for t in tensors if t.is_floating_point()), None)
        device = tensors[0].device if tensors else torch.device("cpu")
        around = Surroundings(device, torch.float32 if first is None else first.dtype)
    try:
        return Interpreter(lowered, around)(*tensors)
    except LoweringError as error:
        raise LoweringError(f"{op.name}: {error}") from None


def function(target: str | Callable[..., Any]) -> Any:
    """What a dotted target names, or the helper function with the names it has in the emitted file."""
    if not isinstance(target, str):
        if not isinstance(target, FunctionType) or target.__closure__:
            raise LoweringError(f"{target!r} is no plain function at the top of an operator's file")
        return _rebound(target)
    first, *rest = target.split(".")
    if first not in NAMESPACES or not rest:
        raise LoweringError(f"{target!r} is not under {', '.join(NAMESPACES)}")
    found: Any = NAMESPACES[first]
    for name in rest:
        found = getattr(found, _public(name, target), None)
        if found is None:
            raise LoweringError(f"{target!r} does not exist")
    return found


@cache  # the emitted file defines each class once
def _module_class(target: str | Callable[[], type]) -> type[nn.Module]:
    cls = function(target) if isinstance(target, str) else function(target)()
    if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
        raise LoweringError(f"{target!r} is no nn.Module")
    return cls


def _public(name: str, target: str) -> str:
    if name.startswith("_") or not name.isidentifier():
        raise LoweringError(f"{target!r}: {name!r} is not a public name")
    return name


@cache
def _rebound(helper: FunctionType) -> FunctionType:
    """``helper`` with globals in which torch's names, and the helpers it calls, are bound as in the emitted file."""
    names = vars(_emitted_module(helper.__module__))
    if isinstance(done := names.get(helper.__name__), FunctionType):  # helpers may call each other
        return done
    new = names[helper.__name__] = FunctionType(helper.__code__, names, helper.__name__, helper.__defaults__)
    new.__kwdefaults__ = helper.__kwdefaults__
    home = vars(sys.modules[helper.__module__])
    for name in _names_used(helper.__code__) - names.keys():
        if isinstance(other := home.get(name), FunctionType):
            names[name] = _rebound(other)
    return new


@cache
def _emitted_module(home: str) -> ModuleType:
    """A module for the helpers of ``home``; one that can be imported, as ``torch.compile`` looks globals up by name."""
    module = ModuleType(f"archdsl_emitted.{home}")
    vars(module).update(EMITTED_NAMES, __builtins__=builtins)
    sys.modules[module.__name__] = module
    return module


def _names_used(code: CodeType) -> set[str]:
    """The global names read by a function, those of functions and classes inside it too."""
    inner = (c for c in code.co_consts if isinstance(c, CodeType))
    return set(code.co_names).union(*map(_names_used, inner))
