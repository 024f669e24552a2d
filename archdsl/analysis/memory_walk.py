"""Memory of one run, followed region by region: what backward keeps, and the most that is there at once.

Each region is followed once for the way its inputs lie in memory and the gradients they ask for. Rounds of a loop are
followed until they repeat, then multiplied. What a kernel takes for itself while it runs is not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archdsl.analysis.lifetimes import releases
from archdsl.analysis.loop_rounds import Round, follow
from archdsl.analysis.settled import Settled
from archdsl.analysis.storages import Held, Outcome, Result, Run, Storage, Types, bytes_of, shape_of
from archdsl.dims import evaluate
from archdsl.network.types import CallNode, LayerValue, OpNode, RawTensorNode, Region, Value, WeightNode
from archdsl.ops.base import Operator
from archdsl.ops.keeping import Backward
from archdsl.ops.strides import contiguous
from archdsl.ops.strides import outputs_of as views_of
from archdsl.tensors import TensorType

Key = tuple[Region, tuple[tuple[tuple[int, ...], bool], ...], tuple[bool, ...], bool]


@dataclass(eq=False)
class Frame:
    """A region while it is followed: its values, what is kept of it so far, what is there now."""

    frozen: bool
    values: dict[Value, Held] = field(default_factory=dict)
    layers: dict[LayerValue, bool] = field(default_factory=dict)
    kept: int = 0
    kept_inputs: set[int] = field(default_factory=set)
    live: int = 0
    peak: int = 0

    def keep(self, storage: Storage) -> None:
        """Backward holds on to a storage; each counts once."""
        if storage.kept or storage.source == "weight":
            return
        storage.kept = True
        if storage.source == "own":
            self.kept += storage.bytes
        else:
            self.kept_inputs.add(storage.source)

    def hold(self, value: Value, held: Held) -> None:
        self.values[value] = held
        held.storage.holders += 1
        if held.storage.source == "own" and held.storage.holders == 1:
            self.live += held.storage.bytes

    def release(self, value: Value) -> None:
        held = self.values.get(value)
        if held is None:
            return
        held.storage.holders -= 1
        if held.storage.source == "own" and held.storage.holders == 0:
            self.live -= held.storage.bytes


class MemoryWalk:
    """Follows regions at given sizes."""

    def __init__(self, sizes: Mapping[str, int], run: Run, settled: Settled) -> None:
        self.run, self.types, self.settled = run, Types(sizes, run), settled
        self._outcomes: dict[Key, Outcome] = {}
        self._releases: dict[Region, list[tuple[Value, ...]]] = {}

    def model(self, region: Region) -> tuple[int, int]:
        """Of a whole model: bytes kept for backward, its inputs among them, and the peak, inputs and outputs too."""
        types = self.types.all(region.inputs)
        outcome = self.region(region, tuple((contiguous(shape_of(x)), False) for x in types), (), False)
        inputs = [bytes_of(x) for x in types]
        return outcome.kept + sum(inputs[i] for i in outcome.kept_inputs), outcome.peak + sum(inputs)

    def region(
        self,
        region: Region,
        given: tuple[tuple[tuple[int, ...], bool], ...],
        layers: tuple[bool, ...],
        frozen: bool,
    ) -> Outcome:
        """One use: ``given`` are strides and wishes of the inputs, ``layers`` which layers handed in are frozen."""
        key = (region, given, layers, frozen)
        if key not in self._outcomes:
            self._outcomes[key] = self._follow(region, given, layers, frozen)
        return self._outcomes[key]

    def _follow(
        self,
        region: Region,
        given: tuple[tuple[tuple[int, ...], bool], ...],
        layers: tuple[bool, ...],
        frozen: bool,
    ) -> Outcome:
        frame = Frame(frozen)
        frame.layers.update(zip(region.layer_inputs, layers, strict=True))
        frame.layers.update((item.value, item.frozen or frozen) for item in region.layers)
        for i, (value, (strides, wanted)) in enumerate(zip(region.inputs, given, strict=True)):
            frame.hold(value, Held(Storage(bytes_of(self.types.of(value)), i), strides, wanted))
        if region not in self._releases:
            self._releases[region] = releases(region)
        for value in region.outputs:  # what is given back is held by whoever asked
            if value in frame.values:
                frame.values[value].storage.holders += 1
        outputs = set(region.outputs)
        for node, gone in zip(region.nodes, self._releases[region], strict=True):
            match node:
                case OpNode():
                    self._operator(node, region, frame)
                case CallNode():
                    self._call(node, frame, [v for v in gone if v not in outputs])
                case RawTensorNode():
                    wanted = node.keyword == "param" and not (node.frozen or frozen)
                    self._weight(node.output, frame, wanted)
                case WeightNode():
                    self._weight(node.output, frame, not frame.layers.get(node.layer, frozen))
            for value in gone:
                if value not in outputs:
                    frame.release(value)
        return _outcome(region, frame)

    def _weight(self, value: Value, frame: Frame, wanted: bool) -> None:
        x = self.types.of(value)
        frame.hold(value, Held(Storage(0, "weight"), contiguous(shape_of(x)), wanted and x.is_float))

    def _operator(self, node: OpNode, region: Region, frame: Frame) -> None:
        op, run = self.settled.operator(node, region), self.run
        held = [frame.values[value] for value in node.inputs]
        inputs, outputs = self.types.all(node.inputs), self.types.all(node.outputs)
        strides = tuple(item.strides for item in held)
        trained = not (node.frozen or frame.frozen) and any(
            w.kind == "parameter" and w.dtype.startswith(("float", "bfloat")) for w in op.weights(inputs)
        )
        asked = tuple(item.wanted and x.is_float for item, x in zip(held, inputs, strict=True))
        wanted = (trained or any(asked)) and op.name != "detach"
        made: list[Held] = []
        for view, y in zip(
            views_of(op, inputs, outputs, strides, run.training, run.fused), outputs, strict=True
        ):
            storage = Storage(bytes_of(y)) if view.source is None else held[view.source].storage
            made.append(Held(storage, view.strides, wanted and y.is_float))
        if any(item.wanted for item in made):
            kept = op.kept(inputs, outputs, Backward(asked, trained, run.training, run.fused, strides))
            for i in kept.inputs:
                frame.keep(held[i].storage)
            for j in kept.outputs:
                frame.keep(made[j].storage)
            frame.kept += sum(map(bytes_of, kept.own))
        for value, item in zip(node.outputs, made, strict=True):
            frame.hold(value, item)
        frame.peak = max(frame.peak, frame.live + self._inside(op, inputs, outputs, strides))

    def _inside(
        self,
        op: Operator,
        inputs: tuple[TensorType, ...],
        outputs: tuple[TensorType, ...],
        strides: tuple[tuple[int, ...], ...],
    ) -> int:
        """What an operator makes beside its outputs, gone when it returns."""
        floats = tuple(x.is_float for x in inputs)
        weights = any(w.kind == "parameter" for w in op.weights(inputs))
        asked = Backward(floats, weights, False, self.run.fused, strides)
        return sum(map(bytes_of, op.inside(inputs, outputs, asked)))

    # ---------------------------------------------------------------------------------------------------------- uses

    def _call(self, node: CallNode, frame: Frame, gone: Sequence[Value]) -> None:
        held = [frame.values[value] for value in node.inputs]
        if node.kind in ("call", "layer"):
            first = self.use(node, held, frame)
            frame.peak = max(frame.peak, frame.live + first.peak)
            results = first.results
        else:
            count = evaluate(node.count, self.types.sizes)
            dying = sum(
                item.storage.bytes
                for value, item in zip(node.inputs, held, strict=True)
                if value in gone and item.storage.source == "own" and item.storage.holders == 1
            )
            results, peak = follow(
                node, count, held, frame, lambda given: self.use(node, given, frame), dying
            )
            frame.peak = max(frame.peak, frame.live + peak)
        for j, (value, item) in enumerate(zip(node.outputs, results, strict=True)):
            if j in node.stacked:  # the steps are put together in memory of their own
                whole = self.types.of(value)
                item = Held(Storage(bytes_of(whole)), contiguous(shape_of(whole)), item.wanted)
            frame.hold(value, item)
        frame.peak = max(frame.peak, frame.live)

    def use(self, node: CallNode, held: Sequence[Held], frame: Frame) -> Round:
        """One use of a node's region with these inputs; what it keeps is added to the frame."""
        frozen = node.frozen or frame.frozen
        if node.kind == "layer" and node.layer is not None:
            frozen = frozen or frame.layers.get(node.layer, False)
        layers = tuple(frame.layers.get(layer, False) for layer in node.layers)
        given = tuple((item.strides, item.wanted) for item in held)
        outcome = self.region(node.region, given, layers, frozen)
        frame.kept += outcome.kept
        for i in sorted(outcome.kept_inputs):
            frame.keep(held[i].storage)
        left = [Storage(size, "own", kept) for size, kept in outcome.left]
        results = []
        for result in outcome.results:
            if result.source == "input":
                storage = held[result.index].storage
            else:
                storage = left[result.index] if result.source == "own" else Storage(0, "weight")
            results.append(Held(storage, result.strides, result.wanted))
        return Round(tuple(results), outcome.peak)


def _outcome(region: Region, frame: Frame) -> Outcome:
    left: dict[Storage, int] = {}
    results: list[Result] = []
    for value in region.outputs:
        held = frame.values[value]
        source = held.storage.source
        if isinstance(source, int):
            results.append(Result("input", source, held.strides, held.wanted))
        elif source == "weight":
            results.append(Result("weight", 0, held.strides, held.wanted))
        else:
            place = left.setdefault(held.storage, len(left))
            results.append(Result("own", place, held.strides, held.wanted))
    return Outcome(
        tuple(results),
        tuple((storage.bytes, storage.kept) for storage in left),
        frame.kept,
        frozenset(frame.kept_inputs),
        max(frame.peak, frame.live),
    )
