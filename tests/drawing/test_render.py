"""A network as a file's content, in each format."""

from __future__ import annotations

import re

import pytest

import archdsl
from archdsl.drawing.palette import FAMILIES, INK, fill, legend
from archdsl.drawing.render import render
from tests.drawing.models import CHAIN, TRAINING, network


def test_formats() -> None:
    model = network(CHAIN)
    svg, png, dot = render(model), render(model, format="png"), render(model, format="dot")
    assert isinstance(svg, str)
    assert svg.startswith("<svg ")
    assert isinstance(png, bytes)
    assert png.startswith(b"\x89PNG")
    assert isinstance(dot, str)
    assert dot.startswith("digraph picture {")
    with pytest.raises(ValueError, match="no drawing format 'gif'"):
        render(model, format="gif")  # type: ignore[arg-type]


def test_the_legend_lists_what_appears_and_the_notes() -> None:
    svg = render(network(TRAINING))
    assert isinstance(svg, str)
    strip = svg[svg.index('id="legend"') :]
    assert ">convolution<" in strip
    assert ">in training also: aux<" in strip
    assert ">attention<" not in strip
    assert [name for name, _ in legend({"linear", "convolution"})] == ["convolution", "linear"]


def luminance(colour: str) -> float:
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_can_be_read_on_every_fill() -> None:
    """The contrast that WCAG's level AAA asks for small text is 7; AA asks 4.5."""
    for name, colour, _ in FAMILIES:
        assert (luminance(colour) + 0.05) / (luminance(INK) + 0.05) > 6, name


def test_every_role_has_a_fill() -> None:
    from archdsl.ops.registry import operators

    named = {role for _, _, roles in FAMILIES for role in roles}
    assert {operator.role for operator in operators().values()} <= named
    assert fill("linear") != fill("convolution")
    assert len({colour for _, colour, _ in FAMILIES}) == len(FAMILIES)


def test_graphviz_draws_what_we_laid_out() -> None:
    """``--engine wasm``: the packaged Graphviz draws from the pinned DOT text, box for box where we put them."""
    network = archdsl.load("zoo:transformer")["transformer_base"].network
    own, theirs = (str(render(network, engine=engine)) for engine in ("own", "wasm"))
    words = [re.findall(r">([^<>]+)</text>", svg) for svg in (own, theirs)]
    assert {*words[1]} <= {*words[0]}
    assert len({*words[1]}) > 20
    assert own != theirs
    assert theirs == render(network, engine="wasm")
