"""``archdsl render``: every ending, themes, the interactive page, and opening what was written."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Any

import pytest

from archdsl.cli import main

MODEL = "model m(c=8) {\n  input x: [B, 3, H=32, W=32]\n  conv(c) -> relu\n  global_avg_pool -> linear(10) as head\n}\n"

STARTS = {
    "svg": b"<svg ", "png": b"\x89PNG", "pdf": b"%PDF-1.7", "dot": b"digraph", "gv": b"digraph", "mmd": b"flowchart TB",
    "tex": b"% Written by archdsl", "html": b"<!DOCTYPE html>",
}  # fmt: skip


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "m.arch"
    path.write_text(MODEL)
    return path


@pytest.mark.parametrize("ending", list(STARTS))
def test_the_ending_says_the_format(ending: str, spec: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / f"{name}.{ending}" for name in ("a", "b")]
    for output in outputs:
        assert main(["render", str(spec), "-o", str(output)]) == 0
    assert outputs[0].read_bytes().startswith(STARTS[ending])
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.parametrize("format", ["pdf", "mermaid", "tikz", "html"])
def test_to_standard_output(format: str, spec: Path, capsysbinary: Any) -> None:
    assert main(["render", str(spec), "-o", "-", "--format", format]) == 0
    assert len(capsysbinary.readouterr().out) > 300


def test_themes(spec: Path, tmp_path: Path) -> None:
    written = {}
    for theme in ("light", "dark", "auto"):
        for ending in ("svg", "html", "pdf"):
            output = tmp_path / f"{theme}.{ending}"
            assert main(["render", str(spec), "-o", str(output), "--theme", theme]) == 0
            written[theme, ending] = output.read_bytes()
    for ending in ("svg", "html"):
        assert len({written[theme, ending] for theme in ("light", "dark", "auto")}) == 3
    assert written["light", "pdf"] == written["auto", "pdf"] != written["dark", "pdf"]
    assert b'data-theme="dark"' in written["dark", "html"]


def test_the_page_is_made_for_the_sizes_asked_for(spec: Path, tmp_path: Path) -> None:
    output = tmp_path / "a.html"
    assert main(["render", str(spec), "-o", str(output), "--at", "B=4,H=64", "--set", "c=16"]) == 0
    assert b"B=4, H=64, W=32" in output.read_bytes()


def test_a_page_needs_no_folding_from_outside(spec: Path, tmp_path: Path, capsys: Any) -> None:
    assert main(["render", str(spec), "-o", str(tmp_path / "a.html"), "--expand", "x"]) == 2
    assert "x.html#PATH" in capsys.readouterr().err


def test_a_page_needs_numbers(tmp_path: Path, capsys: Any) -> None:
    spec = tmp_path / "free.arch"
    spec.write_text("model free {\n  input x: [B, 3, H, W]\n  conv(8)\n}\n")
    assert main(["render", str(spec), "-o", str(tmp_path / "a.html")]) == 2
    assert "--at" in capsys.readouterr().err
    assert main(["render", str(spec), "-o", str(tmp_path / "a.pdf")]) == 0


def test_open(spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    output = tmp_path / "a b.svg"
    assert main(["render", str(spec), "-o", str(output), "--open"]) == 0
    assert opened == [output.as_uri()]
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert main(["render", str(spec), "-o", str(output), "--open"]) == 4
    assert "is written" in capsys.readouterr().err
    assert main(["render", str(spec), "-o", "-", "--format", "svg", "--open"]) == 2
