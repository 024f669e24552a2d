"""PNG with text in it, the same on every machine, also on one without fonts."""

from __future__ import annotations

import struct
import subprocess
import sys

import pytest

from archdsl.drawing.engine import EngineError, layout
from archdsl.drawing.font import FONT
from archdsl.drawing.png import svg_to_png
from archdsl.drawing.svg import finish_svg


def drawing(label: str) -> str:
    dot = f'digraph {{ n [shape=box, width=2, fixedsize=true, fontname="{FONT}", label="{label}"] }}'
    return finish_svg(layout(dot), title="x")


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG")
    return struct.unpack(">II", png[16:24])  # type: ignore[return-value]


def test_the_size_follows_the_scale() -> None:
    svg = drawing("x")
    small, large = size(svg_to_png(svg, scale=1)), size(svg_to_png(svg, scale=3))
    assert large == pytest.approx((3 * small[0], 3 * small[1]), abs=3)
    assert small[0] == pytest.approx((144 + 8) * 96 / 72, abs=2)


@pytest.mark.parametrize("label", ["conv", "×→", "⊕⌊⌋", "αЖ"])
def test_text_is_drawn_without_any_font_of_the_machine(label: str) -> None:
    """With our labels the renderer is told to look at no other font, so what is drawn here is drawn with ours."""
    assert svg_to_png(drawing(label)) != svg_to_png(drawing(" "))


def test_the_same_bytes_each_time() -> None:
    assert svg_to_png(drawing("conv 3×3")) == svg_to_png(drawing("conv 3×3"))


def test_a_character_we_lack_is_no_error() -> None:
    assert svg_to_png(drawing("漢字")).startswith(b"\x89PNG")


def test_what_cannot_be_drawn() -> None:
    with pytest.raises(EngineError) as caught:
        svg_to_png("<svg/>")
    assert caught.value.kind == "failed"
    with pytest.raises(ValueError, match="scale"):
        svg_to_png(drawing("x"), scale=0)


def test_too_many_pixels_is_refused_before_they_are_made() -> None:
    with pytest.raises(EngineError) as caught:
        svg_to_png('<svg xmlns="http://www.w3.org/2000/svg" width="90000" height="90000"></svg>')
    assert caught.value.kind == "too_large"


def test_the_renderer_is_imported_late() -> None:
    script = "import sys, archdsl.drawing.png\nassert 'resvg_py' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=".")


def test_a_missing_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(EngineError) as caught:
        svg_to_png(drawing("x"))
    assert caught.value.kind == "missing"
