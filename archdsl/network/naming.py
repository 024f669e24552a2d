"""Paths: which component each use in the text adds to the names of its weights, decided from the text alone.

A *place* is a stretch of text that adds a component to paths: a block's body, a labelled expression, a round of a loop,
a layer, an alias, a recipe handed over. Within one place the k-th use of a name is ``name_k``; where a place other than
a block's body textually holds one use that can hold weights, that use adds nothing.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterator
from dataclasses import dataclass, field

from archdsl.network.module_attributes import MODULE_ATTRIBUTES
from archdsl.network.names import children
from archdsl.network.values import BlockRecipe, Closure, FunctionRecipe, OperatorRecipe, Scope
from archdsl.ops.base import Operator
from archdsl.syntax.tree import (
    Assign,
    Body,
    Call,
    Comprehension,
    Definition,
    Expression,
    ExpressionStatement,
    For,
    If,
    Labelled,
    Name,
    Node,
    Output,
    Pipe,
    RawTensor,
    Repeat,
    Statement,
)

LOOP_WORDS = ("repeat", "for")


@dataclass(eq=False)
class StaticNames:
    """What the names of one definition can be before anything runs: recipes that hold weights, or values."""

    parent: StaticNames | None
    top: Scope
    holders: dict[str, bool] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    busy: set[Definition] = field(default_factory=set)

    @staticmethod
    def of(definition: Definition, parent: StaticNames | None, top: Scope) -> StaticNames:
        names = StaticNames(parent, top)
        for parameter in definition.parameters:
            names.holders[parameter.name] = parameter.kind == "block"
        if definition.body is not None:
            names._collect(definition.body)
        return names

    def _collect(self, node: Node) -> None:
        match node:
            case Body():
                for statement in node.statements:
                    self._collect(statement)
            case Definition(keyword="layer"):
                self.holders[node.name] = False
            case Definition():
                self.definitions[node.name] = node
            case Assign():
                self.holders.update(dict.fromkeys(node.targets, False))
                self._collect(node.value)
            case RawTensor() | Output():
                self.holders[node.name] = False
            case If():
                self._collect(node.then)
                if node.otherwise is not None:
                    self._collect(node.otherwise)
            case For():
                self.holders.update(dict.fromkeys(node.targets, False))
                self._collect(node.body)
            case Repeat():
                self._collect(node.body)
            case _:
                for child in children(node):
                    self._collect(child)

    def holds(self, name: str) -> bool:
        """Whether a use of ``name`` can hold weights."""
        if name in self.holders:
            return self.holders[name]
        if name in self.definitions:
            return self.definition_holds(self.definitions[name], self)
        if self.parent is not None:
            return self.parent.holds(name)
        return self._value_holds(self.top.find(name))

    def _value_holds(self, value: object) -> bool:
        match value:
            case OperatorRecipe():
                return value.operator.weights is not Operator.weights
            case BlockRecipe():
                return self.definition_holds(value.definition, value.scope.static)
            case Closure():
                return True
            case FunctionRecipe():
                return value.name == "scan"
            case _:
                return False

    def definition_holds(self, definition: Definition, around: StaticNames) -> bool:
        """Whether a block's text has a use that can hold weights, or a weight of its own."""
        if definition in self.busy:
            return False
        self.busy.add(definition)
        try:
            inner = StaticNames.of(definition, around, around.top)
            inner.busy = self.busy
            if definition.body is not None and _declares(definition.body):
                return True
            return next(uses(definition, inner), None) is not None
        finally:
            self.busy.discard(definition)

    def handed_over(self, call: Call) -> frozenset[int]:
        """Positions of the arguments of a call that are recipes handed over: they are places of their own."""
        if not isinstance(call.function, Name):
            return frozenset()
        definition = self._definition(call.function.name)
        if definition is None:
            return frozenset({0}) if call.function.name == "scan" else frozenset()
        positional = [p for p in definition.parameters if p.kind == "value" or p.default is None]
        kinds = {p.name: p.kind for p in definition.parameters}
        found = set()
        for i, argument in enumerate(call.arguments):
            if argument.name is not None:
                if kinds.get(argument.name) == "block":
                    found.add(i)
            elif i < len(positional) and positional[i].kind == "block":
                found.add(i)
        return frozenset(found)

    def _definition(self, name: str) -> Definition | None:
        names: StaticNames | None = self
        while names is not None:
            if name in names.definitions:
                return names.definitions[name]
            if name in names.holders:
                return None
            names = names.parent
        value = self.top.find(name)
        return value.definition if isinstance(value, BlockRecipe) else None


def _declares(node: Node) -> bool:
    """Whether a body declares a param, a buffer or a layer."""
    match node:
        case Body():
            return any(_declares(s) for s in node.statements)
        case RawTensor():
            return True
        case Definition():
            return node.keyword == "layer"
        case If():
            return _declares(node.then) or (node.otherwise is not None and _declares(node.otherwise))
        case ExpressionStatement():
            return _declares(node.value)
        case Assign():
            return _declares(node.value)
        case Repeat() | For():
            return _declares(node.body)
        case _:
            return any(_declares(child) for child in children(node))


def uses(root: Node, names: StaticNames) -> Iterator[tuple[Node, str | None]]:
    """The uses of one place that can hold weights, in the order of the text, each with its written name.

    A labelled expression is one use with no written name; what is inside it belongs to its own place.
    """
    match root:
        case Definition():
            for parameter in root.parameters:
                if parameter.default is not None and parameter.kind != "block":
                    yield from uses(parameter.default, names)
            if root.body is not None:
                yield from uses(root.body, names)
            if root.alias is not None:
                yield from uses(root.alias, names)
        case Body():
            for statement in root.statements:
                yield from uses(statement, names)
        case If():
            yield from uses(root.condition, names)
            yield from uses(root.then, names)
            if root.otherwise is not None:
                yield from uses(root.otherwise, names)
        case Assign():
            yield from uses(root.value, names)
        case ExpressionStatement():
            yield from uses(root.value, names)
        case Output():
            if root.value is not None:
                yield from uses(root.value, names)
        case Statement():
            return
        case Labelled():
            if next(uses(root.value, names), None) is not None:
                yield root, None
        case Name():
            if names.holds(root.name):
                yield root, root.name
        case Call():
            if isinstance(root.function, Name):
                if names.holds(root.function.name):
                    yield root, root.function.name
            else:
                yield from uses(root.function, names)
            handed = names.handed_over(root)
            for i, argument in enumerate(root.arguments):
                if i not in handed:
                    yield from uses(argument.value, names)
        case Repeat():
            yield from uses(root.count, names)
            if root.until is not None:
                yield from uses(root.until, names)
            if _holds(root.body, names):
                yield root, "repeat"
        case For():
            yield from uses(root.iterable, names)
            if _holds(root.body, names):
                yield root, "for"
        case Comprehension():
            yield from uses(root.iterable, names)
            if root.condition is not None:
                yield from uses(root.condition, names)
            if next(uses(root.body, names), None) is not None:
                yield root, "for"
        case Expression():
            for child in children(root):
                yield from uses(child, names)
        case _:
            return


def _holds(body: Body, names: StaticNames) -> bool:
    return _declares(body) or next(uses(body, names), None) is not None


@dataclass(frozen=True, eq=False)
class Place:
    """The components of the uses of one place: None where a use adds nothing to the path."""

    components: dict[Node, str | None]

    def component(self, node: Node) -> tuple[str, ...]:
        name = self.components.get(node)
        return () if name is None else (name,)


def place_of(root: Node, names: StaticNames, *, body_of_block: bool) -> Place:
    """The components of every use in a place. Only the body of a block keeps the name of a single use."""
    found = list(uses(root, names))
    if len(found) == 1 and not body_of_block and not (isinstance(root, Body) and _declares(root)):
        return Place({found[0][0]: None})
    components: dict[Node, str | None] = {}
    times: dict[str, int] = {}
    for node, name in found:
        if name is None:
            continue
        times[name] = times.get(name, 0) + 1
        components[node] = name if times[name] == 1 else f"{name}_{times[name]}"
    return Place(components)


def refuse_label(label: str) -> str | None:
    """Why a label can't be a part of a path, or None. PyTorch's modules own some names."""
    if keyword.iskeyword(label) or keyword.issoftkeyword(label):
        return "it is a word of Python"
    if label.startswith("_"):
        return "it starts with an underscore"
    if label in MODULE_ATTRIBUTES:
        return "PyTorch's modules use that name themselves"
    return None


__all__ = ["Pipe", "Place", "StaticNames", "place_of", "refuse_label", "uses"]
