"""The torch.fx graph of one region, node by node."""

from __future__ import annotations

import operator
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import fx

from archdsl.backend import interpret
from archdsl.backend.errors import BackendError
from archdsl.backend.graphs import (
    Extra,
    Lowered,
    Member,
    OpMember,
    SizeFunction,
    checked_method,
    describe,
    dotted,
    symbols_of,
)
from archdsl.backend.lowerings import modules_in, owner_of_weights
from archdsl.backend.names import checked_component, minted, unique
from archdsl.backend.regions import has_state
from archdsl.dims import Dim, Size, render
from archdsl.network.types import CallNode, LayerValue, OpNode, RawTensorNode, Region, Value, WeightNode
from archdsl.ops.base import Fn, Late, Mod, Operator, Slot
from archdsl.ops.checker import Checker
from archdsl.tensors import TensorType

if TYPE_CHECKING:
    from archdsl.backend.lower import Lowering


class RegionGraph:
    def __init__(self, lowering: Lowering, region: Region) -> None:
        self.lowering, self.region = lowering, region
        self.graph = fx.Graph()
        self.members: dict[str, Member] = {}
        self.values: dict[Value, fx.Node] = {}
        self.layers: dict[LayerValue, fx.Node | tuple[str, ...]] = {}
        self.handed: dict[tuple[LayerValue, str], fx.Node] = {}
        self.extras: dict[Extra, fx.Node] = {}
        self.measured: Value | None = None
        self.taken: set[str] = {p[0] for p in self._paths() if p}

    def _paths(self) -> list[tuple[str, ...]]:
        nodes = [n.path for n in self.region.nodes if not isinstance(n, WeightNode)]
        return nodes + [d.path for d in self.region.layers]

    def run(self) -> Lowered:
        region = self.region
        for i, (value, name) in enumerate(zip(region.inputs, region.input_names, strict=True)):
            wire = region.kind != "model" and i == 0
            wanted = minted(value.name or name, "x" if wire else "input")
            self.values[value] = self._placeholder(wanted, value.type)
        for place, weight in self.lowering.needs(region):
            layer = region.layer_inputs[place]
            name = minted(layer.name, "layer")
            if weight is None:
                self.layers[layer] = self._placeholder(name, None)
            else:
                self.handed[layer, weight] = self._placeholder(f"{name}_{minted(weight, 'weight')}", None)
        for declaration in region.layers:
            if declaration.region is not None and self.lowering.regions.owns_state(declaration.region):
                self.layers[declaration.value] = declaration.path
        for node in region.nodes:
            match node:
                case OpNode():
                    self._op(node)
                case RawTensorNode():
                    target = dotted(node.path)
                    self.members[target] = node
                    self._bind(node.output, self._attribute(node.path), node)
                case WeightNode():
                    self._bind(node.output, self._weight(node.layer, node.weight), node)
                case CallNode():
                    self._call(node)
        self.graph.output(tuple(self.values[v] for v in region.outputs))
        return Lowered(region, self.graph, self.members, self.lowering.needs(region), tuple(self.extras))

    def _placeholder(self, name: str, type: TensorType | None) -> fx.Node:
        node = self.graph.placeholder(unique(name, {n.name for n in self.graph.nodes}))
        if type is not None:
            describe(node, type)
        return node

    def _bind(self, value: Value, node: fx.Node, source: Any) -> None:
        describe(node, value.type)
        node.meta["author"] = value.name
        node.meta["span"] = source.span
        self.values[value] = node

    def _attribute(self, path: tuple[str, ...]) -> fx.Node:
        made = self.graph.create_node("get_attr", dotted(path))
        made.meta["member"] = path
        return made

    # ---------------------------------------------------------------------------------------------------- operators

    def _op(self, node: OpNode) -> None:
        op = self.lowering.regions.folded(node, self.region)
        lowered = op.lower(node.input_types, tuple(v.type for v in node.outputs))
        mods = modules_in(lowered)
        owner = owner_of_weights(op, mods) if has_state(node) else None
        made: dict[int, Any] = {}

        self.measured = None

        def value(part: Any) -> Any:
            match part:
                case Slot(index):
                    return self.values[node.inputs[index]]
                case Mod() | Fn():
                    if id(part) not in made:
                        made[id(part)] = (
                            self._module(node, op, part, owner, value)
                            if isinstance(part, Mod)
                            else (self._function(node, part, value))
                        )
                        if isinstance(made[id(part)], fx.Node):
                            made[id(part)].meta.setdefault("span", node.span)
                            made[id(part)].meta["role"] = op.role
                    return made[id(part)]
                case Size():
                    return self._size(part, node.inputs)
                case Late():
                    raise BackendError(
                        f"{op.name}: a rate that differs between instances must be given to a module"
                    )
                case tuple():
                    return tuple(value(x) for x in part)
                case list():
                    return [value(x) for x in part]
                case slice():
                    return slice(value(part.start), value(part.stop), value(part.step))
                case _:
                    return part

        result = value(lowered)
        if not isinstance(result, fx.Node):
            raise BackendError(f"{op.name}: a lowering that gives no tensor")
        result.meta["path"] = node.path
        self._outputs(result, node.outputs, node)

    def _outputs(self, result: fx.Node, outputs: tuple[Value, ...], source: Any) -> None:
        if len(outputs) == 1 and not (isinstance(source, OpNode) and self._is_sequence(source)):
            value = outputs[0]
            if "type" in result.meta or result.op == "placeholder":  # an operator that does nothing
                self.values[value] = result
            else:
                self._bind(value, result, source)
            return
        result.meta["types"] = tuple(v.type for v in outputs)
        for i, value in enumerate(outputs):
            item = self.graph.call_function(operator.getitem, (result, i))
            item.meta["item"] = True
            self._bind(value, item, source)

    def _is_sequence(self, node: OpNode) -> bool:
        """Whether an operator with one output still returns a list of tensors (a split in one)."""
        if len(node.outputs) != 1 or "Types" not in str(type(node.op).shape.__annotations__.get("return")):
            return False
        return isinstance(node.op.shape(node.input_types, Checker(self.lowering.assumptions)), tuple)

    def _module(
        self, node: OpNode, op: Operator, mod: Mod, owner: Mod | None, value: Callable[[Any], Any]
    ) -> fx.Node:
        owns = mod is owner
        target = (
            dotted(node.path)
            if owns and node.path
            else self._helper_target(node.path[-1] if node.path else op.name)
        )
        self.members[target] = OpMember(node, op, mod, owns)
        return self.graph.create_node("call_module", target, tuple(value(x) for x in mod.inputs))

    def _helper_target(self, name: str) -> str:
        target = unique(minted(name, "part"), self.taken)
        self.taken.add(target)
        return target

    def _function(self, node: OpNode, fn: Fn, value: Callable[[Any], Any]) -> Any:
        if fn.target in ("device", "dtype"):
            return self._surrounding(str(fn.target), node.inputs)
        args = tuple(value(a) for a in fn.args)
        kwargs = {k: value(a) for k, a in fn.kwargs.items()}
        if isinstance(fn.target, str) and fn.target.startswith("."):
            name = checked_method(fn.target[1:])
            if not callable(getattr(torch.Tensor, name, None)):
                return self.graph.call_function(getattr, (args[0], name))
            return self.graph.call_method(name, args, kwargs)
        found = fn.target if callable(fn.target) else interpret.function(fn.target)
        if not callable(found):  # torch.int64, math.pi
            return found
        made = self.graph.call_function(found, args, kwargs)
        made.meta["target"] = fn.target
        return made

    # -------------------------------------------------------------------------------------- sizes, device and dtype

    def _size(self, size: Dim, near: tuple[Value, ...]) -> Any:
        size = self.lowering.assumptions.normal(size)
        if isinstance(size, int):
            return size
        found = self._dim_in_scope(size, near)
        if found is not None:
            return found
        parts = [self._dim_in_scope(s, near) for s in symbols_of(size)]
        if all(p is not None for p in parts):
            node = self.graph.call_function(SizeFunction(size), tuple(parts))
            node.meta["size"] = size
            return node
        return self._extra(size)

    def _dim_in_scope(self, size: Dim, near: tuple[Value, ...]) -> fx.Node | None:
        for value in (*near, *self.region.inputs, *self.values):
            if value in self.values and size in value.type.shape:
                shape = self.graph.call_function(getattr, (self.values[value], "shape"))
                place = value.type.shape.index(size)
                node = self.graph.call_function(operator.getitem, (shape, place))
                node.meta["size"] = size
                self.measured = value
                return node
        return self.extras.get(size) if isinstance(size, Size) else None

    def _extra(self, extra: Extra) -> fx.Node:
        if extra not in self.extras:
            if self.region.kind == "model" and isinstance(extra, Size):
                raise BackendError(f"the size {render(extra)} is in no input's shape")
            first = next((n for n in self.graph.nodes if n.op != "placeholder"), None)
            name = extra if isinstance(extra, str) else minted(render(extra), "size")
            with nullcontext() if first is None else self.graph.inserting_before(first):
                self.extras[extra] = self._placeholder(name, None)
            self.extras[extra].meta["size"] = extra
        return self.extras[extra]

    def _surrounding(self, what: str, near: tuple[Value, ...]) -> fx.Node:
        """``device`` or ``dtype`` of the model: that of a tensor at hand."""
        # The tensor that a size was taken from, else the latest, so that nothing is kept alive for this.
        for value in (*near, *([self.measured] if self.measured else []), *reversed(self.values)):
            if value in self.values and (what == "device" or value.type.dtype == "float32"):
                return self.graph.call_function(getattr, (self.values[value], what))
        path = self.lowering.weight_path(self.region)
        if path is not None and () not in self._paths():
            return self.graph.call_function(getattr, (self._attribute(path), what))
        if what == "dtype" and self.region.kind == "model":  # no float comes in, and there are no weights
            default = self.graph.call_function(torch.get_default_dtype)
            default.meta["target"] = "torch.get_default_dtype"
            return default
        return self._extra(what)

    # ----------------------------------------------------------------------------------------------- inner regions

    def _weight(self, layer: LayerValue, weight: str) -> fx.Node:
        if (layer, weight) in self.handed:
            return self.handed[layer, weight]
        module = self.layers[layer]
        if isinstance(module, tuple):
            return self._attribute((*module, *weight.split(".")))
        return self.graph.call_function(getattr, (module, checked_component(weight)))

    def _call(self, node: CallNode) -> None:
        inner = self.lowering(node.region)
        args: list[Any] = [self.values[v] for v in node.inputs]
        for place, weight in inner.needs:
            layer = node.layers[place]
            if weight is not None:
                args.append(self._weight(layer, weight))
            else:
                module = self.layers[layer]
                args.append(self._attribute(module) if isinstance(module, tuple) else module)
        inside = {id(v): v for v in (*node.inputs, *node.outputs)}.values()
        for extra in inner.extras:
            near = tuple(v for v in inside if v in self.values)
            args.append(self._surrounding(extra, near) if isinstance(extra, str) else self._size(extra, near))
        own = self.layers.get(node.layer) if node.kind == "layer" and node.layer is not None else None
        if isinstance(own, fx.Node):
            result = self.graph.call_function(operator.call, (own, *args))
        elif isinstance(own, tuple):
            result = self.graph.create_node("call_module", dotted(own), tuple(args))
            result.meta["member"] = own
        else:
            owns = node.kind != "layer" and self.lowering.regions.owns_state(node.region)
            own_path = dotted(node.path) if owns and node.path else None
            target = own_path or self._helper_target(minted(node.written, "block"))
            if target in self.members:  # more rounds in the same list
                target = f"{target}.{node.first}"
            self.members[target] = node
            result = self.graph.create_node("call_module", target, tuple(args))
        result.meta.update(call=node, span=node.span, path=node.path)
        if node.kind == "scan" and not isinstance(node.count, int):
            result.meta["size"] = node.count
        self._outputs(result, node.outputs, node)
