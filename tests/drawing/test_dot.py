"""The DOT text: whole files, the same bytes every time, and no user's text that Graphviz would understand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from archdsl.drawing.build import make_picture
from archdsl.drawing.dot import Direction, to_dot
from archdsl.drawing.picture import Box, Cluster, Edge, Picture
from archdsl.drawing.render import render_picture
from tests.conftest import Golden
from tests.drawing.models import SAMPLES, gpt, network, without_lines

HOSTILE = [
    'say "hi"', "back\\slash", "\\", "\\N\\G\\E\\L\\l\\r", "<script>alert(1)</script>", "<b>", "a:b:c", "a;b", "node",
    "graph", "subgraph", "}", "]; evil [label=x", "&lt;b&gt; &#60; &amp;", "javascript:alert(1)", '" onload="alert(2)',
    "{a|<p>b}", "-> <- ++", "line\nbreak", "nul\0here", "tab\there", "x" * 5000, "\u202e\u200b", "é漢字😀", "]]>", "'",
    'image="/etc/passwd"', "",
]  # fmt: skip

ALLOWED = {
    "rankdir", "bgcolor", "nodesep", "ranksep", "pad", "fontname", "fontsize", "fontcolor", "shape", "style",
    "fixedsize", "penwidth", "color", "arrowsize", "weight", "label", "tooltip", "id", "labeljust", "fillcolor",
    "margin", "width", "height", "arrowhead", "layout", "bb", "pos", "lp",
}  # fmt: skip


@pytest.mark.parametrize("name", [*SAMPLES, "gpt"])
def test_golden(name: str, golden: Golden) -> None:
    picture = make_picture(network(SAMPLES[name] if name in SAMPLES else gpt(12)))
    golden(f"drawing/{name}.dot", without_lines(to_dot(picture)))


@pytest.mark.parametrize("name", list(SAMPLES))
def test_attributes_are_a_closed_set(name: str) -> None:
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', to_dot(make_picture(network(SAMPLES[name]))))
    assert set(re.findall(r"(\w+)=", bare)) <= ALLOWED
    assert "<" not in bare
    assert "record" not in bare


def hostile(text: str) -> Picture:
    shown = Box("n0", "operators", text, (text, "second"), "linear", "cluster0", text, text, text, 1)
    other = replace(shown, id="n1", kind="output", title="", cluster=None)
    frame = Cluster("cluster0", text, text, None, text, text)
    edge = Edge("n0", "n1", text, False, False)
    return Picture(text, text, (shown, other), (frame,), (edge,), ("linear",), (text,))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_hostile_text_is_shown_as_it_is(text: str) -> None:
    svg = render_picture(hostile(text))
    assert isinstance(svg, str)
    assert "<script" not in svg
    assert not re.search(r"<[^>]*\son\w+=", svg)
    assert len(re.findall(r'<g id="n\d+"', svg)) == 2
    shown = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    if text.isprintable() and 0 < len(text) < 200 and "\u202e" not in text:
        expected = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert any(line.replace("&quot;", '"').strip() == expected for line in shown), shown


def test_labels_are_cut() -> None:
    assert max(map(len, re.findall(r'label="([^"]*)"', to_dot(hostile("y" * 10_000))))) < 1000


@pytest.mark.parametrize("direction", ["down", "up", "right", "left"])
def test_directions(direction: Direction) -> None:
    picture = make_picture(network(gpt(2)))
    svg = render_picture(picture, direction=direction)
    assert isinstance(svg, str)
    assert "<svg" in svg


SCRIPT = """
import sys
from tests.drawing.models import SAMPLES, network
from archdsl.drawing.render import render
for name in sorted(SAMPLES):
    model = network(SAMPLES[name])
    sys.stdout.write(render(model, format="dot"))
    sys.stdout.write(render(model, format="svg"))
loaded = {"torch", "sympy", "networkx", "numpy"} & set(sys.modules)
assert not loaded, loaded
"""


def test_the_same_bytes_whatever_the_hash_seed_and_no_heavy_library() -> None:
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(outputs) == 1
