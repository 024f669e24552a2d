"""Every code has a page; its programs are run: one has the error, the other has none."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from archdsl import driver
from archdsl.commands.explain import PAGES, codes, page
from archdsl.diagnostics import Diagnostic
from archdsl.network.program import load
from archdsl.source import Source

ROOT = Path(__file__).resolve().parent.parent / "archdsl"

# What no program alone can show, and why.
WITHOUT_PROGRAM = {
    "E0101": "bytes that are no text", "E0102": "bytes that are no text", "E0103": "bytes that are no text",
    "E0106": "a file of megabytes", "E0118": "a hundred errors",
    "E0403": "tests/sizes/test_assumptions.py has such questions",
    "E0903": "several files", "E0904": "a command line",
}  # fmt: skip


def constructed() -> set[str]:
    """Every code written in a string of the package's source, those of samples and explanations too."""
    return {
        code
        for path in ROOT.rglob("*.py")
        for code in re.findall(r"""["']([EW]\d{4})["']""", path.read_text(encoding="utf-8"))
    }


def programs(code: str, kind: str) -> list[str]:
    found = re.findall(rf"```arch {kind}( escaped)?\n(.*?)```", page(code), re.DOTALL)
    unescape = re.compile(r"\\u\{([0-9a-f]+)\}")
    return [unescape.sub(lambda m: chr(int(m[1], 16)), text) if mark else text for mark, text in found]


def said(text: str) -> tuple[Diagnostic, ...]:
    source = Source("page.arch", text)
    return driver.check(load(source, folder=PAGES)).diagnostics


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert set(codes()) == constructed()


@pytest.mark.parametrize("code", codes())
def test_page(code: str) -> None:
    text = page(code)
    assert text.startswith(f"# {code}: ")
    assert len(text.splitlines()[0]) < 80
    assert programs(code, "ok")
    assert bool(programs(code, "fail")) == (code not in WITHOUT_PROGRAM)


@pytest.mark.parametrize("code", codes())
def test_the_failing_program_fails_with_this_code(code: str) -> None:
    for text in programs(code, "fail"):
        assert code in [item.code for item in said(text)]


@pytest.mark.parametrize("code", codes())
def test_the_mended_program_is_right(code: str) -> None:
    for text in programs(code, "ok"):
        assert not [f"{item.code} {item.message}" for item in said(text)]
