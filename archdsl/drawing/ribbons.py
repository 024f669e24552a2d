"""A level's graph taken apart: what follows one another, what stands side by side, and what is neither.

Series-parallel reduction. A *ribbon* leads from one node to another: a wire alone, a series of ribbons with nodes
between, or ribbons side by side. What cannot be reduced further is kept as a :class:`Tangle` between two nodes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

START, END = "<start>", "<end>"


@dataclass(frozen=True)
class Wire:
    """A bare wire; ``key`` None joins the level's start or end to what has no arrow there, and is not drawn."""

    source: str
    target: str
    drawn: bool = True


@dataclass(frozen=True)
class Series:
    """Ribbons with nodes between: ``ribbons`` is one longer than ``nodes``."""

    ribbons: tuple[Ribbon, ...]
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Parallel:
    """Ribbons between the same two nodes."""

    branches: tuple[Ribbon, ...]


@dataclass(frozen=True)
class Tangle:
    """What is neither: nodes in the order of the program, and ribbons between them and the two ends."""

    source: str
    target: str
    nodes: tuple[str, ...]
    edges: tuple[tuple[str, str, Ribbon], ...]


Ribbon = Wire | Series | Parallel | Tangle


def nodes_of(ribbon: Ribbon) -> tuple[str, ...]:
    """All nodes inside a ribbon."""
    match ribbon:
        case Wire():
            return ()
        case Series(ribbons, nodes):
            return (*nodes, *(n for part in ribbons for n in nodes_of(part)))
        case Parallel(branches):
            return tuple(n for part in branches for n in nodes_of(part))
        case Tangle(_, _, nodes, edges):
            return (*nodes, *(n for _, _, part in edges for n in nodes_of(part)))


def wires_of(ribbon: Ribbon) -> tuple[Wire, ...]:
    """All wires inside a ribbon."""
    match ribbon:
        case Wire():
            return (ribbon,)
        case Series(ribbons, _):
            return tuple(w for part in ribbons for w in wires_of(part))
        case Parallel(branches):
            return tuple(w for part in branches for w in wires_of(part))
        case Tangle(_, _, _, edges):
            return tuple(w for _, _, part in edges for w in wires_of(part))


def reduced(nodes: Iterable[str], wires: Iterable[Wire]) -> Ribbon:
    """One ribbon from START to END for a graph whose every node lies between the two; ``nodes`` in their order."""
    order = [START, *nodes, END]
    rank = {node: i for i, node in enumerate(order)}
    edges = _Edges()
    for wire in wires:
        edges.add(wire.source, wire.target, wire)
    waiting = [n for n in order[1:-1] if edges.between(n)]
    while waiting:
        node = waiting.pop(0)
        (before, first), (after, second) = edges.take(node)
        edges.add(before, after, _series(first, node, second))
        waiting = [n for n in order[1:-1] if edges.between(n)]
    remaining = sorted(edges.all(), key=lambda e: (rank[e[0]], rank[e[1]]))
    if len(remaining) == 1:
        return remaining[0][2]
    left = [n for n in order[1:-1] if any(n in (u, v) for u, v, _ in remaining)]
    return _cut(left, remaining)


def _series(first: Ribbon, node: str, second: Ribbon) -> Series:
    before = first if isinstance(first, Series) else Series((first,), ())
    after = second if isinstance(second, Series) else Series((second,), ())
    return Series(before.ribbons + after.ribbons, (*before.nodes, node, *after.nodes))


class _Edges:
    """A multigraph in which edges of the same ends grow together at once."""

    def __init__(self) -> None:
        self.out: dict[str, dict[str, Ribbon]] = {}
        self.into: dict[str, dict[str, Ribbon]] = {}

    def add(self, source: str, target: str, ribbon: Ribbon) -> None:
        known = self.out.setdefault(source, {}).get(target)
        if known is not None:
            branches = known.branches if isinstance(known, Parallel) else (known,)
            ribbon = Parallel((*branches, *(ribbon.branches if isinstance(ribbon, Parallel) else (ribbon,))))
        self.out[source][target] = ribbon
        self.into.setdefault(target, {})[source] = ribbon

    def between(self, node: str) -> bool:
        return len(self.out.get(node, ())) == 1 and len(self.into.get(node, ())) == 1

    def take(self, node: str) -> tuple[tuple[str, Ribbon], tuple[str, Ribbon]]:
        ((before, first),) = self.into.pop(node).items()
        ((after, second),) = self.out.pop(node).items()
        del self.out[before][node]
        del self.into[after][node]
        return (before, first), (after, second)

    def all(self) -> list[tuple[str, str, Ribbon]]:
        return [(u, v, ribbon) for u, found in self.out.items() for v, ribbon in found.items()]


def _cut(nodes: list[str], edges: list[tuple[str, str, Ribbon]]) -> Ribbon:
    """What is left, as a series of tangles: cut at nodes that every way from START to END passes."""
    ways = {START: 1}
    for node in [*nodes, END]:
        ways[node] = sum(ways.get(u, 0) for u, v, _ in edges if v == node)
    back = {END: 1}
    for node in [*reversed(nodes), START]:
        back[node] = sum(back.get(v, 0) for u, v, _ in edges if u == node)
    cuts = [n for n in nodes if ways[n] * back[n] == ways[END]]
    ends = [START, *cuts, END]
    place = {n: i for i, n in enumerate([START, *nodes, END])}
    parts: list[Ribbon] = []
    for first, last in pairwise(ends):
        inside = [e for e in edges if place[first] <= place[e[0]] and place[e[1]] <= place[last]]
        if len(inside) == 1:
            parts.append(inside[0][2])
        else:
            between = tuple(n for n in nodes if place[first] < place[n] < place[last])
            parts.append(Tangle(first, last, between, tuple(inside)))
    if len(parts) == 1:
        return parts[0]
    ribbons: list[Ribbon] = []
    named: list[str] = []
    for i, part in enumerate(parts):
        if isinstance(part, Series):
            ribbons += part.ribbons
            named += part.nodes
        else:
            ribbons.append(part)
        if i < len(cuts):
            named.append(cuts[i])
    return Series(tuple(ribbons), tuple(named))
