"""What the tests of the syntax share: parsing a text, and trees as s-expressions."""

from __future__ import annotations

from pathlib import Path

from archdsl.diagnostics import Diagnostic
from archdsl.source import Source
from archdsl.syntax import tree
from archdsl.syntax.parser import parse

HERE = Path(__file__).parent
SAMPLES = sorted((HERE / "samples").glob("*.arch"))
BAD = sorted((HERE / "bad").glob("*.arch"))


def read(text: str) -> tuple[tree.File, tuple[Diagnostic, ...]]:
    return parse(Source("test.arch", text))


def good(text: str) -> tree.File:
    file, diagnostics = read(text)
    assert not diagnostics, diagnostics
    return file


def codes(text: str) -> list[tuple[str, int, int]]:
    """Code, line and column of each message."""
    return [(d.code, d.span.line, d.span.column) for d in read(text)[1]]


def expression(text: str) -> str:
    """The one expression in ``text`` as an s-expression."""
    (statement,) = good(text).statements
    assert isinstance(statement, tree.ExpressionStatement)
    return shown(statement.value)


def shown(node: tree.Expression) -> str:
    match node:
        case tree.Number():
            return node.text
        case tree.String():
            return repr(node.value)
        case tree.Boolean():
            return str(node.value).lower()
        case tree.NoneLiteral():
            return "none"
        case tree.Name():
            return node.name
        case tree.Pipe():
            return f"(-> {' '.join(map(shown, node.steps))})"
        case tree.Conditional():
            return f"(if {shown(node.condition)} {shown(node.then)} {shown(node.otherwise)})"
        case tree.Binary():
            return f"({node.operator} {shown(node.left)} {shown(node.right)})"
        case tree.Unary():
            return f"({node.operator} {shown(node.operand)})"
        case tree.Call():
            arguments = [f"{a.name}={shown(a.value)}" if a.name else shown(a.value) for a in node.arguments]
            return f"(call {' '.join([shown(node.function), *arguments])})"
        case tree.Index():
            return f"(index {shown(node.value)} {shown(node.index)})"
        case tree.Attribute():
            return f"(. {shown(node.value)} {node.name})"
        case tree.Labelled():
            return f"(as {shown(node.value)} {node.label})"
        case tree.ListLiteral():
            return f"[{' '.join(map(shown, node.items))}]"
        case tree.Comprehension():
            condition = "" if node.condition is None else f" {shown(node.condition)}"
            return f"(list {shown(node.body)} {','.join(node.targets)} {shown(node.iterable)}{condition})"
        case tree.Repeat():
            until = "" if node.until is None else f" {shown(node.until)}"
            return f"(repeat {shown(node.count)}{until} {body(node.body)})"
        case tree.For():
            return f"(for {','.join(node.targets)} {shown(node.iterable)} {body(node.body)})"
    raise AssertionError(node)


def body(node: tree.Body) -> str:
    parts = [
        shown(s.value) if isinstance(s, tree.ExpressionStatement) else type(s).__name__
        for s in node.statements
    ]
    return "{" + " ".join(parts) + "}"
