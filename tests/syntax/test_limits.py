"""Bombs: refused by a limit with a code, or read in linear time; never a recursion error."""

from __future__ import annotations

import time

import pytest

from archdsl.source import Source
from archdsl.syntax import tree
from archdsl.syntax.fingerprint import fingerprint
from archdsl.syntax.parser import parse
from archdsl.syntax.printer import format_source
from tests.syntax.support import good, read

NESTED = {
    "parentheses": "x = {n}1{m}".replace("{n}", "(" * 100_000).replace("{m}", ")" * 100_000),
    "open": "(" * 100_000,
    "lists": "[" * 100_000,
    "calls": "f(" * 10_000 + ")" * 10_000,
    "blocks": "block a { " * 10_000,
    "loops": "repeat 1 {\n" * 10_000,
    "sum": " + ".join(["a"] * 10_000),
    "concatenation": " ++ ".join(["a"] * 10_000),
    "product": " * ".join(["a"] * 10_000),
    "logic": " or ".join(["a"] * 10_000),
    "not": "not " * 10_000 + "a",
    "minus": "-" * 10_000 + "a",
    "power": "2 ** " * 10_000 + "2",
    "if": "a if b else " * 10_000 + "c",
    "else if": "if a { b }" + " else if a { b }" * 10_000,
    "applied": "f" + "()" * 10_000,
    "indexed": "f" + "[0]" * 10_000,
    "attributes": "x" + ".T" * 10_000,
    "labels": "x" + " as a" * 10_000,
}


@pytest.mark.parametrize("name", NESTED)
def test_depth_has_a_limit(name: str) -> None:
    started = time.process_time()
    file, diagnostics = read("first = 1\n" + NESTED[name])
    assert time.process_time() - started < 20
    assert [d.code for d in diagnostics] == ["E0110"]
    assert isinstance(file.statements[0], tree.Assign)
    fingerprint(file)


DEEPEST = {
    "calls": "f(a -> " * 99 + "b" + ")" * 99,
    "lists": "[a -> " * 99 + "b" + "]" * 99,
    "loops": "a -> repeat 1 { " * 39 + "b" + "}" * 39,
    "blocks": "block a { " * 39 + "b" + "}" * 39,
    "sum": " + ".join(["a"] * 200),
    "not": "not " * 199 + "a",
    "if": "a if b else " * 199 + "c",
    "else if": "if a { b }" + " else if a { b }" * 90,
    "applied": "f" + "()" * 99,
    "groups": "a * (" * 66 + "b" + ")" * 66,
}


@pytest.mark.parametrize("name", DEEPEST)
def test_what_the_limit_allows_can_be_walked(name: str) -> None:
    file = good(DEEPEST[name])
    again = good(format_source(file))
    assert fingerprint(again) == fingerprint(file)


def test_the_limit_can_be_set() -> None:
    assert parse(Source("x", "((((1))))"), max_depth=4)[1][0].code == "E0110"
    assert not parse(Source("x", "((((1))))"), max_depth=8)[1]


LONG = {
    "steps": lambda n: " -> ".join(["relu"] * n),
    "lines": lambda n: "relu\n" * n,
    "items": lambda n: f"[{', '.join(['1'] * n)}]",
    "arguments": lambda n: f"f({', '.join(['a=1'] * n)})",
    "comments": lambda n: "# c\nrelu\n" * (n // 2),
    "strings": lambda n: 'x = "a"\n' * (n // 2),
    "mistakes": lambda n: "a b\n" * n,
    "arrows of others": lambda n: "a => b\n" * n,
    "at": lambda n: "@" * n,
    "accents": lambda n: "é" * n,
    "closers": lambda n: ")" * n,
    "braces": lambda n: "}" * n,
    "semicolons": lambda n: ";" * n,
    "quotes": lambda n: "'" * n,
    "triple quotes": lambda n: '"""' * n,
    "backslashes": lambda n: 'x = "' + "\\" * n,
    "digits": lambda n: "1_" * n,
    "points": lambda n: "1." * n,
    "unclosed": lambda n: "f(\na\n" * n,
    "name": lambda n: "a" * n,
    "newlines": lambda n: "\n" * n,
}


@pytest.mark.parametrize("name", LONG)
def test_long_texts_take_linear_time(name: str) -> None:
    def seconds(n: int) -> float:
        text = LONG[name](n)
        started = time.process_time()
        file, _ = read(text)
        fingerprint(file)
        return time.process_time() - started

    # Sixteen times the text: a quadratic walk would cost 256 times as much. A busy machine never makes up 80.
    assert seconds(32_000) < 80 * min(seconds(2000) for _ in range(3)) + 1


def test_a_hundred_thousand_steps_are_one_flat_pipe() -> None:
    (statement,) = good(" -> ".join(["relu"] * 100_000)).statements
    assert isinstance(statement, tree.ExpressionStatement)
    assert isinstance(statement.value, tree.Pipe)
    assert len(statement.value.steps) == 100_000


def test_the_number_of_messages_is_capped() -> None:
    _, diagnostics = read("a b\n" * 5000)
    assert len(diagnostics) == 101
    assert diagnostics[-1].code == "E0118"
