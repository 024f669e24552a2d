"""Each rule of the language obeyed (good/*.arch) and broken (bad/*.arch): messages stand beside the offending text."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import archdsl
from tests.language.support import HERE, check_file, expected

GOOD = sorted((HERE / "good").glob("*.arch"))
BAD = sorted((HERE / "bad").glob("*.arch"))
PACKAGE = Path(archdsl.__file__).parent

# Codes that no text of a program alone can give, with the reason.
OUT_OF_REACH = {
    "E0904": "a setting from the command line",
}


def wanted(path: Path) -> list[tuple[str, str, int, int | None]]:
    """What a file expects, and what the files below it that it names expect."""
    found = [(path.name, *entry) for entry in expected(path.read_text("utf-8"))]
    for name in re.findall(r'use .* from "(files/[^"]*)"', path.read_text("utf-8")):
        for used in (HERE / "bad/files").glob(f"{Path(name).stem[:6]}*.arch"):
            found += [(f"files/{used.name}", *entry) for entry in expected(used.read_text("utf-8"))]
    return found


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_has_nothing_said_about_it(path: Path) -> None:
    networks, found = check_file(path)
    assert not found, [(d.code, str(d.span), d.message, d.notes) for d in found]
    assert networks


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_has_its_messages_where_the_text_says(path: Path) -> None:
    missing, unexpected = wanted(path), []
    for d in check_file(path)[1]:
        here = (d.span.source.name, d.code, d.span.line)
        hit = next((w for w in missing if w[:3] == here and w[3] in (None, d.span.column)), None)
        if hit is None:
            unexpected.append((d.code, str(d.span), d.message))
        else:
            missing.remove(hit)
    assert (missing, unexpected) == ([], [])


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_messages_are_one_line_and_speak_to_people(path: Path) -> None:
    for d in check_file(path)[1]:
        for said in (d.message, *d.help, *d.notes):
            assert "\n" not in said
            assert not re.search(r"\bobject at 0x|\bClosure\b|\bBlockRecipe\b|\bNone\b|<[a-z]+ ", said), said
            assert not re.search(r"[^.]\.$", said), said


def constructed(*files: Path) -> set[str]:
    """The codes that stand as literals in the code of these files."""
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8"))))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {text for text in texts if re.fullmatch(r"[EW]\d{4}", text)}


def test_every_code_is_given_by_some_bad_file() -> None:
    sources = [
        *(PACKAGE / "network").glob("*.py"),
        *(PACKAGE / "ops").glob("*.py"),
        PACKAGE / "analysis/expectations.py",
    ]
    shown = {
        entry[0] for path in (HERE / "bad").rglob("*.arch") for entry in expected(path.read_text("utf-8"))
    }
    assert constructed(*sources) - shown - set(OUT_OF_REACH) == set()
    assert set(OUT_OF_REACH).isdisjoint(shown)
