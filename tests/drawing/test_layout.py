"""The parts of the layout: taking graphs apart, leading wires, closing for want of room, naming in place of arrows."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from shutil import which

import pytest

from archdsl.drawing.engine import layout
from archdsl.drawing.geometry import Rectangle
from archdsl.drawing.paging import for_a_page
from archdsl.drawing.placed import Direction
from archdsl.drawing.render import laid_out, render
from archdsl.drawing.ribbons import END, START, Parallel, Series, Tangle, Wire, reduced
from archdsl.drawing.routing import Wires, doors_of, route
from tests.drawing import test_geometry as geometry
from tests.drawing.models import SAMPLES, gpt, network, zoo

CHECKS = (
    geometry.test_arcs_stay_in_their_frame,
    geometry.test_boxes_and_tags_do_not_overlap,
    geometry.test_no_arrow_crosses_a_box,
    geometry.test_frames_hold_their_boxes_and_nothing_else,
    geometry.test_text_is_inside_its_box,
    geometry.test_labels_touch_neither_boxes_nor_each_other,
)


def graph(*arrows: str) -> object:
    """``"a b"`` is an arrow; ``<`` and ``>`` are the two ends."""
    ends = [tuple({"<": START, ">": END}.get(n, n) for n in arrow.split()) for arrow in arrows]
    nodes = dict.fromkeys(n for pair in ends for n in pair if n not in (START, END))
    return reduced(nodes, [Wire(source, target) for source, target in ends])


def test_a_chain_is_a_series() -> None:
    found = graph("< a", "a b", "b c", "c >")
    assert isinstance(found, Series)
    assert found.nodes == ("a", "b", "c")


def test_a_residual_is_a_wire_beside_a_series() -> None:
    found = graph("< a", "a b", "b c", "a c", "c >")
    assert isinstance(found, Series)
    assert found.nodes == ("a", "c")
    (side,) = [part for part in found.ribbons if isinstance(part, Parallel)]
    assert {type(branch) for branch in side.branches} == {Wire, Series}


def test_a_bridge_is_a_tangle_between_the_nodes_that_every_way_passes() -> None:
    """Wheatstone's bridge is the smallest graph that is neither series nor parallel."""
    found = graph("< a", "a b", "a c", "b c", "b d", "c d", "d e", "e >")
    assert isinstance(found, Series)
    assert found.nodes == ("a", "d", "e")
    (tangle,) = [part for part in found.ribbons if isinstance(part, Tangle)]
    assert tangle.nodes == ("b", "c")


WALL = Rectangle(40, 0, 60, 200)
FROM, TO = Rectangle(0, 90, 20, 110), Rectangle(90, 90, 110, 110)


def led(region: Rectangle, *walls: Rectangle) -> list[tuple[float, float]] | None:
    found = route(
        doors_of(FROM, leaving=True), doors_of(TO, leaving=False), region, walls, (FROM, TO), Wires(), "x"
    )
    return found[0] if found else None


def test_a_wire_goes_around_a_wall() -> None:
    points = led(Rectangle(-50, -50, 200, 250), WALL)
    assert points is not None
    for (x1, y1), (x2, y2) in pairwise(points):
        assert x1 == x2 or y1 == y2
        assert not Rectangle(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)).crosses(WALL)


def test_there_is_no_way_out_of_a_walled_place() -> None:
    assert led(Rectangle(-50, -50, 200, 250)) is not None
    assert led(Rectangle(-50, 0, 200, 200), WALL) is None


def test_what_is_asked_for_stays_open_whatever_the_page_says() -> None:
    model = zoo("inception")["inception_v3"]
    closed, _ = laid_out(model)
    every, _ = laid_out(model, expand=["mixed5b", "mixed6b", "mixed7b"])
    opened = {c.path for c in every.clusters}
    assert {"mixed5b", "mixed6b", "mixed7b"} <= opened
    assert len(closed.clusters) < len(every.clusters)


def test_nothing_is_closed_where_there_is_room() -> None:
    asked: list[object] = []
    from archdsl.drawing.build import make_picture

    def draw(closed: object) -> object:
        asked.append(closed)
        return make_picture(network(gpt(12)))

    for_a_page(draw, "down")  # type: ignore[arg-type]
    assert asked == [()]


def test_a_value_used_in_many_places_is_named_there() -> None:
    picture, placed = laid_out(zoo("sagan")["sagan_generator"])
    assert [tag.text.text for tag in placed.tags].count("label") >= 3
    drawn = {edge.number for edge in placed.edges}
    targets = {tag.box for tag in placed.tags if not tag.gives}
    assert targets == {edge.target for n, edge in enumerate(picture.edges) if n not in drawn}


@pytest.mark.parametrize("direction", ["right", "up", "left"])
@pytest.mark.parametrize("name", [*SAMPLES, "gpt"])
def test_the_other_directions_are_as_tidy(name: str, direction: Direction) -> None:
    drawn = (laid_out(network(SAMPLES.get(name) or gpt(12)), direction=direction),)
    for check in CHECKS:
        check(drawn)


def test_graphviz_moves_nothing() -> None:
    """Its own reading of our DOT: the places of the boxes are those of the layout."""
    model = network(gpt(12))
    _, placed = laid_out(model)
    dot = render(model, format="dot")
    assert isinstance(dot, str)
    shift: set[tuple[float, float]] = set()
    for line in layout(dot, format="plain").splitlines():
        kind, name, *numbers = line.split()[:4] if line.startswith("node") else ("", "")
        if kind == "node" and name in {b.box.id for b in placed.boxes}:
            place = next(b.place for b in placed.boxes if b.box.id == name)
            x, y = (72 * float(n) for n in numbers)
            shift.add((round(x - (place.left + place.right) / 2), round(y + place.middle - placed.height)))
    assert len(shift) == 1


@pytest.mark.skipif(which("dot") is None, reason="no Graphviz on this machine")
def test_the_machines_own_dot_draws_it() -> None:
    dot = render(network(gpt(2)), format="dot")
    assert isinstance(dot, str)
    done = subprocess.run(["dot", "-Tsvg"], input=dot.encode(), capture_output=True, check=True)
    assert b"<svg" in done.stdout


def test_layouts_end_however_little_work_routing_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrows that found no way for want of steps were asked for again with as few, for ever."""
    monkeypatch.setattr("archdsl.drawing.layout.ROUTING_STEPS", 5)
    monkeypatch.setattr("archdsl.drawing.layout._MOST_STEPS", 80)
    _, placed = laid_out(zoo("transformer")["transformer_base"])
    assert placed.boxes
