"""Ranks, columns, lanes: on random graphs nothing shares a place, and no arrow's way leads through a box."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from archdsl.drawing.grid import Grid, place


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    """Boxes in an order, and arrows that follow it, without repetition."""
    count = draw(st.integers(1, 14))
    pairs = [(a, b) for a in range(count) for b in range(a + 1, count)]
    chain = [(a, a + 1) for a in range(count - 1) if draw(st.integers(0, 4))]
    more = draw(st.lists(st.sampled_from(pairs), max_size=12)) if pairs else []
    return count, list(dict.fromkeys([*chain, *more]))


def verify(count: int, edges: list[tuple[int, int]], grid: Grid) -> None:
    places = list(zip(grid.ranks, grid.columns, strict=True))
    assert len(set(places)) == count
    assert min(grid.ranks) >= 0
    down: dict[tuple[int, int], set[tuple[str, int]]] = {}  # who runs down a column in a channel
    runs: dict[tuple[int, int], list[tuple[int, int, tuple[str, int]]]] = {}

    def run(channel: int, track: int, one: int, other: int, net: tuple[str, int]) -> None:
        left, right = sorted((one, other))
        if left != right:
            assert track < grid.tracks[channel]
            runs.setdefault((channel, track), []).append((left, right, net))

    for number, (source, target) in enumerate(edges):
        route = grid.routes[number]
        top, bottom = grid.ranks[source], grid.ranks[target]
        assert top < bottom
        assert (route.lane is None) == (bottom == top + 1)
        if route.lane is None:
            run(top, route.leave, grid.columns[source], grid.columns[target], ("from", source))
            continue
        for rank in range(top + 1, bottom):
            assert (rank, route.lane) not in places
        if route.lane not in (grid.columns[source], grid.columns[target]):
            for channel in range(top, bottom):
                assert not down.get((channel, route.lane))
                down.setdefault((channel, route.lane), set()).add(("edge", number))
        run(top, route.leave, grid.columns[source], route.lane, ("from", source))
        run(bottom - 1, route.enter, route.lane, grid.columns[target], ("edge", number))
    for lines in runs.values():
        for i, (left, right, net) in enumerate(lines):
            for other_left, other_right, other in lines[:i]:
                assert net == other or right < other_left or other_right < left


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_nothing_shares_a_place(graph: tuple[int, list[tuple[int, int]]]) -> None:
    count, edges = graph
    read = {source for source, _ in edges}
    ends = [box for box in range(count) if box not in read]
    verify(count, edges, place(count, edges))
    verify(count, edges, place(count, edges, ends, [i for i, (s, t) in enumerate(edges) if t == s + 2]))


def test_a_chain_is_a_column_and_its_residual_a_lane() -> None:
    grid = place(5, [(0, 1), (1, 2), (2, 3), (0, 3), (3, 4)])
    assert grid.columns == (0, 0, 0, 0, 0)
    assert grid.ranks == (0, 1, 2, 3, 4)
    assert [route.lane for route in grid.routes] == [None, None, None, 1, None]


def test_three_branches_stand_around_the_middle_one_in_their_order() -> None:
    grid = place(5, [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)])
    assert grid.columns[1] < grid.columns[2] < grid.columns[3]
    assert grid.columns[0] == grid.columns[2] == grid.columns[4]


def test_a_weight_stands_beside_what_reads_it() -> None:
    grid = place(5, [(0, 1), (1, 2), (2, 4), (3, 4)])
    assert grid.ranks[3] == grid.ranks[4] - 1
    assert grid.columns[3] != grid.columns[2]


def test_two_towers_stay_two() -> None:
    """0-1-2 an encoder, 3-4-5 a decoder that reads the encoder's end from the side; 4 to 5 is the wire."""
    edges = [(0, 1), (1, 2), (3, 4), (4, 5), (2, 5)]
    grid = place(6, edges, (), [3])
    assert len({grid.columns[box] for box in (0, 1, 2)}) == 1
    assert len({grid.columns[box] for box in (3, 4, 5)}) == 1
    assert grid.columns[0] != grid.columns[3]
