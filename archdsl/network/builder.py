"""A region while it is being made: its values, nodes and places, and what it asked of the numbers it was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from archdsl.network.types import LateExpression, LayerDeclaration, LayerValue, Node, Path, Region, Value
from archdsl.network.values import Closure, LateNumber, written
from archdsl.ops.masks import Mask
from archdsl.source import Span
from archdsl.tensors import TensorType


@dataclass(eq=False)
class LayerState:
    """What is known of one ``layer``: its recipe, and its weights once it has been used."""

    name: str
    span: Span
    closure: Closure
    region: Region | None = None
    used: bool = False


@dataclass(eq=False)
class RegionBuilder:
    """The mutable inside of one region; ``finish`` makes the immutable region."""

    name: str
    kind: Literal["model", "block", "round", "recipe"]
    definition: object
    span: Span
    docstring: str | None = None
    nodes: list[Node] = field(default_factory=list)
    layers: list[LayerDeclaration] = field(default_factory=list)
    inputs: list[Value] = field(default_factory=list)
    input_names: list[str] = field(default_factory=list)
    layer_inputs: list[LayerValue] = field(default_factory=list)
    demanded: dict[int, int | float] = field(default_factory=dict)
    late: set[int] = field(default_factory=set)
    _paths: set[Path] = field(default_factory=set)
    _above: set[Path] = field(default_factory=set)
    outputs: dict[str, Value] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    _count: int = 0

    def value(self, type: TensorType, name: str | None = None) -> Value:
        self._count += 1
        return Value(self._count, type, name)

    def add_input(self, type: TensorType, name: str) -> Value:
        value = self.value(type, name)
        self.inputs.append(value)
        self.input_names.append(name)
        return value

    def add_layer_input(self, outer: LayerValue) -> LayerValue:
        self._count += 1
        layer = LayerValue(self._count, outer.name, outer.state)
        self.layer_inputs.append(layer)
        return layer

    def claim(self, path: Path) -> bool:
        """Whether weights can be stored at ``path``: nothing is there, above it or below it. Then it is taken."""
        if (
            path in self._paths
            or path in self._above
            or any(path[:i] in self._paths for i in range(1, len(path)))
        ):
            return False
        self._paths.add(path)
        self._above.update(path[:i] for i in range(len(path)))
        return True

    def new_layer(self, state: LayerState) -> LayerValue:
        self._count += 1
        return LayerValue(self._count, state.name, state)

    def demand(self, number: int | float | LateNumber) -> int | float:
        """The value of a number; from now on the region depends on it."""
        if isinstance(number, LateNumber):
            for slot in slots_of(number.expression):
                self.demanded.setdefault(slot, 0)
            return number.value
        return number

    def late_expression(self, number: int | float | LateNumber) -> LateExpression:
        """How a number is written in terms of the region's late slots, which it then needs."""
        if isinstance(number, LateNumber):
            self.late.update(slots_of(number.expression))
            return number.expression
        return number

    def finish(
        self, outputs: Mapping[str, Value] | list[Value], serial: int
    ) -> tuple[Region, tuple[int, ...], tuple[int, ...]]:
        """The region, and which of its inputs and layer inputs it uses (only those are kept)."""
        named = outputs if isinstance(outputs, Mapping) else {f"out{i}": v for i, v in enumerate(outputs)}
        used: set[Value | LayerValue] = set(named.values())
        for node in self.nodes:
            used.update(getattr(node, "inputs", ()))
            used.update(getattr(node, "layers", ()))
            if (layer := getattr(node, "layer", None)) is not None:
                used.add(layer)
        keep = tuple(i for i, v in enumerate(self.inputs) if v in used or self.kind == "model")
        keep_layers = tuple(i for i, v in enumerate(self.layer_inputs) if v in used)
        region = Region(
            name=self.name,
            kind=self.kind,
            definition=self.definition,
            inputs=tuple(self.inputs[i] for i in keep),
            input_names=tuple(self.input_names[i] for i in keep),
            layer_inputs=tuple(self.layer_inputs[i] for i in keep_layers),
            outputs=tuple(named.values()),
            output_names=tuple(named),
            nodes=tuple(self.nodes),
            layers=tuple(self._declared()),
            late_slots=tuple(sorted(self.late)),
            arguments={name: plain(value) for name, value in self.arguments.items()},
            span=self.span,
            docstring=self.docstring,
            serial=serial,
        )
        return region, keep, keep_layers

    def _declared(self) -> list[LayerDeclaration]:
        done = []
        for declaration in self.layers:
            state = declaration.value.state
            assert isinstance(state, LayerState)
            done.append(
                LayerDeclaration(
                    declaration.value, declaration.path, state.region, declaration.span, declaration.frozen
                )
            )
        return done


def slots_of(expression: LateExpression) -> set[int]:
    """The late slots that an expression reads."""
    if not isinstance(expression, tuple):
        return set()
    if expression[0] == "slot":
        return {expression[1]}
    return set().union(*(slots_of(part) for part in expression[1:]))


def plain(value: Any) -> Any:
    """A constant argument as shown in a caption: a number, a text, or the words of a list."""
    if isinstance(value, LateNumber):
        return value.value
    if isinstance(value, tuple):
        return tuple(plain(v) for v in value)
    if isinstance(value, int | float | str | bool):
        return value
    if isinstance(value, Mask):
        value = value.map(lambda part: part.value if isinstance(part, LateNumber) else part)
    return written(value)


def name_value(value: Value, name: str) -> None:
    """Gives a value the author's name: known only after the operator has made it, so the one late write."""
    if value.name is None:
        object.__setattr__(value, "name", name)
