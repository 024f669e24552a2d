"""The typed network: regions (a block elaborated once for given arguments and input types) and the nodes inside them.

A region is one object however often it is used; a use is a CallNode, with a path of its own. Nothing here is ever
expanded: n rounds of a loop are one CallNode with ``count`` n.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from archdsl.dims import Dim
from archdsl.ops.base import Operator, Weight
from archdsl.ops.checker import Bound, ValueBound
from archdsl.sizes.assumptions import Assumptions, Relation
from archdsl.source import Span
from archdsl.syntax.tree import Expression
from archdsl.tensors import TensorType

Path = tuple[str, ...]

# A rate that differs between instances: a constant, ("slot", i) of the region at hand, or (operator, left, right).
LateExpression = int | float | tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor inside one region. ``name`` is the author's, where there is one; identity is the object's."""

    index: int
    type: TensorType
    name: str | None = None


@dataclass(frozen=True, eq=False)
class LayerValue:
    """A ``layer`` inside one region: declared there (then it is in ``layers``) or handed in (``layer_inputs``).

    ``state`` (the same object for one layer in all regions that see it) and ``closure`` belong to the elaborator.
    """

    index: int
    name: str
    state: object = None
    closure: object = None


@dataclass(frozen=True, eq=False)
class OpNode:
    """One operator applied. ``path`` is relative to the region; weights live at ``path + (weight name,)``.

    ``late`` gives, for fields that hold a ``Late``, what they are in terms of the region's late slots.
    """

    op: Operator
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    path: Path
    span: Span
    late: Mapping[str, LateExpression] = field(default_factory=dict)
    frozen: bool = False

    @property
    def input_types(self) -> tuple[TensorType, ...]:
        return tuple(value.type for value in self.inputs)

    @property
    def output_types(self) -> tuple[TensorType, ...]:
        return tuple(value.type for value in self.outputs)


@dataclass(frozen=True, eq=False)
class RawTensorNode:
    """A ``param`` or ``buffer``: a tensor with an initialiser, stored at ``path``.

    ``initial``: None (zeros), a number, an Initializer, or a Region without inputs whose output is the constant.
    """

    keyword: Literal["param", "buffer"]
    output: Value
    path: Path
    initial: Any
    span: Span
    frozen: bool = False


@dataclass(frozen=True, eq=False)
class WeightNode:
    """``tok.weight``: a weight of a layer used as a tensor (tied weights)."""

    layer: LayerValue
    weight: str
    output: Value
    span: Span


@dataclass(frozen=True, eq=False)
class CallNode:
    """A region used: a block call, ``count`` rounds of a loop, a layer, or a scan over time.

    ``inputs`` fill ``region.inputs``, ``layers`` fill ``region.layer_inputs``, ``outputs`` are new values for
    ``region.outputs`` (of the last round). ``kind``:

    - "call": once, weights at ``path``.
    - "loop": ``count`` rounds, fresh weights at ``path + (str(first + k),)``; after each round the region's output j
      goes to its input i for every (j, i) in ``carry``; other inputs stay.
    - "until": like "loop", and output ``stop`` (a bool scalar) ends the rounds early at inference. Not in training.
    - "scan": once per step of dim 1 of the inputs in ``scanned`` (they lose that dim inside); ``carry`` as for loops;
      the outputs in ``stacked`` are stacked along dim 1; ``count`` is the length (may be symbolic). One set of weights.
    - "layer": once, with the weights of ``layer``, stored where that was declared.

    ``late[k][i]`` is the k-th round's value for the region's late slot i (one entry where ``count`` is 1 or all agree).
    ``written`` is the name in the text ("bottleneck", "repeat", "f"), for drawings.
    """

    kind: Literal["call", "loop", "until", "scan", "layer"]
    region: Region
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    path: Path
    span: Span
    written: str
    layers: tuple[LayerValue, ...] = ()
    count: Dim = 1
    first: int = 0
    carry: tuple[tuple[int, int], ...] = ()
    stop: int | None = None
    scanned: tuple[int, ...] = ()
    stacked: tuple[int, ...] = ()
    layer: LayerValue | None = None
    late: tuple[Mapping[int, LateExpression], ...] = ()
    frozen: bool = False


Node = OpNode | RawTensorNode | WeightNode | CallNode


@dataclass(frozen=True, eq=False)
class LayerDeclaration:
    """One set of weights of its own: those of ``region`` (the recipe at its first use), stored at ``path``."""

    value: LayerValue
    path: Path
    region: Region | None
    span: Span
    frozen: bool = False


@dataclass(frozen=True, eq=False)
class Region:
    """A block (or a loop's round, or a layer's recipe) elaborated for given arguments and input types.

    ``name`` is the block's name, or ``<block>.<label>`` for a round; ``definition`` identifies the text it came from
    (regions of one definition may share a class). ``arguments`` are the value arguments as constants, for captions.
    ``label`` says what kind of place it is. ``inputs[0]`` is the wire where ``has_wire``.
    """

    name: str
    kind: Literal["model", "block", "round", "recipe"]
    definition: object
    inputs: tuple[Value, ...]
    input_names: tuple[str, ...]
    layer_inputs: tuple[LayerValue, ...]
    outputs: tuple[Value, ...]
    output_names: tuple[str, ...]
    nodes: tuple[Node, ...]
    layers: tuple[LayerDeclaration, ...]
    late_slots: tuple[int, ...]
    arguments: Mapping[str, Any]
    span: Span
    docstring: str | None = None
    serial: int = 0

    def __repr__(self) -> str:  # written out it would be as long as the network it stands for
        return f"<region {self.name}, {len(self.nodes)} nodes>"


@dataclass(frozen=True)
class ModelInput:
    """An input of a model: symbolic shape, and the author's defaults for its sizes."""

    name: str
    type: TensorType
    span: Span


@dataclass(frozen=True)
class FigureExpectation:
    """``expect params == 25_557_032``: checked once the figures are known. ``names`` are the constants it may use."""

    condition: Expression
    names: Mapping[str, Any]
    model: str


@dataclass(frozen=True)
class Network:
    """A model, elaborated: what every later stage works from.

    ``inference`` and ``training`` are the same region object where the model never asks for ``training``.
    ``defaults`` are the sizes to take where one number is wanted; a symbol without a default is absent.
    ``assumed`` are the author's assumptions, ``bounds`` what operators need: both are enforced by the built module.
    ``parameters`` are the model's own parameters with the values it was elaborated for.
    """

    name: str
    inputs: tuple[ModelInput, ...]
    inference: Region
    training: Region
    assumptions: Assumptions
    defaults: Mapping[str, int]
    assumed: tuple[Relation, ...]
    bounds: tuple[Bound, ...]
    value_bounds: tuple[ValueBound, ...]
    parameters: Mapping[str, Any]
    expectations: tuple[FigureExpectation, ...]
    docstring: str | None
    span: Span


__all__ = [
    "CallNode", "FigureExpectation", "LateExpression", "LayerDeclaration", "LayerValue", "ModelInput", "Network",
    "Node",    "OpNode", "Path", "RawTensorNode", "Region", "Value", "Weight", "WeightNode",
]  # fmt: skip
