"""A model's figures as one immutable record: totals, and a tree of rows in which loops stay folded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from archdsl.analysis.compute import Work, WorkCounter
from archdsl.analysis.conditions import conditions
from archdsl.analysis.memory import Memory, memory_of
from archdsl.analysis.parameters import ParameterCounter, Parameters
from archdsl.analysis.receptive_field import ReceptiveField, receptive_field
from archdsl.analysis.sizes import concrete, concrete_all, sizes_for
from archdsl.analysis.tied import TiedCounter
from archdsl.dims import evaluate
from archdsl.network.types import LayerValue, Network, Path, Region
from archdsl.source import Span
from archdsl.tensors import TensorType


@dataclass(frozen=True)
class Mode:
    """Which graph is counted, and in what it runs: the dtype of its floats, and whether attention is fused."""

    train: bool = False
    dtype: str = "float32"
    fused: bool = True


INFERENCE = Mode()


@dataclass(frozen=True, eq=False)
class Inside:
    """What a row that is a region needs to be opened: the region in both modes, and where its layers live."""

    inference: Region | None
    training: Region | None
    layers: Mapping[LayerValue, Path]
    owned: bool  # whether its weights are its own here, and not those of a layer declared elsewhere
    frozen: bool
    steps: int  # how often each instance runs (a scan's length)


@dataclass(frozen=True, eq=False)
class Row:
    """One use of an operator or a region. It stands for ``times`` instances, of which ``path`` is the first.

    ``label`` is the part of the path that the row adds, ``layers.0..95`` for a loop's rounds. ``params`` and ``macs``
    are those of one instance; ``tied_to`` is where its weights are, when they are counted there and not here.
    """

    path: Path
    label: str
    op: str
    caption: str
    role: str
    kind: str  # operator, region, weight
    times: int
    inputs: tuple[TensorType, ...]
    outputs: tuple[TensorType, ...]
    parameters: Parameters
    work: Work
    span: Span
    tied_to: str | None = None
    training_only: bool = False
    inside: Inside | None = field(default=None, repr=False)

    @property
    def params(self) -> int:
        return self.parameters.total

    @property
    def macs(self) -> int:
        return self.work.macs.total

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, eq=False)
class Summary:
    """All figures of one model at given sizes. ``mode`` says which of its two graphs, and in what it runs."""

    network: Network
    sizes: Mapping[str, int]
    mode: Mode
    parameters: Parameters
    work: Work
    conditions: tuple[str, ...]
    regions: int
    instances: int
    counters: tuple[ParameterCounter, WorkCounter] = field(repr=False)

    @property
    def region(self) -> Region:
        """The graph whose figures these are."""
        return self.network.training if self.mode.train else self.network.inference

    @cached_property
    def memory(self) -> Memory:
        mode = self.mode
        return memory_of(self.network, self.parameters, self.sizes, mode.dtype, mode.fused, mode.train)

    @cached_property
    def tied(self) -> int:
        """Numbers that are used a second time and more, and counted once."""
        return TiedCounter(self.counters[0]).model(self.region)

    @cached_property
    def receptive_field(self) -> ReceptiveField | None:
        return receptive_field(self.network)

    @property
    def params(self) -> int:
        return self.parameters.total

    @property
    def macs(self) -> int:
        return self.work.macs.total

    @cached_property
    def root(self) -> Row:
        """The whole model as a row."""
        network, inference, training = self.network, self.region, self.network.training
        types = (
            tuple(value.type for value in inference.inputs),
            tuple(value.type for value in inference.outputs),
        )
        inside = Inside(inference, training, {}, True, False, 1)
        return Row(
            (), network.name, network.name, network.name, "", "region", 1, *types,
            self.parameters, self.work, network.span, inside=inside,
        )  # fmt: skip

    def children(self, row: Row) -> tuple[Row, ...]:
        """The rows inside a row, in the order of the text; none for an operator."""
        from archdsl.analysis.rows import rows_of

        return rows_of(self, row)

    def leaves(self, limit: int) -> Iterator[Row]:
        """The operators, in order; once ``limit`` rows have been given, regions are left closed."""
        stack, given = [iter((self.root,))], 0
        while stack:
            row = next(stack[-1], None)
            if row is None:
                stack.pop()
            elif row.inside is None or given >= limit:
                given += 1
                yield row
            else:
                stack.append(iter(self.children(row)))

    def by_place(self, limit: int = 2000) -> dict[str, tuple[int, int]]:
        """Parameters and MACs of the regions by path, those of one round where it is a loop; as drawings show them."""
        found: dict[str, tuple[int, int]] = {}
        waiting = deque(self.children(self.root))
        while waiting and len(found) < limit:
            row = waiting.popleft()
            if row.inside is not None:
                found.setdefault(row.name, (row.params, row.macs))
                waiting.extend(self.children(row))
        return found

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an output (or input) by its name. KeyError where there is none."""
        return tuple(evaluate(dim, self.sizes) for dim in self.signature[name].shape)

    @property
    def signature(self) -> dict[str, TensorType]:
        """Inputs, then outputs of inference, then those that training has besides."""
        found = {item.name: item.type for item in self.network.inputs}
        for region in (self.network.inference, self.network.training):
            for name, value in zip(region.output_names, region.outputs, strict=True):
                found.setdefault(name, value.type)
        return found

    def __str__(self) -> str:
        from archdsl.analysis.tables import render_table

        return render_table(self)

    def concrete(self, type: TensorType) -> TensorType:
        """A type at the summary's sizes."""
        return concrete(type, self.sizes)

    def concrete_all(self, types: tuple[TensorType, ...]) -> tuple[TensorType, ...]:
        return concrete_all(types, self.sizes)


def summarise(network: Network, at: Mapping[str, int] | None = None, mode: Mode = INFERENCE) -> Summary:
    """Count everything about a model, at its default sizes or those of ``at``. Raises SizesError."""
    sizes = sizes_for(network, at)
    parameters, work = ParameterCounter(), WorkCounter(sizes)
    region = network.training if mode.train else network.inference
    instances = work.instances(region)
    return Summary(
        network=network,
        sizes=sizes,
        mode=mode,
        parameters=parameters.model(network),
        work=work.region(region),
        conditions=conditions(network),
        regions=work.distinct,
        instances=instances,
        counters=(parameters, work),
    )
