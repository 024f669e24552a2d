"""What a notebook shows: the kinds it may choose from, and cells that don't touch each other, in a real browser."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import archdsl
from tests.drawing.browser import browser_page
from tests.drawing.models import CHAIN, gpt

FREE = "model free {\n  input x: [B, 3, H, W]\n  conv(8)\n}\n"


def test_a_model_is_text_svg_and_html() -> None:
    model = archdsl.parse(CHAIN)["chain"]
    shown = model._repr_mimebundle_()
    assert list(shown) == ["text/plain", "image/svg+xml", "text/html"]
    assert "parameters" in shown["text/plain"]
    assert ElementTree.fromstring(shown["image/svg+xml"]).tag.endswith("svg")
    (page,) = re.findall(r'srcdoc="([^"]*)"', shown["text/html"])
    assert html.unescape(page) == model.render("html")
    assert 'sandbox="allow-scripts"' in shown["text/html"]


def test_only_what_is_asked_for_is_made() -> None:
    model = archdsl.parse(CHAIN)["chain"]
    assert list(model._repr_mimebundle_(include=["text/plain"])) == ["text/plain"]
    assert "text/html" not in model._repr_mimebundle_(exclude={"text/html"})


def test_several_models_are_a_list() -> None:
    shown = archdsl.load("zoo:vit")._repr_mimebundle_()
    assert "vit_b_16" in shown["text/plain"]
    assert "86,567,656" in shown["text/html"]
    assert "image/svg+xml" not in shown


def test_a_model_without_numbers_for_its_sizes() -> None:
    shown = archdsl.parse(FREE)._repr_mimebundle_()
    assert "H" in shown["text/plain"]
    assert "<svg" in shown["text/html"]


def test_two_cells_in_one_notebook(tmp_path: Path) -> None:
    cells = [archdsl.parse(text)._repr_mimebundle_()["text/html"] for text in (CHAIN, gpt(3), gpt(3))]
    path = tmp_path / "notebook.html"
    path.write_text(
        f"<!DOCTYPE html><title>notebook</title><p id='tip'>mine</p>{''.join(cells)}", encoding="utf-8"
    )
    with browser_page(viewport={"width": 1200, "height": 2100}) as page:
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(path.as_uri())
        first, second, third = (page.frame_locator("iframe").nth(i) for i in range(3))
        assert first.locator("h1").inner_text() == "chain"
        for frame in (second, third):
            assert frame.locator(".frame").count() > 0
        second.locator("#fold").click()
        assert second.locator(".frame").count() == 0
        assert third.locator(".frame").count() > 0
        second.locator(".item", has_text="gpt_layer").click()
        assert second.locator(".chosen").count() == 1
        assert page.locator("#tip").inner_text() == "mine"
        assert problems == []


def test_in_ipython_itself() -> None:
    pytest.importorskip("IPython", reason="no IPython: pip install ipython")
    from IPython.core.formatters import DisplayFormatter
    from IPython.testing.globalipapp import start_ipython

    shell = start_ipython()
    shell.run_line_magic("load_ext", "archdsl")
    spec = shell.run_cell_magic("arch", "net", CHAIN)
    assert shell.user_ns["net"] is spec
    shown, _ = DisplayFormatter().format(spec)
    assert set(shown) == {"text/plain", "image/svg+xml", "text/html"}
