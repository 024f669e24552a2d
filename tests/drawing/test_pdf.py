"""PDF: read back by an independent reader, and drawn by an independent renderer beside the PNG of the same drawing."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from archdsl.drawing.build import make_picture
from archdsl.drawing.marks import Outline, Page, Step, Words, read_marks
from archdsl.drawing.pdf import to_pdf
from archdsl.drawing.render import render, render_picture
from tests.drawing.models import SAMPLES, gpt, network
from tests.drawing.test_dot import HOSTILE, hostile


def read(pdf: bytes) -> Any:
    pypdf = pytest.importorskip("pypdf", reason="no pypdf to read the file with")
    return pypdf.PdfReader(io.BytesIO(pdf), strict=True)


def text_of(pdf: bytes) -> str:
    return " ".join(read(pdf).pages[0].extract_text().split())


def page(*marks: Words | Outline, width: float = 200, height: float = 100) -> Page:
    return Page("a title", "", width, height, marks)


def test_the_page_is_the_drawing() -> None:
    model = network(SAMPLES["residual"])
    svg, pdf = render(model), render(model, format="pdf")
    assert isinstance(svg, str)
    assert isinstance(pdf, bytes)
    file = read(pdf)
    drawn = read_marks(svg)
    assert [float(n) for n in file.pages[0].mediabox] == pytest.approx([0, 0, drawn.width, drawn.height])
    assert file.metadata == {"/Title": "residual", "/Subject": "", "/Producer": "archdsl"}
    text = text_of(pdf)
    for words in drawn.marks:
        if isinstance(words, Words):
            assert " ".join(words.text.split()) in text
    assert len(pdf) < 40_000


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_hostile_text_is_text(text: str) -> None:
    pdf = render_picture(hostile(text), format="pdf")
    assert isinstance(pdf, bytes)
    file = read(pdf)
    assert len(file.pages) == 1
    assert set(file.trailer["/Root"]) == {
        "/Type",
        "/Pages",
        "/ViewerPreferences",
    }  # nothing that opens or runs
    if text.isascii() and text.isprintable() and 0 < len(text) < 200:
        assert text in text_of(pdf)


def test_fonts_are_inside_and_small() -> None:
    file = read(
        to_pdf(page(Words("conv ⊕", 10, 20, 12, (0, 0, 0)), Words("bold", 10, 40, 12, (0, 0, 0), True)))
    )
    fonts = file.pages[0]["/Resources"]["/Font"]
    assert {font["/BaseFont"] for font in (f.get_object() for f in fonts.values())} == {
        "/ARCHDA+Arimo-Regular", "/ARCHDB+Arimo-Bold", "/ARCHDC+DejaVuSans",
    }  # fmt: skip
    for font in fonts.values():
        inner = font.get_object()["/DescendantFonts"][0].get_object()
        assert len(inner["/FontDescriptor"]["/FontFile2"].get_data()) < 30_000


def test_a_subset_is_a_font() -> None:
    """Read by fontTools where it is there: the glyphs asked for have their outlines, the others none."""
    tools = pytest.importorskip("fontTools.ttLib", reason="no fontTools to read the font with")
    from archdsl.drawing.font import fonts_for

    font = fonts_for(False)[0]
    glyphs = [font.glyphs[ord(c)] for c in "aé"]  # é is put together from two others
    whole = tools.TTFont(Path("archdsl/drawing/fonts/Arimo-Regular.ttf"))
    small = tools.TTFont(io.BytesIO(font.subset(glyphs)))
    names = whole.getGlyphOrder()
    for glyph in glyphs:
        theirs = whole["glyf"][names[glyph]]
        ours = small["glyf"][small.getGlyphOrder()[glyph]]
        assert ours.getCoordinates(small["glyf"])[0] == theirs.getCoordinates(whole["glyf"])[0]
        assert len(ours.getCoordinates(small["glyf"])[0]) > 10
    other = small["glyf"][small.getGlyphOrder()[font.glyphs[ord("x")]]]
    assert other.numberOfContours == 0


def test_a_character_no_font_has_is_a_box_and_can_still_be_searched() -> None:
    pdf = to_pdf(page(Words("a漢", 10, 20, 12, (0, 0, 0))))
    assert text_of(pdf) == "a漢"


def test_a_text_is_as_wide_as_the_svg_says() -> None:
    pdf = to_pdf(page(Words("wide", 10, 20, 12, (0, 0, 0), length=50.0)))
    content = read(pdf).pages[0].get_contents().get_data().decode()
    stretch = float(content[content.index("rg ", content.index("BT")) + 3 :].split()[0])
    # Arial's widths of w, i, d, e are 722, 222, 556, 556 thousandths.
    assert stretch == pytest.approx(50 / (12 * (0.722 + 0.222 + 0.556 + 0.556)), abs=2e-3)


def test_what_is_longer_than_pdf_allows_is_made_smaller() -> None:
    line = Outline((Step("M", ((0, 0),)), Step("L", ((0, 30_000),))), None, (0, 0, 0), 1)
    box = read(to_pdf(page(line, width=100, height=30_000))).pages[0].mediabox
    assert (float(box.width), float(box.height)) == pytest.approx((48, 14_400))


@pytest.mark.parametrize("name", ["residual", "transformer"])
def test_it_looks_like_the_png(name: str, tmp_path: Path) -> None:
    """Drawn by poppler, where it is there; the same picture shifted by three pixels is ten times further off."""
    if shutil.which("pdftoppm") is None:
        pytest.skip("no pdftoppm on this machine (Debian: apt-get install poppler-utils)")
    numpy = pytest.importorskip("numpy")
    image = pytest.importorskip("PIL.Image", reason="no Pillow to compare pictures with")
    picture = make_picture(network(SAMPLES[name]))
    png, pdf = render_picture(picture, format="png"), render_picture(picture, format="pdf")
    assert isinstance(pdf, bytes)
    assert isinstance(png, bytes)
    (tmp_path / "a.pdf").write_bytes(pdf)
    command = ["pdftoppm", "-r", "192", "-png", "-singlefile", str(tmp_path / "a.pdf"), str(tmp_path / "a")]
    subprocess.run(command, check=True, timeout=60)
    ours = numpy.asarray(image.open(io.BytesIO(png)).convert("L"), dtype=float)
    theirs = numpy.asarray(image.open(tmp_path / "a.png").convert("L"), dtype=float)
    rows, columns = (min(a, b) for a, b in zip(ours.shape, theirs.shape, strict=True))
    assert abs(ours.shape[0] - theirs.shape[0]) <= 2
    assert abs(ours.shape[1] - theirs.shape[1]) <= 2
    ours, theirs = ours[:rows, :columns], theirs[:rows, :columns]
    difference = abs(ours - theirs).mean()
    shifted = abs(ours[:, 3:] - theirs[:, :-3]).mean()
    assert difference < 3
    assert difference < shifted / 3, (difference, shifted)


SCRIPT = """
import sys
from tests.drawing.models import SAMPLES, gpt, network
from archdsl.drawing.render import render
for name in sorted(SAMPLES):
    for format in ("pdf", "tikz", "mermaid"):
        for theme in ("light", "dark"):
            drawn = render(network(SAMPLES[name]), format=format, theme=theme)
            sys.stdout.buffer.write(drawn if isinstance(drawn, bytes) else drawn.encode())
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
        for seed in ("0", "4711")
    }
    assert len(outputs) == 1


def test_no_date_and_no_chance_gets_in() -> None:
    pdf = render(network(gpt(2)), format="pdf")
    assert isinstance(pdf, bytes)
    for word in (b"Date", b"/ID"):
        assert word not in pdf
