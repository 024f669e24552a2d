"""Light, dark and what the screen says: every colour has its other, text stays readable and stays as it was written."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree

import pytest

from archdsl.drawing.palette import (
    DARK_PAGE,
    FAMILIES,
    INK,
    PLAIN,
    QUIET,
    SCALE,
    dark_colours,
    fill,
    frame_fill,
    legend,
    share_role,
)
from archdsl.drawing.render import render, render_picture
from archdsl.drawing.theme import themed
from tests.drawing.browser import browser_page
from tests.drawing.models import SAMPLES, gpt, network
from tests.drawing.test_dot import hostile
from tests.drawing.test_render import luminance


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def colours(svg: str) -> set[str]:
    return {c.upper() for c in re.findall(r'(?:fill|stroke)="(#\w{6})"', "".join(re.findall("<[^>]*>", svg)))}


@pytest.mark.parametrize("text", [*SAMPLES.values(), gpt(3)], ids=[*SAMPLES, "gpt"])
def test_no_light_colour_is_left_in_the_dark(text: str) -> None:
    light, dark = render(network(text)), render(network(text), theme="dark")
    assert isinstance(light, str)
    assert isinstance(dark, str)
    assert colours(light) <= set(dark_colours())
    assert colours(dark) <= set(dark_colours().values()) | {DARK_PAGE}
    assert light.count("<path") == dark.count("<path")


def test_text_can_be_read_in_the_dark() -> None:
    """WCAG's level AA asks for 4.5."""
    dark = dark_colours()
    for colour in [c for _, c, _ in FAMILIES] + [c for *_, c in SCALE] + [PLAIN]:
        assert contrast(dark[INK], dark[colour]) > 5, colour
        assert contrast(INK, colour) > 5, colour
    for depth in range(1, 12):
        assert contrast(dark[QUIET], dark[frame_fill(depth)]) > 4.5
        assert contrast(QUIET, frame_fill(depth)) > 4.5
    families = [dark[colour] for _, colour, _ in FAMILIES]
    assert len(set(families)) == len(families)


def test_what_a_user_wrote_is_not_recoloured() -> None:
    label = ' fill="#77AADD" <rect fill="#222222">'
    for theme in ("light", "dark", "auto"):
        svg = render_picture(hostile(label), theme=theme)  # type: ignore[arg-type]
        assert isinstance(svg, str)
        texts = [
            "".join(t.itertext())
            for t in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
        ]
        assert label.strip() in [text.strip() for text in texts]


def test_only_the_head_differs_in_auto() -> None:
    light, auto = render(network(SAMPLES["chain"])), render(network(SAMPLES["chain"]), theme="auto")
    assert isinstance(light, str)
    assert isinstance(auto, str)
    bare = re.sub(r"\n<style>[^<]*</style>", "", auto).replace(' class="archdsl-auto"', "", 1)
    assert bare == light
    assert "prefers-color-scheme:dark" in auto
    assert render(network(SAMPLES["chain"]), format="pdf", theme="auto") == render(
        network(SAMPLES["chain"]), format="pdf"
    )


def test_a_browser_follows_its_user() -> None:
    svg = render(network(SAMPLES["chain"]), theme="auto")
    for scheme, expected in (("dark", "rgb(31, 79, 128)"), ("light", "rgb(119, 170, 221)")):
        with browser_page(color_scheme=scheme) as page:
            page.set_content(f"<body>{svg}</body>")
            found = page.evaluate("getComputedStyle(document.querySelector('[fill=\"#77aadd\" i]')).fill")
            assert found == expected


def test_shares_have_a_scale() -> None:
    roles = [share_role(share) for share in (0, 0.001, 0.02, 0.1, 0.3, 0.9)]
    assert roles == ["share0", "share1", "share2", "share3", "share4", "share5"]
    assert [fill(role) for role in roles] == [colour for *_, colour in SCALE]
    assert legend({"share5", "share0"}) == [("none", "#FFFFFF"), ("40 % and more", "#EC7014")]
    lights = [luminance(colour) for *_, colour in SCALE]
    assert lights == sorted(lights, reverse=True)  # also in black and white, more is darker


def test_a_drawing_without_a_size_has_no_background() -> None:
    assert themed("<svg >x</svg>", "dark") == "<svg >\nx</svg>"
