"""How much of its input an output element sees, and how far apart its neighbours look: exact through branches.

Each operator is a step (archdsl.analysis.steps); steps compose, and where paths meet the wider one counts, so that a
whole region is one table of steps from its inputs to its outputs, and a loop is a power of its round's.

What sees everything (global pooling, attention) or has no spatial meaning (flatten) ends a feature map: from there on
a value is ``past`` it, and keeps the field that the map had. The figure is that of the last feature map.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archdsl.analysis.steps import IDENTITY, Along, Step, Way, after, larger, moved, past, transposed, window
from archdsl.network.types import CallNode, Network, OpNode, Region, Value
from archdsl.ops.base import Reach

# From each input of a region (by number) to a value: the ways of the wire and what they do.
Ways = Mapping[int, Way]


@dataclass(frozen=True)
class ReceptiveField:
    """Of the last feature map, per spatial dim: its receptive field, and the stride of the whole network up to it.

    ``after`` names what saw the whole map, or had no spatial meaning, later on.
    """

    field: tuple[int, ...]
    stride: tuple[int | float, ...]
    after: tuple[str, ...]


def receptive_field(network: Network) -> ReceptiveField | None:
    """The largest among the outputs of inference; None where nothing looks at a neighbourhood."""
    counter = _Fields()
    region = network.inference
    table = counter.region(region)
    best: Step | None = None
    for number, value in enumerate(region.inputs):
        if value.type.rank < 3 or not value.type.is_float:
            continue
        for ways in table:
            way = ways.get(number)
            if way is not None:
                best = larger(best, larger(way.alive, way.past))
    if best is None or all(dim(0) == 0 and dim.stride == 1 for dim in best):
        return None
    return ReceptiveField(
        tuple(1 + dim(0) for dim in best),
        tuple(int(dim.stride) if dim.stride == int(dim.stride) else float(dim.stride) for dim in best),
        tuple(counter.globals),
    )


class _Fields:
    """The tables of regions, each made once. ``globals`` are the operators that ended a feature map."""

    def __init__(self) -> None:
        self._regions: dict[Region, tuple[Ways, ...]] = {}
        self.globals: dict[str, None] = {}

    def region(self, region: Region) -> tuple[Ways, ...]:
        """For each output: from which inputs it comes, and how."""
        if region not in self._regions:
            known: dict[Value, Ways] = {value: {i: IDENTITY} for i, value in enumerate(region.inputs)}
            for node in region.nodes:
                if isinstance(node, OpNode):
                    self._operator(node, known)
                elif isinstance(node, CallNode):
                    self._call(node, known)
            self._regions[region] = tuple(known.get(value, {}) for value in region.outputs)
        return self._regions[region]

    def _operator(self, node: OpNode, known: dict[Value, Ways]) -> None:
        reach = node.op.reach(node.input_types)
        for output in node.outputs:
            found: dict[int, Way] = {}
            for value in node.inputs:
                step = _step(reach, value.type.rank, output.type.rank)
                ways = known.get(value, {})
                if step is None and any(way.alive is not None for way in ways.values()):
                    self.globals.setdefault(node.op.name)
                through = past if step is None else moved(step)
                _merge(found, ((number, after(way, through)) for number, way in ways.items()))
            known[output] = found

    def _call(self, node: CallNode, known: dict[Value, Ways]) -> None:
        table = self.region(node.region)
        if node.kind in ("loop", "until") and isinstance(node.count, int):
            table = _power(table, len(node.region.inputs), node.carry, node.count)
        entries = [known.get(value, {}) for value in node.inputs]
        for output, ways in zip(node.outputs, table, strict=False):
            found = _through(ways, entries)
            if node.kind == "scan":
                found = {number: after(way, past) for number, way in found.items()}
            known[output] = found


def _step(reach: Reach, rank_in: int, rank_out: int) -> Step | None:
    """What an operator does to a receptive field; None where it ends the feature map."""
    dims = rank_in - 2
    if reach.kind in ("whole", "none") or rank_in != rank_out or dims < 1:
        return None
    if reach.kind == "pointwise":
        return (Along((), 1),) * dims
    if len(reach.kernel) != dims or len(reach.stride) != dims:
        return None
    made = window if reach.kind == "window" else transposed
    return tuple(made(kernel, stride) for kernel, stride in zip(reach.kernel, reach.stride, strict=True))


def _merge(found: dict[int, Way], ways: Iterable[tuple[int, Way]]) -> None:
    for number, way in ways:
        old = found.get(number)
        found[number] = way if old is None else Way(larger(old.alive, way.alive), larger(old.past, way.past))


def _through(ways: Ways, entries: list[Ways]) -> dict[int, Way]:
    """The ways of a value inside a region, in terms of the region around it."""
    found: dict[int, Way] = {}
    for number, inner in ways.items():
        _merge(found, ((outer, after(way, inner)) for outer, way in entries[number].items()))
    return found


def _power(
    table: tuple[Ways, ...], inputs: int, carry: tuple[tuple[int, int], ...], count: int
) -> tuple[Ways, ...]:
    """The table of ``count`` rounds, by repeated squaring: a depth of a billion costs thirty steps."""
    if count < 1:
        return table
    fed = {to: source for source, to in carry}
    # What each input of a round is after one round, in terms of the inputs of that round.
    whole: list[Ways] = [table[fed[i]] if i in fed else {i: IDENTITY} for i in range(inputs)]
    before: list[Ways] = [{i: IDENTITY} for i in range(inputs)]
    rest = count - 1
    while rest:
        if rest & 1:
            before = [_through(ways, before) for ways in whole]
        rest >>= 1
        if rest:
            whole = [_through(ways, whole) for ways in whole]
    return tuple(_through(ways, before) for ways in table)
