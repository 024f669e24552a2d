"""Wrong programs: the code and the place of each message stand beside the text; missing and unexpected both fail."""

from __future__ import annotations

import re

import pytest

from archdsl.syntax import tree
from tests.syntax.support import BAD, SAMPLES, Path, codes, good, read

ANNOTATION = re.compile(r"#!(\^?) (.*)")


def annotated(text: str) -> list[tuple[str, int, int]]:
    """``#! E0201 7, E0203 9`` speaks of its own line, ``#!^ E0108 5`` of the one above."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if match := ANNOTATION.search(line):
            for entry in match[2].split(", "):
                code, column = entry.split(" ")
                found.append((code, number - len(match[1]), int(column)))
    return sorted(found, key=lambda entry: entry[1:])


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_messages_are_where_the_text_says(path: Path) -> None:
    text = path.read_text("utf-8")
    assert codes(text) == annotated(text)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_messages_are_readable(path: Path) -> None:
    for diagnostic in read(path.read_text("utf-8"))[1]:
        said = " ".join((diagnostic.message, *diagnostic.help))
        assert diagnostic.help, diagnostic
        assert "\n" not in said
        assert not re.search(r"\b[A-Z]{4,}\b", re.sub(r"U\+.*?\)|UTF", "", said)), (
            said
        )  # a name of a terminal


def test_five_mistakes_give_five_messages_and_keep_the_rest() -> None:
    text = (BAD[0].parent / "five.arch").read_text("utf-8")
    file, diagnostics = read(text)
    assert len(diagnostics) == 5
    assert [getattr(s, "name", "") for s in file.statements] == [
        "conv_bn",
        "bottleneck",
        "resnet",
        "resnet50",
        "",
    ]
    bottleneck = file.statements[1]
    assert isinstance(bottleneck, tree.Definition)
    assert bottleneck.body is not None
    assert len(bottleneck.body.statements) == 1


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_one_deleted_token_gives_one_message(path: Path) -> None:
    """A bracket, an operator or a word too few: at most one message for each statement, and most of the tree."""
    text = path.read_text("utf-8")
    total = len(good(text).statements)
    for match in re.finditer(r"[()\[\]=]|->|,", re.sub(r"#.*|\"[^\"\n]*\"", lambda m: " " * len(m[0]), text)):
        file, diagnostics = read(text[: match.start()] + " " + text[match.end() :])
        assert len(diagnostics) <= 2, (match, diagnostics)
        assert len(file.statements) >= total - 3


def test_a_missing_brace_is_pointed_at() -> None:
    assert codes("model m {\n  for x in xs {\n    relu\n  norm\n}\n") == [("E0203", 2, 15)]
    assert codes("block a {\n  relu\n\nblock b {\n  relu\n}\n") == [("E0203", 1, 9)]


def test_fixes_mend() -> None:
    text = "a --> b\nx = 'single'\ny = a && !b\nz = (c != 3\u00a0)\nsome\u200bname = f[a)\n"
    _, diagnostics = read(text)
    edits = sorted((fix for d in diagnostics for fix in d.fixes), key=lambda fix: -fix.span.start)
    for fix in edits:
        text = text[: fix.span.start] + fix.replacement + text[fix.span.end :]
    assert text == 'a -> b\nx = "single"\ny = a and !b\nz = (c != 3 )\nsomename = f[a)\n'
