"""The formatter: what it keeps, where it breaks, and that it changes nothing but layout."""

from __future__ import annotations

import pytest

from archdsl.syntax import tree
from archdsl.syntax.fingerprint import fingerprint
from archdsl.syntax.printer import format_source, print_expression
from tests.syntax.support import SAMPLES, Path, good


def formatted(text: str) -> str:
    """The formatted text, after what holds of every one: same tree, same comments, nothing left to format."""
    file = good(text)
    result = format_source(file)
    again = good(result)
    assert fingerprint(again) == fingerprint(file)
    assert sorted(c.text for c in again.comments) == sorted(c.text for c in file.comments)
    assert format_source(again) == result
    assert all(line == line.rstrip() for line in result.split("\n"))
    return result


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples(path: Path) -> None:
    result = formatted(path.read_text("utf-8"))
    assert all(len(line.partition("  #")[0]) <= 100 for line in result.split("\n"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_comment_anywhere_survives(path: Path) -> None:
    """Behind every line and on a line of its own after it."""
    lines = path.read_text("utf-8").split("\n")
    for number in range(len(lines) - 1):
        formatted("\n".join((*lines[: number + 1], "# own", *lines[number + 1 :])))
        if "#" not in lines[number]:
            formatted("\n".join((*lines[:number], lines[number] + "  # behind", *lines[number + 1 :])))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a+b*c->relu", "a + b * c -> relu\n"),
        ("x=f( a,k = 3 , )", "x = f(a, k=3)\n"),
        ("((a))", "a\n"),
        ("(a -> b) + (c * d)", "(a -> b) + c * d\n"),
        ("-(a ** b) ** (-c)", "-(a ** b) ** -c\n"),
        ("(a + b) ++ (c ++ d)", "(a + b) ++ (c ++ d)\n"),
        ("(a ++ b) ++ c", "a ++ b ++ c\n"),
        ("a - (b - c)", "a - (b - c)\n"),
        ("not (a and b)", "not (a and b)\n"),
        ("(a < b) == c", "(a < b) == c\n"),
        ("(a if b else c) if d else e", "(a if b else c) if d else e\n"),
        ("25_557_032 + 1e9 + 0.10", "25_557_032 + 1e9 + 0.10\n"),
        ("\n\n\na\n\n\n\nb\nc\n\n", "a\n\nb\nc\n"),
        ("a#c", "a  #c\n"),
        ("# one\n\n\n# two\na", "# one\n\n# two\na\n"),
        ("block b() { }", "block b { }\n"),
        ("block b { a }", "block b { a }\n"),
        ("block b {\n a }", "block b {\n  a\n}\n"),
        ("block b {\n\n  a\n\n}", "block b {\n  a\n}\n"),
        ("block b { # why\n a }", "block b {  # why\n  a\n}\n"),
        ("block b {\n  a\n  # last\n}", "block b {\n  a\n  # last\n}\n"),
        ("f(a, # first\n  b)", "f(\n  a,  # first\n  b\n)\n"),
        ("f(\n  # first\n  a)", "f(\n  # first\n  a\n)\n"),
        ("a\n  # between\n  -> b", "a\n  # between\n  -> b\n"),
        ("a +  # in the middle\n  b", "# in the middle\na + b\n"),
        ("a\r\nb\rc", "a\nb\nc\n"),
        ("", ""),
    ],
)
def test_style(text: str, expected: str) -> None:
    assert formatted(text) == expected


def test_long_things_are_broken() -> None:
    long = "a_rather_long_name_of_a_block"
    pipe = formatted(f"y = {' -> '.join(f'{long}({n}, {n})' for n in range(4))}")
    assert pipe == f"y = {long}(0, 0)\n" + "".join(f"  -> {long}({n}, {n})\n" for n in (1, 2, 3))
    call = formatted(f"f({', '.join(f'{long}{n}' for n in range(6))})")
    assert call == "f(\n" + "".join(f"  {long}{n}{',' if n < 5 else ''}\n" for n in range(6)) + ")\n"
    head = formatted(f"block b({', '.join(f'{long}{n}' for n in range(6))}) {{ a }}")
    assert head.startswith(f"block b(\n  {long}0,\n")
    assert head.endswith(f"{long}5\n) {{\n  a\n}}\n")
    assert formatted(f"x = {' + '.join([long] * 5)}") == (
        f"x = {' + '.join([long] * 3)} +\n  {long} + {long}\n"
    )


def test_an_expression_alone() -> None:
    (statement,) = good("(a->b)*repeat 3 { c }").statements
    assert isinstance(statement, tree.ExpressionStatement)
    assert print_expression(statement.value) == "(a -> b) * repeat 3 { c }"
