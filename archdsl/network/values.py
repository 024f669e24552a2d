"""What an expression can be worth while a program is elaborated: numbers, tensors, lists, masks, and recipes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from archdsl.dims import Size, render
from archdsl.network.types import LateExpression, LayerValue, Value
from archdsl.ops.base import Operator
from archdsl.ops.initializers import Initializer
from archdsl.ops.masks import Mask
from archdsl.ops.registry import find
from archdsl.syntax.tree import Definition, Expression


@dataclass(frozen=True)
class DType:
    """``int``, ``bf16``: a dtype by torch's name."""

    name: str


@dataclass(frozen=True, eq=False)
class LateNumber:
    """A number that came into a region from outside and whose value nothing in it has asked for yet.

    ``value`` is what it is in the instance at hand, ``expression`` what it is in terms of the region's late slots.
    """

    value: int | float
    expression: LateExpression


@dataclass(frozen=True, eq=False)
class OperatorRecipe:
    """An operator by name; its class is looked up when it is used."""

    name: str

    @property
    def operator(self) -> type[Operator]:
        cls = find(self.name)
        assert cls is not None, self.name
        return cls


@dataclass(frozen=True, eq=False)
class FunctionRecipe:
    """A function of numbers and lists, a mask or an initialiser, or a wrapper of recipes: built in, by name."""

    name: str


@dataclass(frozen=True, eq=False)
class BlockRecipe:
    """A block or model, with the scope it was defined in."""

    definition: Definition
    scope: Scope


@dataclass(frozen=True, eq=False)
class Closure:
    """An expression handed over unapplied, with its scope; evaluated at each use with the wire there."""

    expression: Expression
    scope: Scope


class Unknown:
    """What a mistake leaves behind: whatever touches it is silent."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = Unknown()


class NoWire:
    """There is no wire yet: a pipe starts from a name here."""


NO_WIRE = NoWire()

Recipe = OperatorRecipe | FunctionRecipe | BlockRecipe | Closure | LayerValue
Number = int | float | Size | LateNumber


@dataclass(eq=False)
class Scope:
    """Names and what they stand for: one per block call, shared by its loops and branches.

    ``static`` tells what a name can be before it is run (see naming).
    """

    static: Any
    parent: Scope | None = None
    names: dict[str, Any] = field(default_factory=dict)

    def find(self, name: str) -> Any | None:
        """The value of a name, or None (Python's None is held as the NoneValue constant)."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def top(self) -> Scope:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def visible(self) -> dict[str, Any]:
        """All names that can be seen from here, inner ones first."""
        found: dict[str, Any] = {}
        scope: Scope | None = self
        while scope is not None:
            for name, value in scope.names.items():
                found.setdefault(name, value)
            scope = scope.parent
        return found


class NoneValue:
    """``none``."""

    def __repr__(self) -> str:
        return "none"


NONE = NoneValue()


def is_recipe(value: object) -> bool:
    return isinstance(value, OperatorRecipe | FunctionRecipe | BlockRecipe | Closure | LayerValue)


def is_number(value: object) -> bool:
    """A whole or real number, a size or a late one; bools are not numbers."""
    return isinstance(value, int | float | Size | LateNumber) and not isinstance(value, bool)


def describe(value: object) -> str:
    """What a value is, in the words of a message: ``a tensor [B, 64]``, ``a list of 3``, ``the number 7``."""
    match value:
        case Value():
            return f"a tensor {value.type}"
        case LateNumber():
            return f"the number {value.value}"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case Size():
            return f"the size {render(value)}"
        case str():
            return f'the text "{value}"'
        case tuple():
            return f"a list of {len(value)}"
        case Mask():
            return "a mask"
        case Initializer():
            return f"the initialiser {value.name}"
        case DType():
            return f"the dtype {value.name}"
        case NoneValue():
            return "none"
        case LayerValue():
            return f"the layer {value.name}"
        case OperatorRecipe():
            return f"the operator {value.name}"
        case FunctionRecipe():
            return f"the function {value.name}"
        case BlockRecipe():
            return f"the {value.definition.keyword} {value.definition.name}"
        case Closure():
            return "a recipe"
        case _:
            return "nothing"


def written(value: object) -> str:
    """A constant as it would be written in a program."""
    match value:
        case LateNumber():
            return str(value.value)
        case Size():
            return render(value)
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(written(v) for v in value)}]"
        case _:
            return str(value)
