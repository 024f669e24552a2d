"""What a lowered region is: a torch.fx graph, and what its targets stand for."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass

from torch import fx

from archdsl.backend.errors import BackendError
from archdsl.backend.names import checked_component
from archdsl.dims import Dim, Size, evaluate, symbol, symbols
from archdsl.network.types import CallNode, OpNode, RawTensorNode, Region
from archdsl.ops.base import Mod, Operator
from archdsl.tensors import TensorType

# What a region can't find in its own scope, and its callers hand down: a size, the device or dtype of the model.
Extra = Size | str
Need = tuple[
    int, str | None
]  # the layer input's place, and the weight that is needed of it (None: the module)


@dataclass(frozen=True)
class OpMember:
    """A module of an operator. ``owns`` says whether it holds the operator's weights, and so has its path."""

    node: OpNode
    op: Operator
    mod: Mod
    owns: bool


Member = OpMember | RawTensorNode | CallNode


@dataclass(frozen=True)
class Lowered:
    """A region's graph. ``members`` says what its targets are; placeholders: inputs, needed layers, then extras."""

    region: Region
    graph: fx.Graph
    members: Mapping[str, Member]
    needs: tuple[Need, ...]
    extras: tuple[Extra, ...]


class SizeFunction:
    """A symbolic size as a function of its symbols, so that a graph can hold it."""

    __module__ = __name__

    def __init__(self, size: Size) -> None:
        self.size = size
        self.symbols = tuple(sorted(symbols(size)))
        self.__name__ = self.__qualname__ = "size_of"

    def __call__(self, *values: int) -> int:
        return evaluate(self.size, dict(zip(self.symbols, values, strict=True)))


def dotted(path: tuple[str, ...]) -> str:
    """A path as the target of a graph: every component checked, because fx executes what it is given."""
    return ".".join(
        f"{checked_component(c)}_" if keyword.iskeyword(c) else checked_component(c) for c in path
    )


def checked_method(name: str) -> str:
    """A method of tensors that a lowering may name."""
    if name.startswith("_") or not name.isidentifier():
        raise BackendError(f"{name!r} is not a method that a lowering may name")
    return name


def symbols_of(size: Size) -> list[Dim]:
    """The symbols of a size, in order."""
    return [symbol(s) for s in sorted(symbols(size))]


def describe(node: fx.Node, type: TensorType) -> None:
    """What is known of a node's value."""
    node.meta.update(type=type, shape=type.shape, dtype=type.dtype)
