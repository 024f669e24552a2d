"""Region boundaries: what goes in becomes a key for the memo, and, where the region is new, values of its own.

Two uses of a block are the same region when their keys are equal: the same text, equal constants, tensors of equal
types that alias in the same way. Numbers are not in the key: a region's entry says which of them
it asked for (late numbers).
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import fields
from typing import Any

from archdsl.dims import Size
from archdsl.network.names import free_names
from archdsl.network.types import LayerValue, Value
from archdsl.network.values import (
    NO_WIRE,
    NONE,
    UNKNOWN,
    BlockRecipe,
    Closure,
    LateNumber,
    OperatorRecipe,
    Scope,
)
from archdsl.ops.masks import Mask
from archdsl.syntax.fingerprint import fingerprint
from archdsl.syntax.remember import by_node
from archdsl.syntax.tree import Node


class Boundary:
    """The outer side of one use: collects the tensors, layers and numbers that go in, and makes the key."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self.layers: list[LayerValue] = []
        self.numbers: list[int | float | LateNumber] = []
        self._value_slots: dict[Value, int] = {}
        self._layer_slots: dict[LayerValue, int] = {}
        self._recipes: dict[int, int] = {}

    def key(self, value: Any) -> Hashable:
        """A key for a value; equal keys make equal regions. The order of calls is the order of ``Lift.value``."""
        match value:
            case bool() | str():
                return ("constant", type(value).__name__, value)
            case LateNumber():
                self.numbers.append(value)
                return ("number", type(value.value).__name__)
            case int() | float():
                self.numbers.append(value)
                return ("number", type(value).__name__)
            case Size():
                return ("size", value)
            case Value():
                slot = self._value_slots.setdefault(value, len(self.values))
                if slot == len(self.values):
                    self.values.append(value)
                return ("tensor", slot, value.type)
            case LayerValue():
                slot = self._layer_slots.setdefault(value, len(self.layers))
                if slot == len(self.layers):
                    self.layers.append(value)
                closure = value.closure
                assert isinstance(closure, Closure)
                return ("layer", slot, value.state, self.captured(closure.expression, closure.scope))
            case tuple():
                return ("list", *(self.key(item) for item in value))
            case Mask():
                return (type(value).__name__, *(self.key(getattr(value, f.name)) for f in fields(value)))
            case OperatorRecipe():
                return ("operator", value.name)
            case BlockRecipe():
                if id(value) in self._recipes:
                    return ("again", self._recipes[id(value)])
                self._recipes[id(value)] = len(self._recipes)
                return ("block", value.definition, self.captured(value.definition, value.scope))
            case Closure():
                return ("recipe", structure(value.expression), self.captured(value.expression, value.scope))
            case _ if value is UNKNOWN or value is NO_WIRE or value is NONE:
                return ("special", repr(value) if value is not NO_WIRE else "no wire")
            case _:
                return ("constant", type(value).__name__, value)

    def captured(self, node: Node, scope: Scope) -> Hashable:
        """The key of what the free names of ``node`` stand for, those of the file's own level excepted."""
        return tuple((name, self.key(value)) for name, value in captures(node, scope))


class Lift:
    """The inner side: the same walk as ``Boundary``, giving values of the new region for those outside."""

    def __init__(self, boundary: Boundary, values: list[Value], layers: list[LayerValue]) -> None:
        self._values = dict(zip(boundary.values, values, strict=True))
        self._layers = dict(zip(boundary.layers, layers, strict=True))
        self._number = 0
        self._recipes: dict[int, BlockRecipe] = {}

    def value(self, value: Any) -> Any:
        match value:
            case bool() | str() | Size():
                return value
            case LateNumber() | int() | float():
                slot = self._number
                self._number += 1
                return LateNumber(value.value if isinstance(value, LateNumber) else value, ("slot", slot))
            case Value():
                return self._values[value]
            case LayerValue():
                layer, closure = self._layers[value], value.closure
                assert isinstance(closure, Closure)
                lifted_closure = self._closure(closure)
                if (
                    layer.closure is None
                ):  # the first mention; a closure needs its lifted scope, so the late write
                    object.__setattr__(layer, "closure", lifted_closure)
                return layer
            case tuple():
                return tuple(self.value(item) for item in value)
            case Mask():
                return type(value)(*(self.value(getattr(value, f.name)) for f in fields(value)))
            case BlockRecipe():
                if id(value) in self._recipes:
                    return self._recipes[id(value)]
                scope = Scope(value.scope.static, value.scope.top())
                lifted = self._recipes[id(value)] = BlockRecipe(value.definition, scope)
                self.captured(value.definition, value.scope, scope)
                return lifted
            case Closure():
                return self._closure(value)
            case _:
                return value

    def _closure(self, closure: Closure) -> Closure:
        scope = Scope(closure.scope.static, closure.scope.top())
        self.captured(closure.expression, closure.scope, scope)
        return Closure(closure.expression, scope)

    def captured(self, node: Node, scope: Scope, into: Scope) -> None:
        for name, value in captures(node, scope):
            into.names[name] = self.value(value)


def captures(node: Node, scope: Scope) -> list[tuple[str, Any]]:
    """The free names of ``node`` that are local to ``scope``, with their values, in the order of the text."""
    if scope.parent is None:
        return []
    top = scope.top()
    found = []
    for name in free_names(node):
        value = scope.find(name)
        if value is not None and top.names.get(name) is not value:
            found.append((name, value))
    return found


@by_node
def structure(node: Node) -> Hashable:
    """The structure of an expression without places: two equal texts make the same regions."""
    return fingerprint(node)
