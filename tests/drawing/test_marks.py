"""SVG read as marks: positions worked out by hand, and a clear end for what drawings of ours don't hold."""

from __future__ import annotations

import pytest

from archdsl.drawing.errors import EngineError
from archdsl.drawing.marks import Outline, Page, Words, read_marks


def page(inside: str, size: str = 'width="100pt" height="50pt" viewBox="0 0 100 50"') -> Page:
    return read_marks(f'<svg xmlns="http://www.w3.org/2000/svg" {size}><title>t</title>{inside}</svg>')


def outline(inside: str) -> Outline:
    (mark,) = page(inside).marks
    assert isinstance(mark, Outline)
    return mark


def test_lengths_are_points() -> None:
    for size in (
        'width="80px" height="40px" viewBox="0 0 100 50"',
        'width="80" height="40" viewBox="10 20 100 50"',
    ):
        found = page("", size)
        assert (found.width, found.height, found.title) == (60, 30, "t")
    (mark,) = page('<line x1="10" y1="20" x2="110" y2="70" stroke="#000000"/>', size).marks
    assert isinstance(mark, Outline)
    assert [point for step in mark.steps for point in step.points] == [(0, 0), (60, 30)]
    assert mark.width == pytest.approx(0.6)


def test_groups_move_and_hand_down() -> None:
    (words,) = page(
        '<g transform="translate(10 20) scale(2)" fill="#0A141E"><text x="1" y="2" font-size="6" '
        'font-weight="bold" text-anchor="middle" textLength="8">a &lt; b</text></g>'
    ).marks
    assert words == Words("a < b", 12, 24, 12, (10, 20, 30), True, "middle", 16)


def test_paths() -> None:
    told = outline(
        '<path d="m1,2 l3,4 h1 V0 q2 0 2 2 z l1 1" fill="none" stroke="black" stroke-dasharray="5,2"/>'
    )
    points = [[tuple(round(c, 6) for c in p) for p in s.points] for s in told.steps]
    assert [s.command for s in told.steps] == ["M", "L", "L", "L", "C", "Z", "L"]
    assert points[:4] == [[(1, 2)], [(4, 6)], [(5, 6)], [(5, 0)]]
    assert points[4] == [(6.333333, 0), (7, 0.666667), (7, 2)]
    assert points[6] == [(2, 3)]
    assert (told.fill, told.stroke, told.dash) == (None, (0, 0, 0), (5, 2))


def test_rectangles_keep_their_corners() -> None:
    told = outline('<rect x="1" y="2" width="10" height="4" rx="3" fill="#FFFFFF" fill-opacity="0.5"/>')
    assert (told.box, told.corner, told.opacity) == ((1, 2, 11, 6), 2, 0.5)
    assert {step.command for step in told.steps} == {"M", "L", "C", "Z"}


@pytest.mark.parametrize(
    "inside",
    [
        '<path d="M0 0 A1 1 0 0 0 2 2"/>', '<path d="M0 0 &quot;"/>', '<rect fill="url(#a)" width="1"/>',
        '<g transform="rotate(45)"><line/></g>', '<text>a<tspan>b</tspan></text>', '<rect fill="red;x"/>',
    ],
)  # fmt: skip
def test_what_is_not_understood_is_said(inside: str) -> None:
    with pytest.raises(EngineError) as caught:
        page(inside)
    assert caught.value.kind == "failed"
