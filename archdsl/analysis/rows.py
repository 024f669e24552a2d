"""The rows inside a row of a summary: one for each use in a region, a loop's rounds folded into one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from archdsl.analysis.compute import NOTHING as NO_WORK
from archdsl.analysis.pairing import is_loop, paired, places, training_only
from archdsl.analysis.parameters import NOTHING as NO_WEIGHTS
from archdsl.analysis.parameters import Parameters, count_owned
from archdsl.analysis.summary import Inside, Row, Summary
from archdsl.analysis.weights import Owned, raw_weight, weights_of
from archdsl.network.types import (
    CallNode,
    LayerDeclaration,
    LayerValue,
    Node,
    OpNode,
    Path,
    RawTensorNode,
    Region,
    WeightNode,
)
from archdsl.tensors import TensorType


def rows_of(summary: Summary, row: Row) -> tuple[Row, ...]:
    """The rows inside ``row``: those of inference, then what training alone has weights in."""
    inside = row.inside
    if inside is None:
        return ()
    return tuple(_Opened(summary, row, inside).rows())


class _Opened:
    """A region opened at one place."""

    def __init__(self, summary: Summary, row: Row, inside: Inside) -> None:
        self.summary, self.row, self.inside = summary, row, inside
        self.base = row.path
        self.parameters, self.work = summary.counters
        self.layers: dict[LayerValue, Path] = dict(inside.layers)
        self.direct: set[LayerValue] = set()
        for region in (inside.inference, inside.training):
            for declaration in region.layers if region is not None else ():
                self.layers[declaration.value] = self.base + declaration.path

    def rows(self) -> Iterator[Row]:
        inference, training = self.inside.inference, self.inside.training
        other = None if training is inference else training
        if inference is not None:
            yield from self._region(inference, other)
        if other is not None:
            yield from self._training_only(inference, other)

    def _region(self, region: Region, training: Region | None) -> Iterator[Row]:
        declared = {item.value: item for item in region.layers}
        used_here = {n.layer for n in region.nodes if isinstance(n, CallNode) and n.kind == "layer"}
        for item in region.layers:
            if item.value not in used_here and item.region is not None:
                yield self._declaration(item)
        for node, twin in paired(region, training, self.work.rounds):
            row = self._node(node, twin, declared)
            if row is not None:
                yield row

    def _training_only(self, inference: Region | None, training: Region) -> Iterator[Row]:
        for node in training_only(inference, training, self.work.rounds):
            row = self._node(node, None, {})
            if row is not None and row.parameters.tensors:
                yield self._only_training(row)
        known = places(inference)
        for item in training.layers:
            if item.region is not None and item.path not in known:
                yield self._only_training(self._declaration(item))

    def _only_training(self, row: Row) -> Row:
        inside = row.inside
        if inside is not None:
            inside = replace(inside, inference=None, training=inside.training or inside.inference)
        return replace(row, training_only=True, work=NO_WORK, inside=inside)

    def _node(
        self, node: Node, twin: CallNode | None, declared: Mapping[LayerValue, LayerDeclaration]
    ) -> Row | None:
        match node:
            case OpNode():
                return self._operator(node)
            case RawTensorNode():
                frozen = node.frozen or self.inside.frozen
                counted = count_owned(Owned(node.path, raw_weight(node), frozen))
                return self._row(
                    node.path,
                    node.keyword,
                    node.keyword,
                    "weight",
                    (),
                    (node.output.type,),
                    node,
                    self._own(counted),
                )
            case WeightNode():
                tied = f"{'.'.join(self.layers.get(node.layer, (node.layer.name,)))}.{node.weight}"
                row = self._row((), "weight", "weight", "weight", (), (node.output.type,), node, NO_WEIGHTS)
                return replace(row, tied_to=tied, label=node.weight)
            case CallNode():
                return self._call(node, twin, declared)

    def _operator(self, node: OpNode) -> Row:
        op = node.op
        frozen = node.frozen or self.inside.frozen
        owned = (Owned((), weight, frozen) for weight in weights_of(node))
        counted = self._own(sum(map(count_owned, owned), NO_WEIGHTS))
        work = NO_WORK if self.row.training_only else self.work.node(node) * self.inside.steps
        types = node.input_types, node.output_types
        row = self._row(node.path, op.name, op.caption(*types), "operator", *types, node, counted)
        tied = self.row.tied_to if not self.inside.owned and weights_of(node) else None
        return replace(row, role=op.role, work=work, tied_to=tied)

    def _call(
        self, node: CallNode, twin: CallNode | None, declared: Mapping[LayerValue, LayerDeclaration]
    ) -> Row:
        region, frozen = node.region, node.frozen or self.inside.frozen
        numbered = is_loop(node)
        times = self.work.rounds(node) if numbered else 1
        steps = self.inside.steps * (self.work.rounds(node) if node.kind == "scan" else 1)
        owned, tied, path = self.inside.owned, None, node.path
        if node.kind == "layer" and node.layer is not None:
            first = node.layer in declared and node.layer not in self.direct
            self.direct.add(node.layer)
            place = self.layers.get(node.layer, (*self.base, node.layer.name))
            if first:
                path, frozen = declared[node.layer].path, frozen or declared[node.layer].frozen
            else:
                owned, tied = False, ".".join(place)
        other = twin.region if twin is not None else region
        counted = self.parameters.union(region, other) if owned else NO_WEIGHTS
        if frozen:
            counted = counted.all_frozen()
        layers = dict(
            zip(region.layer_inputs, (self.layers.get(v, (v.name,)) for v in node.layers), strict=False)
        )
        inside = Inside(region, other, layers, owned, frozen, steps)
        types = tuple(v.type for v in node.inputs), tuple(v.type for v in node.outputs)
        numbers = (str(node.first),) if numbered else ()
        row = self._row((*path, *numbers), node.written, node.written, "region", *types, node, counted)
        label = ".".join((*path, *numbers)) or node.written
        if times > 1:
            label += f"..{node.first + times - 1}"
        if tied is not None:
            row, label = replace(row, path=tuple(tied.split("."))), node.written
        work = NO_WORK if self.row.training_only else self.work.region(region) * steps
        return replace(row, times=self.row.times * times, label=label, inside=inside, tied_to=tied, work=work)

    def _declaration(self, item: LayerDeclaration) -> Row:
        """A layer that only inner regions use: its weights are counted here, its work there."""
        assert item.region is not None
        frozen = item.frozen or self.inside.frozen
        counted = self._own(self.parameters.region(item.region))
        if frozen:
            counted = counted.all_frozen()
        inside = Inside(None, item.region, {}, self.inside.owned, frozen, 1)
        row = self._row(item.path, "layer", item.value.name, "region", (), (), item, counted)
        return replace(row, inside=inside)

    def _own(self, counted: Parameters) -> Parameters:
        return counted if self.inside.owned else NO_WEIGHTS

    def _row(
        self,
        path: Path,
        op: str,
        caption: str,
        kind: str,
        inputs: tuple[TensorType, ...],
        outputs: tuple[TensorType, ...],
        node: Node | LayerDeclaration,
        counted: Parameters,
    ) -> Row:
        return Row(
            path=self.base + path,
            label=".".join(path) or op,
            op=op,
            caption=caption,
            role="",
            kind=kind,
            times=self.row.times,
            inputs=inputs,
            outputs=outputs,
            parameters=counted,
            work=NO_WORK,
            span=node.span,
            training_only=self.row.training_only,
        )
