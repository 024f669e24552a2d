"""Looking at the drawings without eyes: boxes apart, text in its box, everything on the canvas, arcs in their frame."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations

import pytest

from archdsl.drawing.build import make_picture
from archdsl.drawing.font import text_width
from archdsl.drawing.geometry import SVG, Rectangle, rectangle_of, rectangles
from archdsl.drawing.picture import Picture
from archdsl.drawing.render import render_picture
from tests.drawing.models import SAMPLES, gpt, network, zoo

ZOO = [
    ("resnet", "resnet50"),
    ("googlenet", "googlenet"),
    ("t5", "t5_base"),
    ("vit", "vit_b_16"),
    ("unet", "unet"),
]
CASES = [*SAMPLES, "gpt", *(name for _, name in ZOO)]


@pytest.fixture(scope="module", params=CASES)
def drawn(request: pytest.FixtureRequest) -> tuple[Picture, ElementTree.Element]:
    name = request.param
    if name in SAMPLES or name == "gpt":
        model = network(SAMPLES.get(name) or gpt(12))
    else:
        model = zoo(next(file for file, model in ZOO if model == name))[name]
    picture = make_picture(model)
    svg = render_picture(picture)
    assert isinstance(svg, str)
    return picture, ElementTree.fromstring(svg)


def text_rectangle(text: ElementTree.Element) -> Rectangle:
    size = float(text.get("font-size", "14"))
    width = text_width("".join(text.itertext()), size, bold=text.get("font-weight") == "bold") or 0
    x, y = float(text.get("x", "0")), float(text.get("y", "0"))
    left = x - width / 2 if text.get("text-anchor") == "middle" else x
    return Rectangle(left, y - 0.75 * size, left + width, y + 0.2 * size)


def curve(d: str) -> Rectangle:
    """The extent of a path of cubic Béziers, as Graphviz draws arrows: of the curve, not of its control points."""
    numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", d)]
    points = list(zip(numbers[::2], numbers[1::2], strict=True))
    found = [points[0]]
    for start in range(0, len(points) - 3, 3):
        corners = points[start : start + 4]
        for step in range(1, 21):
            t = step / 20
            factors = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            found.append(
                (
                    sum(f * x for f, (x, _) in zip(factors, corners, strict=True)),
                    sum(f * y for f, (_, y) in zip(factors, corners, strict=True)),
                )
            )
    xs, ys = [x for x, _ in found], [y for _, y in found]
    return Rectangle(min(xs), min(ys), max(xs), max(ys))


def test_boxes_do_not_overlap(drawn: tuple[Picture, ElementTree.Element]) -> None:
    picture, root = drawn
    places = rectangles(root)
    assert {box.id for box in picture.boxes} <= set(places)
    for one, other in combinations(picture.boxes, 2):
        assert not places[one.id].crosses(places[other.id]), (one, other)


def test_labels_are_inside_their_boxes(drawn: tuple[Picture, ElementTree.Element]) -> None:
    picture, root = drawn
    boxes = {box.id for box in picture.boxes}
    for group in root.iter(SVG + "g"):
        if group.get("id") not in boxes:
            continue
        outline = rectangle_of(group)
        assert outline is not None
        for text in group.iter(SVG + "text"):
            place = text_rectangle(text)
            assert outline.left <= place.left, text.text
            assert place.right <= outline.right, text.text
            assert outline.top <= place.top, text.text
            assert place.bottom <= outline.bottom, text.text


def test_frames_hold_their_boxes_and_nothing_else(drawn: tuple[Picture, ElementTree.Element]) -> None:
    picture, root = drawn
    places = rectangles(root)
    parents = {cluster.id: cluster.parent for cluster in picture.clusters}
    for box in picture.boxes:
        around = set()
        cluster = box.cluster
        while cluster is not None:
            around.add(cluster)
            cluster = parents[cluster]
        for name in parents:
            inside = not (
                places[box.id].left < places[name].left
                or places[box.id].right > places[name].right
                or places[box.id].top < places[name].top
                or places[box.id].bottom > places[name].bottom
            )
            assert inside == (name in around), (box, name)


def test_everything_is_on_the_canvas(drawn: tuple[Picture, ElementTree.Element]) -> None:
    _, root = drawn
    left, top, width, height = map(float, root.get("viewBox", "").split())
    canvas = next(g for g in root.iter(SVG + "g") if g.get("class") == "graph")
    moved = re.search(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", canvas.get("transform", ""))
    assert moved is not None
    dx, dy = float(moved[1]), float(moved[2])
    for group, x, y in (
        (canvas, dx, dy),
        (next(g for g in root.iter(SVG + "g") if g.get("id") == "legend"), 0, 0),
    ):
        for text in group.iter(SVG + "text"):
            place = text_rectangle(text)
            assert left <= place.left + x, text.text
            assert place.right + x <= left + width + 1, text.text
            assert top <= place.top + y, text.text
            assert place.bottom + y <= top + height, text.text


def test_arcs_stay_in_their_frame(drawn: tuple[Picture, ElementTree.Element]) -> None:
    picture, root = drawn
    places = rectangles(root)
    homes = {box.id: box.cluster for box in picture.boxes}
    groups = {group.get("id"): group for group in root.iter(SVG + "g")}
    for number, edge in enumerate(picture.edges):
        home = homes[edge.source]
        if not edge.skip or home is None:
            continue
        path = curve(next(groups[f"e{number}"].iter(SVG + "path")).get("d", ""))
        frame = places[home]
        assert frame.left - 1 <= path.left, edge
        assert path.right <= frame.right + 1, edge


def test_side_by_side_and_upright(drawn: tuple[Picture, ElementTree.Element]) -> None:
    """What two columns are for: the U-Net's way up is right of its way down, at the same height."""
    picture, root = drawn
    if "unet" not in picture.name:
        return
    places = rectangles(root)
    for edge in picture.edges:
        if edge.skip:
            assert places[edge.source].right < places[edge.target].left
            assert abs(places[edge.source].middle - places[edge.target].middle) < 5


def test_the_drawing_says_what_it_is(drawn: tuple[Picture, ElementTree.Element]) -> None:
    picture, root = drawn
    assert root[0].tag == SVG + "title"
    assert root[0].text == picture.name
    if picture.docstring:
        assert root[1].tag == SVG + "desc"
        assert root[1].text == picture.docstring
    tips = {group.get("data-path") for group in root.iter(SVG + "g")}
    assert {box.path for box in picture.boxes} <= tips
