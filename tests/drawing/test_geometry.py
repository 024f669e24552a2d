"""Looking at the drawings without eyes: boxes apart, text in its box, no arrow across a box, arcs in their frame.

Every model of the zoo is laid out; what is checked is computed here from rectangles and points alone.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from functools import cache
from itertools import combinations, pairwise

import pytest

from archdsl.drawing.build import make_picture
from archdsl.drawing.font import text_width
from archdsl.drawing.geometry import SVG, Rectangle, rectangles
from archdsl.drawing.picture import Picture
from archdsl.drawing.placed import Placed, PlacedEdge, Text
from archdsl.drawing.render import laid_out, render
from archdsl.network.elaborate import check
from archdsl.network.program import load
from archdsl.network.types import Network
from archdsl.source import Source
from tests.drawing.models import SAMPLES, ZOO, gpt, network, zoo

FILES = sorted(path.stem for path in ZOO.glob("*.arch"))
USUAL = {
    "transformer", "unet", "resnet", "googlenet", "detr", "gpt2", "bert", "fpt", "inception", "vgg", "lstm",
}  # fmt: skip
GROUPS, EACH = 6, 10
CASES = [
    *(f"sample {name}" for name in (*SAMPLES, "gpt")),
    *(f"random{group}" for group in range(GROUPS)),
    *(pytest.param(name, marks=() if name in USUAL else pytest.mark.slow) for name in FILES),
]


@cache
def drawings(name: str) -> tuple[tuple[Picture, Placed], ...]:
    if name.startswith("sample "):
        return (laid_out(network(SAMPLES.get(name.removeprefix("sample ")) or gpt(12))),)
    if name.startswith("random"):
        return tuple(random_drawings(int(name.removeprefix("random"))))
    forms: dict[str, Network] = {}
    for model in zoo(name).values():  # base and large differ in their numbers: one drawing of each form
        picture = make_picture(model)
        forms.setdefault(repr([(b.kind, b.cluster, len(b.lines)) for b in picture.boxes]), model)
    return tuple(laid_out(model) for model in forms.values())


def random_drawings(group: int) -> Iterator[tuple[Picture, Placed]]:
    """Programs of the generator that checks against torch; what is no program is its business."""
    from tests.random_networks.generate import generate

    for seed in range(group * EACH, (group + 1) * EACH):
        networks, _ = check(load(Source("random.arch", generate(seed, steps=14).text), folder=ZOO))
        for model in networks.values():
            yield laid_out(model)


@pytest.fixture(params=CASES)
def drawn(request: pytest.FixtureRequest) -> tuple[tuple[Picture, Placed], ...]:
    return drawings(request.param)


def inside(inner: Rectangle, outer: Rectangle, slack: float = 0.0) -> bool:
    return (
        outer.left - slack <= inner.left
        and inner.right <= outer.right + slack
        and outer.top - slack <= inner.top
        and inner.bottom <= outer.bottom + slack
    )


def segments(edge: PlacedEdge) -> Iterator[Rectangle]:
    for (x1, y1), (x2, y2) in pairwise(edge.points):
        yield Rectangle(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def around(picture: Picture, name: str) -> set[str]:
    """The frames that a box stands in."""
    parents = {c.id: c.parent for c in picture.clusters}
    at = next(b.cluster for b in picture.boxes if b.id == name)
    found = set()
    while at is not None:
        found.add(at)
        at = parents[at]
    return found


def test_boxes_and_tags_do_not_overlap(drawn: tuple[tuple[Picture, Placed], ...]) -> None:
    for _, placed in drawn:
        things = [(b.box.id, b.place) for b in placed.boxes] + [(t.text.text, t.place) for t in placed.tags]
        for (one, first), (other, second) in combinations(things, 2):
            assert not first.crosses(second), (placed.name, one, other)


def test_text_is_inside_its_box(drawn: tuple[tuple[Picture, Placed], ...]) -> None:
    for _, placed in drawn:
        for box in placed.boxes:
            for text in box.texts:
                wide = text_width(text.text, text.size, bold=text.bold)
                assert wide is None or wide <= text.width + 0.01
                assert inside(text.place, box.place), (placed.name, text)
        for frame in placed.frames:
            for text in frame.texts:
                assert inside(text.place, frame.place), (placed.name, text)
        for tag in placed.tags:
            assert inside(tag.text.place, tag.place), (placed.name, tag)


def test_frames_hold_their_boxes_and_nothing_else(drawn: tuple[tuple[Picture, Placed], ...]) -> None:
    for picture, placed in drawn:
        frames = {f.cluster.id: f.place for f in placed.frames}
        for box in placed.boxes:
            held = around(picture, box.box.id)
            for name, place in frames.items():
                if name in held:
                    assert inside(box.place, place), (placed.name, box.box, name)
                else:
                    assert not box.place.crosses(place), (placed.name, box.box, name)


def test_every_arrow_is_drawn_from_its_box_to_its_box(drawn: tuple[tuple[Picture, Placed], ...]) -> None:
    for picture, placed in drawn:
        places = {b.box.id: b.place for b in placed.boxes}
        edges = {e.number: e for e in placed.edges}
        tagged = {tag.box for tag in placed.tags}
        for number, edge in enumerate(picture.edges):
            if number not in edges:
                assert edge.target in tagged, (placed.name, edge)
                continue
            (x1, y1), (x2, y2) = edges[number].points[0], edges[number].points[-1]
            assert inside(Rectangle(x1, y1, x1, y1), places[edge.source], 0.6), (placed.name, edge)
            assert inside(Rectangle(x2, y2, x2, y2), places[edge.target], 0.6), (placed.name, edge)
            for (ax, ay), (bx, by) in pairwise(edges[number].points):
                assert abs(ax - bx) < 0.05 or abs(ay - by) < 0.05, (placed.name, edge, "aslant")


def test_no_arrow_crosses_a_box(drawn: tuple[tuple[Picture, Placed], ...]) -> None:
    for picture, placed in drawn:
        frames = {f.cluster.id: f.place for f in placed.frames}
        for edge in placed.edges:
            own = {edge.source, edge.target}
            held = around(picture, edge.source) | around(picture, edge.target)
            for piece in segments(edge):
                for box in placed.boxes:
                    shrunk = Rectangle(
                        box.place.left + 1, box.place.top + 1, box.place.right - 1, box.place.bottom - 1
                    )
                    if box.box.id not in own or box.box.kind != "junction":
                        assert not piece.crosses(shrunk), (placed.name, edge.number, box.box.id)
                for tag in placed.tags:
                    assert not piece.crosses(tag.place), (placed.name, edge.number, tag.text.text)
                for name, place in frames.items():
                    if name not in held:
                        assert not piece.crosses(place), (placed.name, edge.number, name)


def test_arcs_stay_in_their_frame(drawn: tuple[tuple[Picture, Placed], ...]) -> None:
    for picture, placed in drawn:
        frames = {f.cluster.id: f.place for f in placed.frames}
        for edge in placed.edges:
            shared = around(picture, edge.source) & around(picture, edge.target)
            for piece in segments(edge):
                assert all(inside(piece, frames[name]) for name in shared), (placed.name, edge)


def words(placed: Placed) -> list[Text]:
    return [e.label for e in placed.edges if e.label is not None] + [
        t for f in placed.frames for t in f.texts
    ]


def test_labels_touch_neither_boxes_nor_each_other(drawn: tuple[tuple[Picture, Placed], ...]) -> None:
    for _, placed in drawn:
        texts = words(placed)
        for one, other in combinations(texts, 2):
            assert not one.place.crosses(other.place), (placed.name, one.text, other.text)
        for text in texts:
            for box in placed.boxes:
                assert not text.place.crosses(box.place), (placed.name, text.text, box.box.id)
            for tag in placed.tags:
                assert not text.place.crosses(tag.place), (placed.name, text.text, tag.text.text)


def test_no_arrow_crosses_a_title_or_a_label(drawn: tuple[tuple[Picture, Placed], ...]) -> None:
    for _, placed in drawn:
        for text in words(placed):
            for edge in placed.edges:
                for piece in segments(edge):
                    assert not piece.crosses(text.place), (placed.name, edge.number, text.text)


def test_everything_is_on_the_canvas(drawn: tuple[tuple[Picture, Placed], ...]) -> None:
    for _, placed in drawn:
        canvas = Rectangle(0, 0, placed.width, placed.height)
        things = [b.place for b in placed.boxes] + [f.place for f in placed.frames]
        things += [t.place for t in placed.tags] + [t.place for t in words(placed)]
        things += [entry.text.place for entry in placed.legend]
        things += [piece for edge in placed.edges for piece in segments(edge)]
        assert all(inside(thing, canvas) for thing in things), placed.name


@pytest.mark.parametrize("name", ["unet", "unet_bn"])
def test_the_way_up_is_right_of_the_way_down_and_skips_are_level(name: str) -> None:
    for picture, placed in drawings(name):
        places = {b.box.id: b.place for b in placed.boxes}
        skips = [edge for edge in picture.edges if edge.skip]
        assert len(skips) >= 4
        for edge in skips:
            assert places[edge.source].right < places[edge.target].left
            assert places[edge.source].middle == pytest.approx(places[edge.target].middle, abs=0.1)


def test_towers_stand_side_by_side_and_the_arrow_between_them_does_not_turn_back() -> None:
    picture, placed = drawings("transformer")[0]
    frames = {f.cluster.title.split(":")[0]: f.place for f in placed.frames}
    assert frames["encoder"].right < frames["decoder"].left
    assert frames["encoder"].top == pytest.approx(frames["decoder"].top, abs=1)
    sides = [number for number, edge in enumerate(picture.edges) if edge.side]
    assert sides
    for edge in placed.edges:
        if edge.number in sides:
            xs = [x for x, _ in edge.points]
            assert xs == sorted(xs)


def test_branches_stand_side_by_side_with_their_tops_aligned() -> None:
    _, placed = drawings("googlenet")[0]
    frame = next(f for f in placed.frames if "inception" in f.cluster.title)
    held = [b.place for b in placed.boxes if b.box.cluster == frame.cluster.id and b.box.kind == "operators"]
    top = min(place.top for place in held)
    first = sorted((place for place in held if place.top == pytest.approx(top)), key=lambda place: place.left)
    assert len(first) == 4
    assert all(one.right < other.left for one, other in pairwise(first))


def test_a_chain_is_straight() -> None:
    ((_, placed),) = drawings("sample chain")
    middles = {round((b.place.left + b.place.right) / 2, 1) for b in placed.boxes}
    assert len(middles) == 1
    assert all(len(edge.points) == 2 for edge in placed.edges)


def page_scale(placed: Placed) -> float:
    """How much a figure is made smaller on a page whose text is 7 by 9.5 inches (or on its side)."""
    upright = min(504 / placed.width, 684 / placed.height)
    return max(upright, min(684 / placed.width, 504 / placed.height))


# The smallest text is of 10 points: at 0.6 it is printed in 6. Five levels of a U with all its norms take a little more.
READABLE = {"unet_bn": 0.5}
FIGURES = {
    "transformer": "transformer_base", "unet": "unet", "resnet": "resnet50", "googlenet": "googlenet",
    "inception": "inception_v3", "detr": "detr", "seq2seq": "seq2seq", "gpt3": "gpt3", "vit": "vit_b_16",
    "unet_bn": "unet_bn",
}  # fmt: skip


@pytest.mark.parametrize("file", FIGURES)
def test_a_figure_fits_a_page_with_text_that_can_be_read(file: str) -> None:
    _, placed = laid_out(zoo(file)[FIGURES[file]])
    assert page_scale(placed) >= READABLE.get(file, 0.6)
    assert 0.38 <= placed.width / placed.height <= 2.6


def test_the_drawing_of_gpt3_is_as_high_as_that_of_gpt2() -> None:
    (_, small), (_, large) = laid_out(zoo("gpt2")["gpt2"]), laid_out(zoo("gpt3")["gpt3"])
    assert large.height == pytest.approx(small.height, rel=0.02)


@pytest.mark.parametrize("name", [*SAMPLES, "gpt"])
def test_what_is_written_is_what_was_laid_out(name: str) -> None:
    """The SVG's rectangles, read back, are the layout's."""
    model = network(SAMPLES.get(name) or gpt(12))
    picture, placed = laid_out(model)
    svg = render(model)
    assert isinstance(svg, str)
    root = ElementTree.fromstring(svg)
    read = rectangles(root)
    for thing in (*placed.boxes, *placed.frames):
        place = read[thing.box.id if hasattr(thing, "box") else thing.cluster.id]
        assert place.left == pytest.approx(thing.place.left, abs=0.02)
        assert place.bottom == pytest.approx(thing.place.bottom, abs=0.02)
    assert root[0].tag == SVG + "title"
    assert root[0].text == picture.name
    if picture.docstring:
        assert root[1].text == picture.docstring
    assert {box.path for box in picture.boxes} <= {g.get("data-path") for g in root.iter(SVG + "g")}
    assert svg == render(model)
