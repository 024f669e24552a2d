"""Networks made by hand, for tests of what works on networks and not on text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archdsl.dims import symbol
from archdsl.network.types import (
    CallNode,
    LayerDeclaration,
    LayerValue,
    ModelInput,
    Network,
    OpNode,
    RawTensorNode,
    Region,
    Value,
    WeightNode,
)
from archdsl.ops.base import Slot
from archdsl.ops.checker import Bound, Checker
from archdsl.ops.registry import operators
from archdsl.sizes.assumptions import Assumptions, Relation
from archdsl.source import Source, Span
from archdsl.tensors import TensorType

SOURCE = Source("test.arch", "model m {\n  input x: [B, 3, H, W]\n}\n")
SPAN = Span(SOURCE, 0, 5)
CHECKER = Checker(Assumptions())


class Maker:
    """A region while it is being written."""

    def __init__(
        self, *inputs: TensorType, names: tuple[str, ...] = (), kind: str = "block", name: str = "b"
    ) -> None:
        self.count = 0
        self.kind, self.name = kind, name
        self.inputs = tuple(self.value(t) for t in inputs)
        self.input_names = names or tuple(f"x{i}" for i in range(len(inputs)))
        self.nodes: list[Any] = []
        self.layers: list[LayerDeclaration] = []
        self.layer_inputs: list[LayerValue] = []

    def value(self, type: TensorType) -> Value:
        self.count += 1
        return Value(self.count, type)

    def op(
        self, name: str, *inputs: Value, path: str | None = None, frozen: bool = False, **arguments: Any
    ) -> Value:
        """Apply an operator; its inputs after the wire are Slots among the arguments."""
        op = operators()[name](**arguments)
        found = op.shape(tuple(v.type for v in inputs), CHECKER)
        types = (found,) if isinstance(found, TensorType) else found
        outputs = tuple(self.value(t) for t in types)
        places = tuple(part for part in (path if path is not None else name).split(".") if part)
        self.nodes.append(OpNode(op, inputs, outputs, places, SPAN, frozen=frozen))
        return outputs[0]

    def add(self, left: Value, right: Value) -> Value:
        return self.op("add", left, right, left=Slot(0), right=Slot(1))

    def raw(
        self, keyword: Any, path: str, *shape: int, frozen: bool = False, dtype: str = "float32"
    ) -> Value:
        output = self.value(TensorType(shape, dtype))
        self.nodes.append(RawTensorNode(keyword, output, (path,), None, SPAN, frozen))
        return output

    def call(
        self,
        region: Region,
        *inputs: Value,
        path: str = "",
        kind: Any = "call",
        written: str = "b",
        types: tuple[TensorType, ...] | None = None,
        layers: tuple[LayerValue, ...] = (),
        **more: Any,
    ) -> Value:
        outputs = tuple(self.value(t) for t in types or (v.type for v in region.outputs))
        places = tuple(path.split(".")) if path else ()
        self.nodes.append(
            CallNode(kind, region, inputs, outputs, places, SPAN, written, layers=layers, **more)
        )
        return outputs[0]

    def loop(self, region: Region, *inputs: Value, path: str, count: int, **more: Any) -> Value:
        return self.call(
            region, *inputs, path=path, kind="loop", written="repeat", count=count, carry=((0, 0),), **more
        )

    def layer(self, name: str, region: Region | None) -> LayerValue:
        self.count += 1
        value = LayerValue(self.count, name)
        self.layers.append(LayerDeclaration(value, (name,), region, SPAN))
        return value

    def layer_input(self, name: str) -> LayerValue:
        self.count += 1
        self.layer_inputs.append(LayerValue(self.count, name))
        return self.layer_inputs[-1]

    def weight(self, layer: LayerValue, name: str, *shape: int) -> Value:
        output = self.value(TensorType(shape))
        self.nodes.append(WeightNode(layer, name, output, SPAN))
        return output

    def done(self, *outputs: Value, names: tuple[str, ...] = ()) -> Region:
        return Region(
            name=self.name, kind=self.kind, definition=self.name,  # type: ignore[arg-type]
            inputs=self.inputs, input_names=self.input_names, layer_inputs=tuple(self.layer_inputs),
            outputs=outputs, output_names=names or ("out", *(f"out{i}" for i in range(1, len(outputs)))),
            nodes=tuple(self.nodes), layers=tuple(self.layers), late_slots=(), arguments={}, span=SPAN,
        )  # fmt: skip


def network(
    region: Region,
    training: Region | None = None,
    *,
    name: str = "m",
    defaults: Mapping[str, int] | None = None,
    assumed: tuple[Relation, ...] = (),
    bounds: tuple[Bound, ...] = (),
    **more: Any,
) -> Network:
    assumptions = Assumptions()
    for relation in assumed:
        assumptions = assumptions.assume(relation)
    return Network(
        name=name,
        inputs=tuple(
            ModelInput(n, v.type, SPAN) for n, v in zip(region.input_names, region.inputs, strict=True)
        ),
        inference=region, training=training or region, assumptions=assumptions, defaults=defaults or {},
        assumed=assumed, bounds=bounds, value_bounds=(), parameters={}, expectations=more.get("expectations", ()),
        docstring=None, span=SPAN,
    )  # fmt: skip


def image(channels: int = 3, size: int | None = None) -> TensorType:
    """``[B, channels, H, W]``, or with numbers."""
    height, width = (size, size) if size else (symbol("H"), symbol("W"))
    return TensorType((symbol("B"), channels, height, width))


def floats(*shape: Any) -> TensorType:
    return TensorType(tuple(symbol(d) if isinstance(d, str) else d for d in shape))


def conv_args(out: int, kernel: int = 3, stride: int = 1, **more: Any) -> dict[str, Any]:
    """Arguments of ``conv`` with the padding that LANGUAGE.md gives by default."""
    dilation = more.get("dilation", 1)
    padding = dilation * (kernel - 1) // 2
    return {"out_channels": out, "kernel_size": kernel, "stride": stride, "padding": padding, **more}
