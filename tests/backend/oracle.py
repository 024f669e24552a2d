"""A second way to run a network: node by node, with operators interpreted one at a time and no source emitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from archdsl.backend.interpret import Interpreter, Surroundings
from archdsl.backend.regions import evaluated
from archdsl.dims import evaluate, symbols
from archdsl.network.types import (
    CallNode,
    LayerValue,
    Network,
    OpNode,
    RawTensorNode,
    Region,
    Value,
    WeightNode,
)
from archdsl.ops.base import Late


class Oracle:
    """Runs ``network`` with the weights of ``state``."""

    def __init__(self, network: Network, state: Mapping[str, Tensor], training: bool = False) -> None:
        self.network, self.state, self.training = network, state, training
        self.sizes: dict[str, int] = {}

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        for given, tensor in zip(self.network.inputs, inputs, strict=True):
            for dim, size in zip(given.type.shape, tensor.shape, strict=True):
                found = symbols(dim)
                if len(found) == 1 and evaluate(dim, dict.fromkeys(found, 7)) == 7:
                    self.sizes[next(iter(found))] = size
        region = self.network.training if self.training else self.network.inference
        return tuple(self.run(region, list(inputs), [], "", {}))

    def run(
        self,
        region: Region,
        inputs: Sequence[Tensor],
        layers: Sequence[str],
        prefix: str,
        slots: Mapping[int, Any],
    ) -> list[Tensor]:
        values: dict[Value, Tensor] = dict(zip(region.inputs, inputs, strict=True))
        places: dict[LayerValue, str] = dict(zip(region.layer_inputs, layers, strict=True))
        for declaration in region.layers:
            places[declaration.value] = prefix + "".join(f"{c}." for c in declaration.path)
        for node in region.nodes:
            match node:
                case OpNode():
                    outs = self.op(node, [values[v] for v in node.inputs], prefix, slots)
                    values.update(zip(node.outputs, outs, strict=True))
                case RawTensorNode():
                    values[node.output] = self.state[prefix + ".".join(node.path)]
                case WeightNode():
                    values[node.output] = self.state[places[node.layer] + node.weight]
                case CallNode():
                    given = [values[v] for v in node.inputs]
                    outs = self.call(node, given, [places[x] for x in node.layers], prefix, slots, places)
                    values.update(zip(node.outputs, outs, strict=True))
        return [values[v] for v in region.outputs]

    def call(
        self, node: CallNode, given: list[Tensor], layers: list[str], prefix: str, slots: Mapping[int, Any],
        places: Mapping[LayerValue, str],
    ) -> list[Tensor]:  # fmt: skip
        def late(k: int) -> dict[int, Any]:
            if not node.late:
                return {}
            row = node.late[k if len(node.late) > 1 else 0]
            return {slot: evaluated(e, slots) for slot, e in row.items()}

        here = prefix + "".join(f"{c}." for c in node.path)
        if node.kind == "call":
            return self.run(node.region, given, layers, here, late(0))
        if node.kind == "layer":
            assert node.layer is not None
            return self.run(node.region, given, layers, places[node.layer], late(0))
        if node.kind == "scan":
            steps = given[node.scanned[0]].shape[1]
            stacked: dict[int, list[Tensor]] = {j: [] for j in node.stacked}
            outs: list[Tensor] = []
            for t in range(steps):
                now = [x[:, t] if i in node.scanned else x for i, x in enumerate(given)]
                outs = self.run(node.region, now, layers, here, late(0))
                for j in node.stacked:
                    stacked[j].append(outs[j])
                for j, i in node.carry:
                    given[i] = outs[j]
            return [torch.stack(stacked[j], 1) if j in stacked else x for j, x in enumerate(outs)]
        outs = []
        for k in range(int(node.count)):  # type: ignore[call-overload]
            outs = self.run(node.region, given, layers, f"{here}{node.first + k}.", late(k))
            given = list(given)
            for j, i in node.carry:
                given[i] = outs[j]
            if node.kind == "until" and not self.training and node.stop is not None and bool(outs[node.stop]):
                break
        return outs

    def op(self, node: OpNode, inputs: list[Tensor], prefix: str, slots: Mapping[int, Any]) -> list[Tensor]:
        known = {
            f.name: evaluated(node.late[f.name], slots)
            for f in fields(node.op) if isinstance(getattr(node.op, f.name), Late)
        }  # fmt: skip
        op = replace(node.op, **known) if known else node.op
        sizes = _Sizes(self.network, self.sizes)
        around = Surroundings(torch.device("cpu"), torch.float32, sizes=sizes)
        part = Interpreter(op.lower(node.input_types, node.output_types), around)
        own = {
            name: t for piece in part.parts for name, t in (*piece.named_parameters(), *piece.named_buffers())
        }
        for weight in op.weights(node.input_types):
            if weight.kind != "constant":
                key = prefix + "".join(f"{c}." for c in node.path) + weight.name
                own[weight.name].data.copy_(self.state[key])
        part.train(self.training)
        found = part(*inputs)
        return [found] if isinstance(found, Tensor) else list(found)


class _Sizes(dict[str, int]):
    def __init__(self, network: Network, sizes: Mapping[str, int]) -> None:
        super().__init__(sizes)
        for name, dim in network.assumptions.solved:
            self.setdefault(name, evaluate(dim, sizes))
