"""What a region holds, one part for each use, and a digest of everything that makes two parts the same.

Equal digests mean: the same operators with the same arguments, wired the same way, on the same types. A form is a
digest without the types. Neither knows what things are called. Each region is looked at once.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from archdsl.analysis.compute import WorkCounter
from archdsl.analysis.parameters import ParameterCounter, count_owned
from archdsl.analysis.uses import Held, Kind, Part, argument
from archdsl.analysis.weights import Owned, raw_weight, weights_of
from archdsl.dims import render
from archdsl.network.types import (
    CallNode,
    LayerDeclaration,
    LayerValue,
    Node,
    OpNode,
    RawTensorNode,
    Region,
    Value,
    WeightNode,
)
from archdsl.ops.base import Late, Slot, arguments_of

_LATE = re.compile(r"""Late\(key=("[^"]*"|'[^']*')\)""")


class Contents:
    """The parts of regions of one network, and their digests."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._parameters, self._work = ParameterCounter(), WorkCounter(sizes)
        self._digests: dict[Region, tuple[str, str]] = {}
        self._parts: dict[Region, tuple[Held, ...]] = {}
        self._profiles: dict[Region, Mapping[str, int]] = {}

    def parts(self, region: Region) -> tuple[Held, ...]:
        """What is in a region, in the order of the text: its layers where they are declared, then what it uses."""
        if region not in self._parts:
            layers = [self._layer(item) for item in region.layers if item.region is not None]
            self._parts[region] = (*layers, *(self._node(node) for node in region.nodes))
        return self._parts[region]

    def digests(self, region: Region) -> tuple[str, str]:
        """The region's digest and its form."""
        if region not in self._digests:
            full, bare = [], []
            for text, types in self._texts(region):
                bare.append(text)
                full.append(f"{text} {types}")
            self._digests[region] = _hash(full), _hash(bare)
        return self._digests[region]

    def profile(self, region: Region) -> Mapping[str, int]:
        """How often each operator stands in a region, those of a loop's rounds once."""
        if region not in self._profiles:
            found: Counter[str] = Counter()
            for node in region.nodes:
                if isinstance(node, OpNode):
                    found[node.op.name] += 1
                elif isinstance(node, CallNode) and node.kind != "layer":
                    found.update(self.profile(node.region))
            self._profiles[region] = found
        return self._profiles[region]

    def _texts(self, region: Region) -> Iterable[tuple[str, str]]:
        """One line for each thing in the region, without names: what it is with its wires, and its types."""
        numbers: dict[Value | LayerValue, int] = {}

        def wire(items: Iterable[Value | LayerValue]) -> str:
            return ",".join(str(numbers.setdefault(item, len(numbers))) for item in items)

        yield f"in {wire(region.inputs)} {wire(region.layer_inputs)}", _types(region.inputs)
        for item in region.layers:
            inner = self.digests(item.region) if item.region is not None else ("", "")
            yield f"layer {wire([item.value])} {inner[1]} {item.frozen}", inner[0]
        for node in region.nodes:
            match node:
                case OpNode():
                    text = f"{_operator_text(node)} {wire(node.inputs)} -> {wire(node.outputs)}"
                    yield text, _types(node.outputs)
                case RawTensorNode():
                    initial = self._initial(node.initial)
                    yield (
                        f"{node.keyword} {initial} {node.frozen} {wire([node.output])}",
                        _types([node.output]),
                    )
                case WeightNode():
                    yield f"weight {wire([node.layer])} {node.weight} {wire([node.output])}", ""
                case CallNode():
                    full, bare = self.digests(node.region)
                    rest = f"{node.kind} {node.count} {node.carry} {node.stop} {node.scanned} {node.stacked}"
                    layers = wire([*node.layers, *([node.layer] if node.layer is not None else [])])
                    wires = f"{wire(node.inputs)} -> {wire(node.outputs)}"
                    yield f"{rest} {bare} {layers} {_rates(node)} {node.frozen} {wires}", full
        yield f"out {wire(region.outputs)}", _types(region.outputs)

    def _initial(self, value: Any) -> str:
        return self.digests(value)[1] if isinstance(value, Region) else repr(value)

    def _layer(self, item: LayerDeclaration) -> Held:
        assert item.region is not None
        counted = self._parameters.region(item.region).total
        region = _peeled(item.region)
        digests = self.digests(region)
        part = self._block(item, region, ".".join(item.path), item.value.name, digests, counted, 0)
        return Held(part, region, self.profile(region))

    def _node(self, node: Node) -> Held:
        match node:
            case OpNode():
                return Held(self._operator(node), None)
            case RawTensorNode():
                counted = count_owned(Owned(node.path, raw_weight(node), node.frozen)).total
                text = f"{node.keyword} {self._initial(node.initial)}"
                given = (("initial", argument(node.initial)),)
                return Held(
                    _part(
                        "weight", node, ".".join(node.path), node.keyword, given, [node.output], counted, text
                    ),
                    None,
                )
            case WeightNode():
                name = f"{node.layer.name}.{node.weight}"
                return Held(_part("use", node, "", name, (), [node.output], 0, "weight"), None)
            case CallNode():
                return self._call(node)

    def _operator(self, node: OpNode) -> Part:
        op = node.op
        given: list[tuple[str, str]] = []
        for f in arguments_of(type(op)):
            value = getattr(op, f.name)
            if f.name == op.extra_keywords:
                given += [(name, argument(size)) for name, size in value]
            elif not isinstance(value, Slot | Late):
                given.append((f.name, argument(value)))
        counted = sum(count_owned(Owned((), weight, node.frozen)).total for weight in weights_of(node))
        label = ".".join(node.path)
        part = _part(
            "operator", node, label, op.name, tuple(given), node.outputs, counted, _operator_text(node)
        )
        return replace(
            part,
            caption=op.caption(node.input_types, node.output_types),
            role=op.role,
            macs=self._work.node(node).macs.total,
            frozen=node.frozen,
        )

    def _call(self, node: CallNode) -> Held:
        if node.kind == "layer" and node.layer is not None:
            return Held(_part("use", node, "", node.layer.name, (), node.outputs, 0, "layer"), None)
        region = _peeled(node.region)
        loop = node.kind in ("loop", "until")
        counted = self._parameters.region(node.region).total
        macs = self._work.region(node.region).macs.total * (1 if loop else self._work.rounds(node))
        name = region.name if region.kind != "round" else node.written
        part = self._block(node, region, ".".join(node.path), name, self.digests(region), counted, macs)
        part = replace(
            part,
            times=render(node.count) if node.kind != "call" else "1",
            first=node.first if loop else None,
            shapes=tuple(str(value.type) for value in node.outputs),
            late=_rates(node),
            frozen=node.frozen,
        )
        return Held(part, region, self.profile(region))

    def _block(
        self,
        node: CallNode | LayerDeclaration,
        region: Region,
        label: str,
        name: str,
        digests: tuple[str, str],
        params: int,
        macs: int,
    ) -> Part:
        given = tuple((key, argument(value)) for key, value in region.arguments.items())
        place = f"{node.span.source.name}:{node.span.line}"
        shapes = tuple(str(value.type) for value in region.outputs)
        rest = (given, "1", None, shapes, params, macs, place, *digests, "", node.frozen)
        return Part("block", label, name, name, "block", *rest)


def _peeled(region: Region) -> Region:
    """What a round or recipe is where it does nothing but use one block at the same place."""
    while region.kind != "model" and len(region.nodes) == 1 and not region.layers:
        node = region.nodes[0]
        if (
            not isinstance(node, CallNode)
            or node.kind != "call"
            or node.path
            or node.outputs != region.outputs
        ):
            break
        region = node.region
    return region


def _part(
    kind: Kind,
    node: Node,
    label: str,
    name: str,
    given: tuple[tuple[str, str], ...],
    outputs: Iterable[Value],
    params: int,
    text: str,
) -> Part:
    shapes = tuple(str(value.type) for value in outputs)
    place = f"{node.span.source.name}:{node.span.line}"
    form = _hash([kind, name, text])
    digest = _hash([form, str(params), *shapes])
    return Part(
        kind, label, name, name, "", given, "1", None, shapes, params, 0, place, digest, form, "", False
    )


def _operator_text(node: OpNode) -> str:
    """The operator with its arguments; of a rate that comes from outside, that it does."""
    return f"{_LATE.sub('late', repr(node.op))} {node.frozen}"


def _rates(node: CallNode) -> str:
    """The rates that a use gives its region: one for all rounds, or from the first to the last."""
    rounds = [
        ", ".join(str(v) for _, v in sorted(item.items()) if not isinstance(v, tuple)) for item in node.late
    ]
    return " to ".join(dict.fromkeys([*rounds[:1], *rounds[-1:]]))


def _types(values: Iterable[Value]) -> str:
    return " ".join(str(value.type) for value in values)


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode("utf-8", "backslashreplace")).hexdigest()[:24]
