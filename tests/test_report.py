"""What diagnostics look like: to people (goldens), to editors, code scanners and GitHub."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from archdsl import report
from archdsl.diagnostics import Diagnostic, Fix, Label
from archdsl.source import Source, Span
from archdsl.terminal_text import display_width

UNET = Source(
    "unet.arch",
    "block crop_cat(deeper: block) {\n  y = deeper\n  center_crop(like=y) ++ y\n}\nmodel unet {\n"
    "  input image: [B, 1, H=572, W=572]\n  conv(64) as enc\n  crop_cat(max_pool(2) -> conv(64))\n}\n",
)
ODD = Source(
    "odd \x1b[31m.arch",
    "\ty\t= conv(3)  # 中文 (\x1b[2J)\u202e\n  y + id ->\n   foo(\n  bar)\n"
    + "".join(f"  line {n}\n" for n in range(20)),
)
LONG = Source("long.arch", "a" * 500_000 + " conv " + "b" * 500_000)


def at(source: Source, text: str) -> Span:
    start = source.text.index(text)
    return Span(source, start, start + len(text))


def mismatch() -> Diagnostic:
    return Diagnostic(
        "E0402",
        "++: the sizes H // 2 and H - 2 are equal only when H == 4",
        at(UNET, "center_crop(like=y) ++ y"),
        help=("say `expect H == 4` in the model, or make the sizes equal",),
        labels=(
            Label(at(UNET, "crop_cat(max_pool(2) -> conv(64))"), "in `crop_cat`, used here"),
            Label(at(UNET, "H=572"), "H is declared here"),
            Label(at(ODD, "conv(3)"), "and this is in another file"),
        ),
        notes=(
            "image        [B, 1, H, W]\nconv         [B, 64, H, W]\nmax_pool     [B, 64, H // 2, W // 2]",
        ),
        fixes=(Fix(at(UNET, "like=y"), "like=id", "write like=id"),),
    )


def several() -> list[Diagnostic]:
    long = ODD.text.index("  line 0"), ODD.text.index("  line 15")
    return [
        Diagnostic("W0501", "a warning, later in the file", at(UNET, "conv(64) as enc")),
        mismatch(),
        mismatch(),
        Diagnostic("E0101", "tabs, wide characters, escapes: \x1b[31m", at(ODD, "conv(3)")),
        Diagnostic("E0102", "wide characters before the caret", at(ODD, "(\x1b[2J)")),
        Diagnostic("E0103", "several lines", at(ODD, "y + id ->\n   foo(\n  bar)")),
        Diagnostic("E0104", "many lines", Span(ODD, *long)),
        Diagnostic("E0105", "the end of the file", Span(ODD, len(ODD.text), len(ODD.text))),
        Diagnostic("E0106", "a line of a megabyte", at(LONG, "conv")),
        Diagnostic("E0107", "a stretch wider than the screen", Span(LONG, 10, 400_000)),
    ]


@pytest.mark.parametrize("width", [100, 60])
def test_text(golden: Any, width: int) -> None:
    golden(f"report/text-{width}.txt", report.render(several(), "human", width=width))


def test_colour_changes_nothing_but_colour(golden: Any) -> None:
    import re

    coloured = report.render_text(several(), color=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == report.render_text(several())
    golden("report/colour.txt", report.render_text([mismatch()], color=True).replace("\x1b", "ESC"))


def test_nothing_dangerous_and_nothing_too_wide_is_printed() -> None:
    text = report.render_text(several(), width=80)
    assert "\x1b" not in text
    assert "\u202e" not in text
    frames = [line for line in text.splitlines() if "|" in line[:8]]
    assert max(map(display_width, frames)) <= 80


def test_short(golden: Any) -> None:
    golden("report/short.txt", report.render(several(), "short"))


def test_json(golden: Any) -> None:
    text = report.render([mismatch(), *several()[3:6]], "json")
    golden("report/diagnostics.json", text)
    data = json.loads(text)
    assert data["errors"] == 4
    assert data["diagnostics"][0]["line"] == 3


def test_sarif(golden: Any) -> None:
    text = report.render([mismatch(), *several()[3:6]], "sarif")
    golden("report/diagnostics.sarif", text)
    run = json.loads(text)["runs"][0]
    assert [run["tool"]["driver"]["rules"][r["ruleIndex"]]["id"] for r in run["results"]] == [
        r["ruleId"] for r in run["results"]
    ]


def test_github(golden: Any) -> None:
    text = report.render([mismatch(), Diagnostic("E0101", "100%\n::error::x", at(ODD, "foo"))], "github")
    golden("report/github.txt", text)
    assert len(text.splitlines()) == 2


def test_sorted_and_each_once() -> None:
    places = [(d.span.source.name, d.span.start) for d in report.arrange(several())]
    names = list(dict.fromkeys(name for name, _ in places))
    assert names == ["unet.arch", ODD.name, "long.arch"]
    assert places == sorted(places, key=lambda p: (names.index(p[0]), p[1]))
    assert len(places) == len(several()) - 1


def test_count() -> None:
    assert report.count([]) == ""
    assert report.count(several()[:2]) == "1 error, 1 warning"
    assert report.count(several()[1:4]) == "3 errors"


def test_an_empty_file_has_a_first_line() -> None:
    empty = Source("empty.arch", "")
    text = report.render_text([Diagnostic("E0101", "no model", Span(empty, 0, 0))])
    assert "empty.arch:1:1" in text


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_all_line_endings_point_at_the_same_place(ending: str) -> None:
    source = Source("f", f"a{ending}bb{ending}ccc")
    text = report.render_text([Diagnostic("E0101", "here", at(source, "bb"))])
    assert "f:2:1" in text
    assert "2 | bb\n  | ^^\n" in text


def test_a_megabyte_in_one_line_takes_no_time() -> None:
    began = time.process_time()
    report.render_text([Diagnostic("E0101", "x", at(LONG, "conv"))])
    assert time.process_time() - began < 20


def test_names_that_are_not_unicode_do_not_stop_the_machine_formats() -> None:
    source = Source(b"caf\xe9.arch".decode("utf-8", "surrogateescape"), "x")
    finding = [Diagnostic("E0101", "x", Span(source, 0, 1))]
    for format in ("human", "short", "json", "sarif", "github"):
        report.render(finding, format).encode("utf-8")  # type: ignore[arg-type]
