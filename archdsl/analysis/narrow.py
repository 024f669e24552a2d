"""Where a network is abruptly narrow: a small map that all goes through, between a large one and more channels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod

from archdsl.analysis.sizes import SizesError, concrete, sizes_for
from archdsl.diagnostics import Diagnostic
from archdsl.network.types import CallNode, Network, OpNode, RawTensorNode, Region, Value, WeightNode
from archdsl.source import Span

# One operator may make a map so many times smaller: a pool or a stride of 2 a quarter, and half the channels on top.
# Beyond this it is abrupt.
MOST = 9  # a pool of 3 x 3 that leaves nothing out (OverFeat) is the most that is usual
DEEPEST = 70  # blocks inside each other; what stands deeper is one place


@dataclass(frozen=True)
class Place:
    """A feature map through which all that reaches the output goes: its numbers per image, channels, and extent.

    ``before``: the numbers that there were before the one operator that made it.
    """

    numbers: int
    before: int
    channels: int
    extent: int
    shape: str
    span: Span


def narrow_places(network: Network) -> list[Diagnostic]:
    """Maps that one operator makes more than ``MOST`` times smaller, where channels are made up again after them.

    "Avoid representational bottlenecks, especially early in the network" (Szegedy et al., 2015, principle 1). Codes
    without extent ([B, z, 1, 1], [B, z]) and the scores at a network's end are small on purpose.
    """
    try:
        sizes = sizes_for(network)
    except SizesError:
        return []
    places = list(_places(network.inference, sizes, {}, 0))
    found = []
    widest = 0  # channels of the maps to come
    for place in reversed(places):
        if place.extent > 1 and place.numbers * MOST < place.before and widest >= 2 * place.channels:
            found.append(_warning(place))
        if place.extent > 1:
            widest = max(widest, place.channels)
    return found


def _warning(place: Place) -> Diagnostic:
    return Diagnostic(
        "W0502",
        f"all that the network knows is squeezed into {place.shape}: {place.before:,} numbers become {place.numbers:,}",
        place.span,
        help=("narrow it in steps: more channels where the stride is, or a branch around this place",),
    )


def _known(
    region: Region, sizes: Mapping[str, int], seen: dict[Region, Place | None], depth: int
) -> Iterator[Place]:
    """The places of a region; where it was met before, the widest alone: what is to be said of the others is said."""
    if region not in seen:
        found = tuple(_places(region, sizes, seen, depth))
        widest = max((p for p in found if p.extent > 1), key=lambda p: p.channels, default=None)
        seen[region] = None if widest is None else replace(widest, before=widest.numbers)
        yield from found
    elif (again := seen[region]) is not None:
        yield again


def _places(
    region: Region, sizes: Mapping[str, int], seen: dict[Region, Place | None], depth: int
) -> Iterator[Place]:
    """The maps of a region that no other tensor passes by, from its beginning to its end; one round of each loop."""
    last: dict[Value, int] = {value: len(region.nodes) for value in region.outputs}
    for number, node in reversed(list(enumerate(region.nodes))):
        if isinstance(node, OpNode | CallNode):
            for value in node.inputs:
                last.setdefault(value, number)
    alive = {value for value in region.inputs if value in last}
    for number, node in enumerate(region.nodes):
        if isinstance(node, RawTensorNode | WeightNode):
            continue  # what it learned is not what it knows of its input
        before = sum(_numbers(value, sizes) for value in alive)
        inner = isinstance(node, CallNode) and alive == set(node.inputs) and len(alive) == 1
        alive = {value for value in (*alive, *node.outputs) if last.get(value, -1) > number}
        if inner and isinstance(node, CallNode) and depth < DEEPEST:
            yield from _known(node.region, sizes, seen, depth + 1)
        elif len(alive) == 1:
            (value,) = alive
            numbers = _numbers(value, sizes)
            yield from _place(value, before if isinstance(node, OpNode) else numbers, node.span, sizes)


def _numbers(value: Value, sizes: Mapping[str, int]) -> int:
    kind = concrete(value.type, sizes)
    return prod(size for size in kind.shape[1:] if isinstance(size, int)) if kind.is_float else 0


def _place(value: Value, before: int, span: Span, sizes: Mapping[str, int]) -> Iterator[Place]:
    kind = concrete(value.type, sizes)
    if kind.rank < 3 or kind.features != "first" or not kind.is_float:
        return
    _, channels, *extent = kind.shape
    assert isinstance(channels, int)
    area = prod(size for size in extent if isinstance(size, int))
    yield Place(channels * area, before, channels, area, str(kind), span)
