"""What backward keeps, by the operator that asks for it: the memory of a model told apart by its uses.

The walk is that of :mod:`archdsl.analysis.memory_walk`. A tensor that is kept is noted at the operator that first asks
for it. A block that is used in several places is noted as in the first: elsewhere what it is given may be kept already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archdsl.analysis.loop_rounds import Round
from archdsl.analysis.memory_walk import Frame, MemoryWalk
from archdsl.analysis.settled import Settled
from archdsl.analysis.storages import Held, Run
from archdsl.analysis.summary import Summary
from archdsl.dims import evaluate
from archdsl.network.types import CallNode, LayerValue, OpNode, Path, Region

Use = tuple[str, str, int, int]

_MOST_USES = 50_000


def kept_by_use(summary: Summary) -> KeptMemory:
    """The memory of a model as the summary has it without further options: float32, no noise, attention fused."""
    network, sizes = summary.network, summary.sizes
    walk = _NotingWalk(sizes, Run(), Settled(sizes, network.inference, network.training))
    walk.model(network.inference)
    return KeptMemory(walk.notes, sizes)


class _NotingWalk(MemoryWalk):
    """Remembers, for each operator of each region, what it kept when its region was followed first.

    ``known`` are the inputs of the region at hand that somebody outside keeps already, or that are weights.
    """

    def __init__(self, sizes: Mapping[str, int], run: Run, settled: Settled) -> None:
        super().__init__(sizes, run, settled)
        self.notes: dict[OpNode, int] = {}
        self.known: frozenset[int] = frozenset()

    def use(self, node: CallNode, held: Sequence[Held], frame: Frame) -> Round:
        before = self.known
        self.known = frozenset(
            i
            for i, item in enumerate(held)
            if item.storage.kept or item.storage.source == "weight" or item.storage.source in before
        )
        try:
            return super().use(node, held, frame)
        finally:
            self.known = before

    def _operator(self, node: OpNode, region: Region, frame: Frame) -> None:
        own, inputs = frame.kept, set(frame.kept_inputs)
        super()._operator(node, region, frame)
        added = frame.kept - own
        for place in frame.kept_inputs - inputs - self.known:
            added += next(
                held.storage.bytes for held in frame.values.values() if held.storage.source == place
            )
        self.notes.setdefault(node, added)


class KeptMemory:
    """What each region keeps, and each use in it; the first round of a loop stands for all."""

    def __init__(self, notes: Mapping[OpNode, int], sizes: Mapping[str, int]) -> None:
        self.notes, self.sizes = notes, sizes
        self.totals: dict[Region, int] = {}

    def uses(self, region: Region) -> Mapping[Use, list[int]]:
        """Bytes by place in the region, source and spot, of all instances in one use of the region together.

        Outer uses first, up to a limit that no drawing comes near.
        """
        found: dict[Use, list[int]] = {}

        def note(path: Path, node: OpNode | CallNode, held: int) -> None:
            use = (".".join(path), node.span.source.name, node.span.start, node.span.end)
            found.setdefault(use, []).append(held)

        waiting: list[tuple[Region, Path, int, dict[LayerValue, Path]]] = [(region, (), 1, {})]
        opened = 0
        for inner, path, times, outer in waiting:
            layers = outer | {item.value: path + item.path for item in inner.layers}
            for node in inner.nodes:
                if isinstance(node, OpNode):
                    note(path + node.path, node, times * self.notes.get(node, 0))
                elif isinstance(node, CallNode):
                    place, rounds = self._place(node, path, layers), self._rounds(node)
                    note(place, node, times * rounds * self.total(node.region))
                    opened += len(node.region.nodes)
                    if opened < _MOST_USES:
                        handed = (layers.get(value, (value.name,)) for value in node.layers)
                        given = dict(zip(node.region.layer_inputs, handed, strict=True))
                        waiting.append((node.region, place, times * rounds, given))
        return found

    def _place(self, node: CallNode, path: Path, layers: Mapping[LayerValue, Path]) -> Path:
        if node.kind in ("loop", "until"):
            return (*path, *node.path, str(node.first))
        if node.layer is not None:
            return layers.get(node.layer, (*path, node.layer.name))
        return path + node.path

    def _rounds(self, node: CallNode) -> int:
        return 1 if node.kind in ("call", "layer") else evaluate(node.count, self.sizes)

    def total(self, region: Region) -> int:
        """All that is kept in one use of a region; inner regions first, without recursion."""
        waiting = [region]
        while waiting:
            at = waiting[-1]
            calls = [node for node in at.nodes if isinstance(node, CallNode)]
            missing = [node.region for node in calls if node.region not in self.totals]
            if missing:
                waiting += missing
                continue
            waiting.pop()
            own = sum(self.notes.get(node, 0) for node in at.nodes if isinstance(node, OpNode))
            self.totals[at] = own + sum(self._rounds(node) * self.totals[node.region] for node in calls)
        return self.totals[region]
