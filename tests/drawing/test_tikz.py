"""TikZ: nothing a user wrote is a command, and pdflatex, where it is there, sets what was written."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from archdsl.drawing.marks import Page, Words
from archdsl.drawing.render import render, render_picture
from archdsl.drawing.tikz import escaped, to_tikz
from tests.drawing.models import SAMPLES, network
from tests.drawing.test_dot import HOSTILE, hostile

TEX = [
    r"\input{/etc/passwd}", r"\write18{ls}", "$$", "a_b^c", "100%", "#1", "~", "{", "}", "{}}{", r"\end{document}", "--",
    "?`", "!`", "``''", "<<>>", "^^5c", "^^M", "a & b", "\\", "fi ffi", "\u00e9\u00fc\u00e7\u0161", "\u6f22",
    "\u03b1\u03b2\u03c9", "2 \u00d7 3 \u2212 1 \u2192 4", "\u230aH/2\u230b", "*", "|",
]  # fmt: skip
# What our own text may hold: letters, digits, and the commands that `escaped` writes.
COMMAND = re.compile(r"\\[a-zA-Z]+|\\[\\{}$&#_%`'^~\"=]")
KNOWN = {
    "textbackslash", "textasciicircum", "textasciitilde", "times", "div", "cdot", "ldots", "rightarrow", "Rightarrow",
    "leq", "geq", "neq", "in", "lfloor", "rfloor", "lceil", "rceil", "oplus", "otimes", "infty", "surd", "pm", "ss", "o",
    "O", "ae", "AE", "aa", "AA", "l", "L", "archdslchar", "c", "r", "v", "alpha", "beta", "omega",
}  # fmt: skip


@pytest.mark.parametrize("text", [*HOSTILE, *TEX], ids=lambda text: ascii(text)[:20])
def test_no_text_is_a_command(text: str) -> None:
    tex = escaped(text)
    assert tex.isascii()
    commands = COMMAND.findall(tex)
    assert {c[1:] for c in commands if c[1:].isalpha()} <= KNOWN
    bare = COMMAND.sub("", tex)
    assert "\\" not in bare
    assert not re.search(r"[#&~%]|\^\^|_", bare)
    depth = 0
    for character in re.sub(r"\\[{}]", "", tex):
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0


def test_positions_and_colours_are_those_of_the_drawing() -> None:
    tex = render(network(SAMPLES["chain"]), format="tikz")
    assert isinstance(tex, str)
    assert r"\definecolor{archdsl-convolution}{HTML}{77AADD}" in tex
    assert "fill=archdsl-convolution" in tex
    assert r"\begin{tikzpicture}[x=1bp,y=-1bp" in tex
    svg = render(network(SAMPLES["chain"]))
    assert isinstance(svg, str)
    size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    assert size is not None
    assert f"paperwidth={float(size[1]):g}bp,paperheight={float(size[2]):g}bp" in tex


def pdflatex(tex: str, folder: Path) -> str:
    """The text of what pdflatex made; no error, no missing character, one page."""
    if shutil.which("pdflatex") is None:
        pytest.skip(
            "no pdflatex on this machine (Debian: apt-get install texlive-latex-base texlive-pictures)"
        )
    (folder / "a.tex").write_text(tex, encoding="ascii")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "a.tex"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, text=True, errors="replace")
    log = (folder / "a.log").read_text("latin-1")
    assert ran.returncode == 0, log[-2000:]
    assert "Missing character" not in log
    assert "Output written on a.pdf (1 page" in log
    pypdf = pytest.importorskip("pypdf", reason="no pypdf to read what was set")
    return " ".join(pypdf.PdfReader(folder / "a.pdf").pages[0].extract_text().split())


@pytest.mark.parametrize("name", ["residual", "unet", "helped"])
def test_pdflatex_sets_it(name: str, tmp_path: Path) -> None:
    tex = render(network(SAMPLES[name]), format="tikz")
    assert isinstance(tex, str)
    text = pdflatex(tex, tmp_path)
    assert "linear" in text or "conv" in text


def test_pdflatex_sets_whatever_a_user_wrote(tmp_path: Path) -> None:
    lines = [text for text in [*TEX, *HOSTILE] if text.isprintable() and len(text) < 200]
    marks = tuple(
        Words(text, 10, 20 + 20 * i, 10, (0, 0, 0), bool(i % 2), "start", 400.0)
        for i, text in enumerate(lines)
    )
    text = pdflatex(to_tikz(Page("hostile", "", 500, 20 * len(lines) + 40, marks)), tmp_path)
    for shown in (
        r"input{/etc/passwd}",
        "write18{ls}",
        "100%",
        "end{document}",
        "alert(1)",
        "a & b",
        "#1",
    ):
        assert shown in text, text


def test_a_whole_drawing_of_hostile_text_is_set(tmp_path: Path) -> None:
    tex = render_picture(hostile(r"\end{document} } $ # % & ~ ^ _ { \ " + '"'), format="tikz")
    assert isinstance(tex, str)
    assert "end{document}" in pdflatex(tex, tmp_path)
