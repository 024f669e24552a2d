"""Random trees survive printing and parsing; random texts never raise, hang, or point outside themselves."""

from __future__ import annotations

import time

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archdsl.source import Source
from archdsl.syntax import tree
from archdsl.syntax.fingerprint import fingerprint
from archdsl.syntax.parser import parse
from archdsl.syntax.printer import format_source, print_expression
from archdsl.syntax.reading import read_source
from archdsl.syntax.tokens import terminals
from tests.syntax.support import SAMPLES, good
from tests.syntax.trees import expressions, files

relaxed = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
TERMINALS = terminals(
    "( ) [ ] { } , : = -> + ++ - * ** / // % @ == < . if else for in repeat until as and or not true none block "
    'model layer input output param buffer use edition from expect x y 3 0.5 "s" => ; # \' " & 00 é \\'
)
WORDS = [*sorted(TERMINALS), "\n", "\n", "\n", "\r", "\t"]
PROGRAMS = [path.read_text("utf-8") for path in SAMPLES]


@relaxed
@given(expressions())
def test_expressions_survive(node: tree.Expression) -> None:
    text = print_expression(node)
    (statement,) = good(f"x = {text}").statements
    assert isinstance(statement, tree.Assign)
    assert fingerprint(statement.value) == fingerprint(node)


@relaxed
@given(files())
def test_files_survive(file: tree.File) -> None:
    text = format_source(file)
    again = good(text)
    assert fingerprint(again) == fingerprint(file)
    assert format_source(again) == text


def survives(text: str) -> None:
    started = time.process_time()
    file, diagnostics = parse(Source("random", text))
    assert time.process_time() - started < 20
    for diagnostic in diagnostics:
        assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
        assert diagnostic.message.isprintable()
    if not diagnostics:
        formatted = format_source(file)
        again, found = parse(Source("formatted", formatted))
        assert not found
        assert fingerprint(again) == fingerprint(file)
        assert format_source(again) == formatted
        assert len(again.comments) == len(file.comments)


@relaxed
@given(st.text())
def test_random_text(text: str) -> None:
    survives(text)


@relaxed
@given(st.binary())
def test_random_bytes(data: bytes) -> None:
    source, diagnostics = read_source("random", data)
    assert (source is None) == bool(diagnostics)
    if source is not None:
        survives(source.text)


@settings(relaxed, max_examples=400)
@given(st.lists(st.sampled_from(WORDS), max_size=60))
def test_token_soup(words: list[str]) -> None:
    survives(" ".join(words))


@settings(relaxed, max_examples=400)
@given(
    st.sampled_from(PROGRAMS),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), st.sampled_from(["", *WORDS]))),
)
def test_mutated_programs(text: str, edits: list[tuple[float, int, str]]) -> None:
    for where, length, replacement in edits:
        at = int(where * len(text))
        text = text[:at] + replacement + text[at + length :]
    survives(text)
