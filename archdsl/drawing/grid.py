"""Ranks, columns and lanes for the boxes of one block: where each stands, before anybody knows how large it is.

What follows one another without a branch shares a column; an arrow past other boxes has a lane of its own to run in.
So whoever draws it needs only widths of columns and heights of ranks, which may change as blocks open and close, and no
arrow ever crosses a box.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

Ends = tuple[int, int]


@dataclass(frozen=True)
class Route:
    """An arrow's way: out along a track below its source, down a lane, in along a track above its target.

    ``lane`` is a column, None where source and target are neighbours (``leave`` is then the only track). Tracks are
    numbered from the top in the channel below each rank.
    """

    lane: int | None
    leave: int
    enter: int


@dataclass(frozen=True)
class Grid:
    """Rank and column of each box, a route for each arrow, how many tracks the channel below each rank needs."""

    ranks: tuple[int, ...]
    columns: tuple[int, ...]
    routes: tuple[Route, ...]
    tracks: tuple[int, ...]


def place(count: int, edges: Sequence[Ends], last: Sequence[int] = (), wires: Collection[int] = ()) -> Grid:
    """A grid for ``count`` boxes, each after those it reads; ``last`` are boxes for the lowest rank (outputs).

    ``wires`` are numbers of edges whose ends belong in one column although something stands between their ranks.
    """
    ranks = _ranks(count, edges, last)
    columns, lanes = _columns(count, edges, ranks, wires)
    routes, tracks = _tracks(edges, ranks, columns, lanes)
    return Grid(tuple(ranks), tuple(columns), tuple(routes), tuple(tracks))


def _ranks(count: int, edges: Sequence[Ends], last: Sequence[int]) -> list[int]:
    ranks = [0] * count
    for source, target in sorted(edges, key=lambda ends: ends[1]):
        ranks[target] = max(ranks[target], ranks[source] + 1)
    lowest = max(ranks, default=0)
    for box in last:
        ranks[box] = lowest
    readers: dict[int, list[int]] = {}
    fed = {target for _, target in edges}
    for source, target in edges:
        readers.setdefault(source, []).append(target)
    for box in range(count):  # what nothing feeds stands right above what reads it
        if box not in fed and box in readers:
            ranks[box] = min(ranks[target] for target in readers[box]) - 1
    return ranks


def _chains(
    count: int, edges: Sequence[Ends], ranks: Sequence[int], wires: Collection[int]
) -> list[list[int]]:
    """Every box in one chain. Where it branches, the longest way goes on; of ways alike, the middle one."""
    ahead = [0] * count
    for source, target in sorted(edges, reverse=True):
        ahead[source] = max(ahead[source], ahead[target] + 1)
    near = [edge for edge in edges if ranks[edge[1]] == ranks[edge[0]] + 1]
    follower: dict[int, int] = {}
    taken: set[int] = set()

    def link(source: int, target: int) -> None:
        if source not in follower and target not in taken:
            follower[source] = target
            taken.add(target)

    for number in wires:
        link(*edges[number])
    goes = {source: _best([t for s, t in near if s == source], ahead) for source, _ in near}
    comes = {target: _best([s for s, t in near if t == target], ranks) for _, target in near}
    for source, target in [e for e in near if goes[e[0]] == e[1] and comes[e[1]] == e[0]] + near:
        link(source, target)
    chains = []
    for box in range(count):
        if box not in taken:
            chain = [box]
            while chain[-1] in follower:
                chain.append(follower[chain[-1]])
            chains.append(chain)
    return sorted(chains, key=lambda chain: (-len(chain), chain[0]))


def _best(boxes: list[int], worth: Sequence[int]) -> int:
    best = sorted(box for box in boxes if worth[box] == max(worth[b] for b in boxes))
    return best[(len(best) - 1) // 2]


@dataclass
class _Columns:
    """What is taken in each column, by boxes or lanes: rank r is 2r, the channel below it 2r + 1."""

    taken: dict[int, list[tuple[int, int]]]

    def nearest(self, start: int, side: int, first: int, last: int) -> int:
        """The nearest column from ``start`` that is free from ``first`` to ``last``: on ``side``, or on either."""
        for distance in range(1000):
            for column in [start + distance * side] if side else [start + distance, start - distance]:
                if all(last < a or b < first for a, b in self.taken.get(column, ())):
                    self.taken.setdefault(column, []).append((first, last))
                    return column
        raise AssertionError("a picture has fewer boxes than columns")


def _columns(
    count: int, edges: Sequence[Ends], ranks: Sequence[int], wires: Collection[int]
) -> tuple[list[int], dict[int, int]]:
    chains = _chains(count, edges, ranks, wires)
    home = {box: number for number, chain in enumerate(chains) for box in chain}
    columns: list[int | None] = [None] * count
    free = _Columns({})
    waiting = list(range(len(chains)))
    while waiting:
        number = next((n for n in waiting if _neighbour(chains[n], edges, columns) is not None), waiting[0])
        waiting.remove(number)
        chain = chains[number]
        beside = _neighbour(chain, edges, columns)
        start, side = 0, 1
        if beside is not None:
            start = columns[beside] or 0
            fed = any(target == chain[0] for _, target in edges)
            left = _earlier(chain, chains[home[beside]], edges)
            side = (-1 if left else 1) if fed or len(chain) > 1 else 0
        # With the channels above and below it, where arrows come to its first box and leave its last.
        column = free.nearest(start, side, 2 * ranks[chain[0]] - 1, 2 * ranks[chain[-1]] + 1)
        for box in chain:
            columns[box] = column
    settled = [column or 0 for column in columns]
    lanes: dict[int, int] = {}
    long = [(ranks[t] - ranks[s], i) for i, (s, t) in enumerate(edges) if ranks[t] - ranks[s] > 1]
    for _, number in sorted(long):
        source, target = edges[number]
        chain = chains[home[source]]
        if target in chain and chain.index(target) == chain.index(source) + 1:
            lanes[number] = settled[source]  # the chain's column is free all the way
            continue
        step = settled[target] - settled[source]
        side = (step > 0) - (step < 0)
        lanes[number] = free.nearest(settled[source], side, 2 * ranks[source] + 1, 2 * ranks[target] - 1)
    return settled, lanes


def _neighbour(chain: list[int], edges: Sequence[Ends], columns: Sequence[int | None]) -> int | None:
    """A box that has its column already and feeds the chain's first or reads its last."""
    for source, target in edges:
        if target == chain[0] and columns[source] is not None:
            return source
    for source, target in edges:
        if source == chain[-1] and columns[target] is not None:
            return target
    return None


def _earlier(chain: list[int], other: list[int], edges: Sequence[Ends]) -> bool:
    """Whether the program tells the chain before its sibling: then it stands to the left."""
    sources = {s for s, t in edges if t == chain[0]}
    siblings = [t for s, t in edges if s in sources and t in other]
    if siblings:
        return chain[0] < min(siblings)
    return chain[0] < other[0]


def _tracks(
    edges: Sequence[Ends], ranks: Sequence[int], columns: Sequence[int], lanes: dict[int, int]
) -> tuple[list[Route], list[int]]:
    """In each channel, tracks for what runs level: first what leaves for a lane, last what comes from one."""
    wanted: dict[int, list[tuple[int, int, int, int, int, int]]] = {}
    for number, (source, target) in enumerate(edges):
        lane = lanes.get(number)
        if lane is None:
            ends = sorted((columns[source], columns[target]))
            wanted.setdefault(ranks[source], []).append((1, ends[0], ends[1], source, number, 0))
        else:
            out, back = sorted((columns[source], lane)), sorted((lane, columns[target]))
            wanted.setdefault(ranks[source], []).append((0, out[0], out[1], source, number, 0))
            wanted.setdefault(ranks[target] - 1, []).append((2, back[0], back[1], -1 - number, number, 1))
    found: dict[tuple[int, int], int] = {}
    counts = [0] * (max(ranks, default=0) + 1)
    for rank, lines in wanted.items():
        tracks: list[list[tuple[int, int, int]]] = []
        for _, left, right, net, number, end in sorted(lines):
            if left == right:
                found[number, end] = 0
                continue
            free = (
                i
                for i, track in enumerate(tracks)
                if all(net == other or right < a or b < left for a, b, other in track)
            )
            at = next(free, len(tracks))
            if at == len(tracks):
                tracks.append([])
            tracks[at].append((left, right, net))
            found[number, end] = at
        counts[rank] = len(tracks)
    routes = [Route(lanes.get(i), found[i, 0], found.get((i, 1), 0)) for i in range(len(edges))]
    return routes, counts
